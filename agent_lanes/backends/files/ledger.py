"""ledger/<month>.jsonl: what each attempt of an agent took, one JSON object a line, one write a line.

Only added to. A line that a crash cut off is closed by the next writer and left out by readers; one that is missing
altogether is found in the history of its task. Nothing of the queue depends on it, so it is not fsynced.
"""

from __future__ import annotations

import errno
import os

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.journal import APPEND_FLAGS, CHUNK
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core.jsontext import dumps_line, loads_object
from agent_lanes.core.ledger import Entry, decode_entry, encode_entry
from agent_lanes.core.times import DAY, iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX = ".jsonl"
TAIL = 1 << 16
MONTH = len("2026-11")
SLACK = DAY  # attempts end in one order and are entered in another, and clocks are set back by hours


def append(layout: Layout, entry: Entry) -> None:
    """Add a line. Raises OSError; then the ledger lacks it, and nothing else is wrong."""
    atomic.make_folder(layout.ledger)
    path = f"{layout.ledger}/{iso(entry.at)[:MONTH]}{SUFFIX}"
    data = dumps_line(encode_entry(entry)).encode() + b"\n"
    descriptor = os.open(path, APPEND_FLAGS, atomic.FILE_MODE)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        if os.write(descriptor, data) < len(data):  # a disk that fills up takes a part, and says nothing
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(descriptor)


def read(layout: Layout, since: int) -> Iterator[Entry]:
    """Every whole line from an instant on, as it was written, month by month. Raises OSError.

    Of the month of that instant, what lies well before it is not read: today is the end of a long file.
    """
    first = iso(since)[:MONTH]
    for name in _months(layout):
        if name[:MONTH] >= first:
            for raw in _lines(f"{layout.ledger}/{name}", since - SLACK if name[:MONTH] == first else 0):
                entry = _entry(raw)
                if entry is not None and entry.at >= since:
                    yield entry


def latest(layout: Layout) -> list[Entry]:
    """The last few hundred lines of this month, oldest first. Raises OSError."""
    names = _months(layout)
    if not names:
        return []
    descriptor = os.open(f"{layout.ledger}/{names[-1]}", atomic.READ_FLAGS)
    try:
        size = os.fstat(descriptor).st_size
        raw = os.pread(descriptor, TAIL, max(0, size - TAIL))
    finally:
        os.close(descriptor)
    lines = raw.split(b"\n")[1 if size > TAIL else 0 :]
    return [entry for line in lines if (entry := _entry(line)) is not None]


def _months(layout: Layout) -> list[str]:
    found = (name for name in atomic.names(layout.ledger) if name.endswith(SUFFIX))
    return sorted(name for name in found if len(name) == MONTH + len(SUFFIX))


def _lines(path: str, since: int) -> Iterator[bytes]:
    """Every line that was not entered long before an instant; the first one may be cut off at its front."""
    descriptor = os.open(path, atomic.READ_FLAGS)
    rest = b""
    try:
        position = _begin(descriptor, since) if since > 0 else 0
        while chunk := os.pread(descriptor, CHUNK, position):
            position += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
    finally:
        os.close(descriptor)


def _begin(descriptor: int, since: int) -> int:
    """Where to begin to read: at the last piece of the file in which every line is of before an instant."""
    position = os.fstat(descriptor).st_size
    while position > 0:
        position = max(0, position - TAIL)
        lines = os.pread(descriptor, TAIL, position).split(b"\n")[1:-1]
        found = [entry.at for line in lines if (entry := _entry(line)) is not None]
        if found and max(found) < since:
            break
    return position


def _entry(raw: bytes) -> Entry | None:
    try:
        return decode_entry(loads_object(raw.decode())) if raw else None
    except ValueError:
        return None
