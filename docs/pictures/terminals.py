"""Terminals that are recorded and drawn: tmux on a server of our own, and SVG.

with server():
    one = session("one", 124, 16, folder)          a terminal
    one.type("agent-lanes where"); one.at_prompt()
    picture = svg([Screen("one", one.shown(), 124)])
"""

# ruff: noqa: S603, S607 - it starts programs by name: that is its whole work

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import NamedTuple

ADVANCE, LINE, SIZE, MARGIN, BAR, GAP = 8.43, 19, 14, 16, 30, 14
PATIENCE_SECONDS = 120  # of a busy machine
TMUX = ("tmux", "-L", "agent-lanes-picture", "-f", "/dev/null")
SHELL = "PS1='$ ' exec bash --norc --noprofile"
FONT = "font-family=\"'DejaVu Sans Mono',Menlo,Consolas,monospace\""


class Terminal:
    """A pane of tmux."""

    def __init__(self, pane: str) -> None:
        self.pane = pane

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        tmux("send-keys", "-t", self.pane, "-l", line)
        tmux("send-keys", "-t", self.pane, "Enter")

    def shown(self) -> list[str]:
        """What is on the screen."""
        return tmux("capture-pane", "-p", "-t", self.pane).rstrip("\n").split("\n")

    def until(self, text: str) -> None:
        """Wait until the screen shows this."""
        self._wait(lambda: text in "".join(self.shown()), text)  # a long line is shown as two

    def at_prompt(self) -> None:
        """Wait until the shell is ready for the next line."""
        self._wait(lambda: self.shown()[-1].strip() == "$", "the prompt")

    def _wait(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.pane} never showed {what}:\n" + "\n".join(self.shown()))
            time.sleep(0.05)


class Screen(NamedTuple):
    """One terminal in a picture; its place in pixels, its width in characters."""

    title: str
    lines: list[str]
    columns: int
    x: int = 0
    y: int = 0

    @property
    def width(self) -> int:
        """In pixels."""
        return round(self.columns * ADVANCE + 2 * MARGIN)

    @property
    def height(self) -> int:
        """In pixels."""
        return BAR + MARGIN + LINE * len(self.lines) + MARGIN // 2


def tmux(*words: str) -> str:
    """One tmux command."""
    return subprocess.run([*TMUX, *words], check=True, capture_output=True, text=True).stdout


@contextmanager
def server() -> Iterator[None]:
    """Nothing of it runs on afterwards."""
    try:
        yield
    finally:
        subprocess.run([*TMUX, "kill-server"], check=False)


def session(name: str, columns: int, rows: int, folder: Path) -> Terminal:
    """A new terminal, at its prompt."""
    tmux("new-session", "-d", "-s", name, "-x", str(columns), "-y", str(rows), "-c", str(folder), SHELL)
    made = Terminal(name)
    made.at_prompt()
    return made


def below(screens: list[Screen], x: int = 0) -> list[Screen]:
    """Each below the one before it."""
    placed: list[Screen] = []
    for screen in screens:
        y = placed[-1].y + placed[-1].height + GAP if placed else 0
        placed.append(screen._replace(x=x, y=y))
    return placed


def write(path: Path, screens: list[Screen]) -> None:
    """The picture, as SVG and beside it as PNG."""
    path.write_text(svg(screens), encoding="utf-8")
    subprocess.run(["rsvg-convert", "--zoom", "2", str(path), "-o", str(path.with_suffix(".png"))], check=True)


def svg(screens: list[Screen]) -> str:
    """All of them in one picture."""
    width = max(screen.x + screen.width for screen in screens)
    height = max(screen.y + screen.height for screen in screens)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [part for screen in screens for part in _screen(screen)]
    return "\n".join([f'{head} {FONT} xml:space="preserve">', *parts, "</svg>"]) + "\n"


def _screen(screen: Screen) -> list[str]:
    x, y, width = screen.x, screen.y, screen.width
    parts = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{screen.height}" rx="8" fill="#1d2129"/>',
        f'<rect x="{x}" y="{y}" width="{width}" height="{BAR}" rx="8" fill="#3a404c"/>',
        f'<text x="{x + MARGIN}" y="{y + 20}" fill="#dfe3ea" font-size="13">{escape(screen.title)}</text>',
    ]
    for number, line in enumerate(screen.lines):
        parts += _line(line, x + MARGIN, y + BAR + MARGIN + LINE * number + 4)
    return parts


def _line(line: str, x: int, y: int) -> list[str]:
    """A line, at a fixed width whatever the font; the prompt in green."""
    if not line.strip():
        return []
    prompt = 2 if line.startswith("$ ") or line.strip() == "$" else 0
    pieces = [(0, line[:prompt], "#7ee787"), (prompt, line[prompt:].rstrip(), "#ffffff" if prompt else "#c9d1d9")]
    return [
        f'<text x="{x + start * ADVANCE:.1f}" y="{y}" fill="{colour}" font-size="{SIZE}" '
        f'textLength="{len(text) * ADVANCE:.1f}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for start, text, colour in pieces
        if text.strip()
    ]
