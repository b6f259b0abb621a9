"""A world.Runner that stops each command after each of its calls, and copies the disk there."""

from __future__ import annotations

import array
import fcntl
import os
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from disk.program import Result
from disk.trace import Command, Stopped


@dataclass(frozen=True)
class Frozen:
    """One image, and when it was taken."""

    moment: int
    what: str
    image: Any
    """Whatever this disk makes one of."""


class Freezable(Protocol):
    """A disk that can be copied while it is mounted."""

    mounted: Path

    def image(self) -> Any:
        """What a power cut would leave now; it has a `digest`."""
        ...


class Freezer:
    """Copies a disk at every stop; with `nudge`, another file of the file system is synced before each copy.

    That brings the journal to the disk, with the steps in folders of everybody and not their data: the state in which
    file systems show what they do not promise.
    """

    def __init__(self, disk: Freezable, folder: Path, home: Path, *, nudge: bool) -> None:
        self.disk, self.folder, self.home, self.nudge = disk, folder, home, nudge
        self.freezing = False
        self.frozen: list[Frozen] = []
        self.stops = 0
        self._said = -1
        self._seen: set[bytes] = set()
        self._bytes = 0

    def run(self, words: tuple[str, ...], stdin: bytes, boot: str) -> Result:
        """See world.Runner."""
        command, log = Command(self.folder, self.home, boot), self.home / "strace.log"
        if not self.freezing:
            done = command.recorded(words, log, stdin=stdin)
            return Result(words, done.code, done.out.decode(), done.err)
        self._bytes = 0
        stopped = command.stopped(words, log, None, stdin=stdin)
        done = stopped.each(lambda: self._stop(stopped, words))
        if not done.out:  # its end is all that is heard of it
            self._said = self.stops
        self._freeze(f"{words[-1]}: at its end")
        return Result(words, done.code, done.out.decode(), done.err)

    def said_at(self) -> int:
        """See world.Runner."""
        return self._said

    def _stop(self, stopped: Stopped, words: tuple[str, ...]) -> None:
        waiting = array.array("i", [0])
        assert stopped.process.stdout is not None
        fcntl.ioctl(stopped.process.stdout, termios.FIONREAD, waiting)
        if waiting[0] > self._bytes:
            self._bytes, self._said = waiting[0], self.stops
        self._freeze(f"`{' '.join(words[:4])}` stopped after its call {self.stops}")

    def _freeze(self, what: str) -> None:
        if self.nudge:
            descriptor = os.open(self.disk.mounted / "another file", os.O_WRONLY | os.O_CREAT, 0o600)
            os.pwrite(descriptor, b"%d" % self.stops, 0)
            os.fsync(descriptor)
            os.close(descriptor)
        image = self.disk.image()
        key = image.digest + b"%d" % self._said
        if key not in self._seen:
            self._seen.add(key)
            self.frozen.append(Frozen(self.stops, what, image))
        self.stops += 1
