"""Records the main job in two terminals, and draws what they showed: two-terminals.svg and .png.

    python docs/pictures/make.py

The recording is a real one: two tmux sessions, the installed `agent-lanes`, a dispatcher that waits, and a shell script
in the place of an agent. Needs tmux, and rsvg-convert for the PNG. Nothing is edited but the colour of the prompts.
"""

# ruff: noqa: S603, S607 - it starts programs by name: that is its whole work

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = Path("/tmp/kettle")  # noqa: S108 - a short path that says nothing about the machine
COLUMNS, ROWS = 124, 16
ADVANCE, LINE, SIZE, MARGIN, BAR = 8.43, 19, 14, 16, 30
PATIENCE_SECONDS = 30
SPEC = """\
# A kettle that can wait

Boils water, then keeps it warm until somebody comes.

## Heating
1.8 kW until 96 degrees.

## Keeping warm
Up to 40 minutes, then off.
"""
AGENT = """\
cat >/dev/null
echo "$(basename "$AGENT_LANES_REQUEST_PATH") has these parts:"
grep '^#' "$AGENT_LANES_REQUEST_PATH"
echo 'VERDICT: accept'
"""


class Terminal:
    """A tmux session of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        shell = f"cd {PROJECT} && PS1='$ ' exec bash --norc --noprofile"
        tmux("new-session", "-d", "-s", name, *size, shell)
        self.until("$")

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        tmux("send-keys", "-t", self.name, "-l", line)
        tmux("send-keys", "-t", self.name, "Enter")

    def shown(self) -> list[str]:
        """What is on the screen."""
        return tmux("capture-pane", "-p", "-t", self.name).rstrip("\n").split("\n")

    def until(self, text: str, last: bool = False) -> None:
        """Wait until the screen shows this, or ends with it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in (self.shown()[-1] if last else "\n".join(self.shown())):
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.name} never showed {text!r}:\n" + "\n".join(self.shown()))
            time.sleep(0.05)


def tmux(*words: str) -> str:
    """One tmux command, on a server of our own."""
    return subprocess.run(
        ["tmux", "-L", "agent-lanes-picture", "-f", "/dev/null", *words], check=True, capture_output=True, text=True
    ).stdout


@contextmanager
def project() -> Iterator[None]:
    """A document and an agent that knows one thing."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    PROJECT.mkdir()
    (PROJECT / "spec.md").write_text(SPEC)
    (PROJECT / "agent.sh").write_text(AGENT)
    try:
        yield
    finally:
        subprocess.run(["tmux", "-L", "agent-lanes-picture", "kill-server"], check=False)
        shutil.rmtree(PROJECT)


def record() -> list[tuple[str, list[str]]]:
    """The two screens, after the job was done."""
    with project():
        subprocess.run(["agent-lanes", "init"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        first, second = Terminal("one"), Terminal("two")
        second.type("VENDOR=demo OWNER=terminal-2 HEADLESS_AGENT_CMD='sh agent.sh' bash handoff/dispatcher.sh")
        second.until("waits on lane default")
        first.type("agent-lanes run --lane default spec.md --prompt 'Which parts has it?' --response-to parts.md")
        first.until("VERDICT: accept")
        first.until("$", last=True)
        second.until("answered")
        return [
            ("terminal 1: hands over a file, and waits", first.shown()),
            ("terminal 2: a dispatcher", second.shown()),
        ]


def draw(screens: list[tuple[str, list[str]]]) -> str:
    """Both screens below each other, as SVG."""
    width = round(COLUMNS * ADVANCE + 2 * MARGIN)
    parts, y = [], 0
    for title, lines in screens:
        height = BAR + MARGIN + LINE * len(lines) + MARGIN // 2
        parts.append(f'<rect x="0" y="{y}" width="{width}" height="{height}" rx="8" fill="#1d2129"/>')
        parts.append(f'<rect x="0" y="{y}" width="{width}" height="{BAR}" rx="8" fill="#3a404c"/>')
        parts.append(f'<text x="{MARGIN}" y="{y + 20}" fill="#dfe3ea" font-size="13">{escape(title)}</text>')
        for number, line in enumerate(lines):
            parts += _line(line, y + BAR + MARGIN + LINE * number + 4)
        y += height + 14
    font = "font-family=\"'DejaVu Sans Mono',Menlo,Consolas,monospace\""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y - 14}" viewBox="0 0 {width} {y - 14}"'
    return "\n".join([f'{head} {font} xml:space="preserve">', *parts, "</svg>"]) + "\n"


def _line(line: str, y: int) -> list[str]:
    """A line, at a fixed width whatever the font; the prompt in green."""
    if not line.strip():
        return []
    prompt = 2 if line.startswith("$ ") or line.strip() == "$" else 0
    pieces = [(0, line[:prompt], "#7ee787"), (prompt, line[prompt:].rstrip(), "#ffffff" if prompt else "#c9d1d9")]
    return [
        f'<text x="{MARGIN + start * ADVANCE:.1f}" y="{y}" fill="{colour}" font-size="{SIZE}" '
        f'textLength="{len(text) * ADVANCE:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for start, text, colour in pieces
        if text.strip()
    ]


def main() -> None:
    """Record, draw, convert."""
    picture = HERE / "two-terminals.svg"
    picture.write_text(draw(record()), encoding="utf-8")
    subprocess.run(["rsvg-convert", "--zoom", "2", str(picture), "-o", str(picture.with_suffix(".png"))], check=True)


if __name__ == "__main__":
    main()
