"""A program whose stdout and stderr are a terminal of ours.

with Terminal(run, "status", "--all", columns=80) as terminal:
    terminal.until(b"queued")          what it has written so far, once this is in it
    terminal.interrupt()               Ctrl-C
    terminal.end()                     everything it wrote, and `code`
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
from types import TracebackType

from cli.process import PATIENCE_SECONDS, Command


class Terminal:
    """The program. Leaving the `with` ends it."""

    def __init__(
        self,
        run: Command,
        *words: str,
        columns: int = 80,
        lines: int = 24,
        env: dict[str, str] | None = None,
        program: str | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(columns, lines)
        plain = {"TERM": "xterm-256color", **dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"), "")}
        self.process = subprocess.Popen(
            [program or run.program, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=run.folder,
            env=run.environment({**plain, **(env or {})}),
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # makes it the controlling terminal
        )
        os.close(theirs)
        self.seen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._ours >= 0:
            os.close(self._ours)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: str) -> None:
        """Type something."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def until(self, part: bytes) -> bytes:
        """Read until this appears."""
        while part not in self.seen:
            assert self._more(), f"no {part!r} in {self.seen!r}"
        return self.seen

    def forget(self) -> None:
        """What was seen so far does not count for `until` any more."""
        self.seen = b""

    def end(self, code: int | None = 0) -> bytes:
        """Read everything, to the end of the program."""
        while self._more():
            pass
        os.close(self._ours)
        self._ours = -1
        self.process.wait(PATIENCE_SECONDS)
        assert code is None or self.process.returncode == code, (self.process.returncode, self.seen)
        return self.seen

    def _more(self) -> bool:
        if not select.select([self._ours], [], [], PATIENCE_SECONDS)[0]:
            return False
        try:
            chunk = os.read(self._ours, 1 << 16)
        except OSError:  # EIO: the other side has been closed
            return False
        self.seen += chunk
        return bool(chunk)
