"""What a client says on stdin, line by line, none longer than HTTP takes a body.

file = own(0)                 a descriptor of this server alone: what it starts finds the null device there
Lines(file).readline()        the next line; TOO_LONG in place of one that was passed over; "" at the end
"""

from __future__ import annotations

import fcntl
import os
from typing import BinaryIO

from agent_lanes.services.bodies import MAX_BODY_BYTES

LONGEST_BYTES = 2 * MAX_BODY_BYTES  # JSON writes some characters as several
CHUNK = 1 << 20
TOO_LONG = f"a line of more than {LONGEST_BYTES >> 20} MiB\n"  # no JSON, so that nobody takes it for a message
FIRST_FREE = 3  # above stdin, stdout and stderr


def own(descriptor: int) -> BinaryIO:
    """A file on what a descriptor reads, which is the null device from now on: no child takes a client's words."""
    file = os.fdopen(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE), "rb", closefd=False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return file


class Lines:
    """The lines of a file as texts; what is no UTF-8 is replaced."""

    def __init__(self, file: BinaryIO, longest_bytes: int = LONGEST_BYTES) -> None:
        self._file, self._longest = file, longest_bytes

    def readline(self) -> str:
        """The next one. Of one that is too long no more than the limit is ever held."""
        raw = self._file.readline(self._longest + 1)
        if len(raw) <= self._longest or raw.endswith(b"\n"):
            return raw.decode("utf-8", "replace")
        while raw and not raw.endswith(b"\n"):
            raw = self._file.readline(CHUNK)
        return TOO_LONG
