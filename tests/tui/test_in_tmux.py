"""`top` in a real terminal: tmux, its keys, and what it leaves behind."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent_lanes.api import Queue

PATIENCE_SECONDS = 90
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)(?:;\d+)*m")


class Tmux:
    """A tmux server of its own, with a shell of 80 by 24."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "env PS1=ready: sh")
        self.until(lambda shown: "ready:" in shown)

    def __call__(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", self._socket, *words], check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self("send-keys", *keys)

    def shown(self, *flags: str) -> str:
        """What stands on the screen."""
        return self("capture-pane", "-p", *flags)

    def until(self, true: Callable[[str], object]) -> str:
        """Wait until the screen is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not true(shown := self.shown()):
            assert time.monotonic() < end, shown
            time.sleep(0.05)
        return shown


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """One, ended with the test."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    one = Tmux(tmp_path)
    yield one
    one("kill-server")


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["", "--no-color"])
def test_it_is_woken_obeys_its_keys_and_gives_the_terminal_back(tmux: Tmux, tmp_path: Path, flags: str) -> None:
    queue = Queue.open(str(tmp_path / "store"))
    first = queue.submit("review", prompt="Look at the parser \x1b[31mred")
    tmux.type(f"{sys.executable} -m agent_lanes --store {tmp_path}/store top {flags}", "Enter")
    shown = tmux.until(lambda shown: "queued" in shown)
    assert r"Look at the parser \x1b[31mred" in shown
    queue.submit("docs", prompt="Write it down")
    tmux.until(lambda shown: "2 ready" in shown)
    assert bool(COLOUR.search(tmux.shown("-e"))) == (not flags)
    tmux.type("c")
    tmux.until(lambda shown: "Cancel this task?" in shown)
    tmux.type("y")
    tmux.until(lambda shown: "1 ready" in shown)
    assert queue.status(first)["state"] == "cancelled"
    tmux.type("q")
    assert "queued" not in tmux.until(lambda shown: "ready:" in shown and "review" not in shown.replace("-m agent", ""))
