"""Records the main job in two terminals, and draws what they showed: two-terminals.svg and .png.

    python docs/pictures/make.py

The recording is a real one: two tmux sessions, the installed `agent-lanes`, a dispatcher that waits, and a shell script
in the place of an agent. Needs tmux, and rsvg-convert for the PNG. Nothing is edited but the colour of the prompts.
"""

# ruff: noqa: S607 - it starts programs by name: that is its whole work

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import terminals
from terminals import Screen, session

HERE = Path(__file__).resolve().parent
PROJECT = Path("/tmp/kettle")  # noqa: S108 - a short path that says nothing about the machine
COLUMNS, ROWS = 124, 16
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


@contextmanager
def project() -> Iterator[None]:
    """A queue, and a document."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    PROJECT.mkdir()
    try:
        (PROJECT / "spec.md").write_text(SPEC)
        subprocess.run(["agent-lanes", "init"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        with terminals.server():
            yield
    finally:
        shutil.rmtree(PROJECT)


def record() -> list[Screen]:
    """The two screens, after the job was done."""
    with project():
        (PROJECT / "agent.sh").write_text(AGENT)
        first, second = (session(name, COLUMNS, ROWS, PROJECT) for name in ("one", "two"))
        second.type("VENDOR=demo OWNER=terminal-2 HEADLESS_AGENT_CMD='sh agent.sh' bash handoff/dispatcher.sh")
        second.until("waits on lane default")
        first.type("agent-lanes run --lane default spec.md --prompt 'Which parts has it?' --response-to parts.md")
        first.until("VERDICT: accept")
        first.at_prompt()
        second.until("answered")
        return [
            Screen("terminal 1: hands over a file, and waits", first.shown(), COLUMNS),
            Screen("terminal 2: a dispatcher", second.shown(), COLUMNS),
        ]


if __name__ == "__main__":
    terminals.write(HERE / "two-terminals.svg", terminals.below(record()))
