"""Runs the commands of a Markdown page as a reader would: in terminals.

    ```bash terminal-1          typed into terminal 1; every command must succeed
    ```bash terminal-1 waits    typed, but it does not return (yet)
    ```text terminal-1          what terminal 1 shows, in order: … stands for anything in a line, alone for any lines
    ```keys terminal-1          Ctrl-C
    ```bash some-file.sh        the file some-file.sh (also python, yaml)

A terminal is a real one: bash on a pseudo-terminal, in a session of its own.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 60.0  # decides only how long a page that is wrong takes to fail
FENCE = re.compile(r"^```(\w+) (\S+)( waits)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block:
    """One fenced block with a destination."""

    def __init__(self, kind: str, place: str, waits: bool, content: str) -> None:
        self.kind, self.place, self.waits, self.content = kind, place, waits, content


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page that say where they belong."""
    for kind, place, waits, content in FENCE.findall(page):
        yield Block(kind, place, bool(waits), content)


class Terminal:
    """One bash; `shown` is all that it has shown since the last command was typed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.screen, theirs = pty.openpty()
        settings = termios.tcgetattr(theirs)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        self.bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**environment, "PS1": "", "PS2": "", "TERM": "dumb", "HISTFILE": ""},
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # makes it the controlling terminal
        )
        os.close(theirs)
        self.shown, self.count, self.pending = "", 0, False
        self._send("trap 'failed=$?' ERR\n")

    def type(self, commands: str) -> None:
        """Type some commands, once those before have returned."""
        self.returned()
        self.count += 1
        self.pending = True
        self.shown = ""
        self._send(f"failed=0\n{commands}echo done {self.count} exit $failed\n")

    def press(self, keys: str) -> None:
        """Press Ctrl-C."""
        assert keys.strip() == "Ctrl-C", keys
        self.pending = False  # bash drops the rest of what was typed
        self._send("\x03")

    def returned(self) -> None:
        """Wait until the last commands have returned. All of them must have succeeded."""
        if self.pending:
            end = self._read_until(re.compile(rf"done {self.count} exit (\d+)\n"))
            assert end[1] == "0", f"exit code {end[1]}:\n{self.shown}"
            assert "is not declared in " not in self.shown, f"a page needs no lane that is warned of:\n{self.shown}"
            self.pending = False

    def shows(self, expected: str) -> None:
        """Wait until the terminal shows this."""
        self._read_until(re.compile(pattern(expected)))

    def close(self) -> None:
        """Hang up: what a closed window does. What does not go by itself is killed."""
        os.close(self.screen)
        try:
            self.bash.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.bash.pid, signal.SIGKILL)
            self.bash.wait()

    def _send(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self.screen, data) :]

    def _read_until(self, wanted: re.Pattern[str]) -> re.Match[str]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := wanted.search(self.shown)):
            ready, _, _ = select.select([self.screen], [], [], max(0.0, deadline - time.monotonic()))
            try:
                more = os.read(self.screen, 1 << 16) if ready else b""
            except OSError:  # bash has left: the other end of the terminal is closed
                more = b""
            if not more:
                raise AssertionError(f"the terminal does not show {wanted.pattern!r}, but:\n{self.shown}")
            self.shown += more.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "")
        return found


def pattern(expected: str) -> str:
    """The regular expression of an expected output."""
    out = ""
    for line in expected.splitlines():
        if line.strip() == "…":
            out += r"(?:.*\n)*?"
        else:
            out += r" *" + re.escape(line.strip()).replace("…", ".*") + r"\n"
    return out


def walk(page: str, folder: Path, environment: dict[str, str]) -> int:
    """Do everything that a page says; returns how many blocks of commands there were."""
    terminals: dict[str, Terminal] = {}
    typed = 0
    try:
        for block in blocks(page):
            if not block.place.startswith("terminal-"):
                (folder / block.place).parent.mkdir(parents=True, exist_ok=True)
                (folder / block.place).write_text(block.content)
                continue
            if block.place not in terminals:
                terminals[block.place] = Terminal(folder, environment)
            terminal = terminals[block.place]
            if block.kind == "text":
                terminal.shows(block.content)
            elif block.kind == "keys":
                terminal.press(block.content)
            else:
                typed += 1
                terminal.type(block.content)
                if not block.waits:
                    terminal.returned()
    finally:
        for terminal in terminals.values():
            terminal.close()
    return typed
