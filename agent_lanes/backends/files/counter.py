"""ready/<lane>/.sequence: the counter of a lane, so that first in, first out does not depend on clocks.

Twelve digits and a newline, read and written under a flock on the file itself. A counter that was lost or damaged
goes on after the highest number that the lane's ready markers show.
"""

from __future__ import annotations

import fcntl
import os
import time

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.hints import files
from agent_lanes.backends.files.layout import Layout, sequence_of_ready
from agent_lanes.backends.files.lock import LONGEST_PAUSE, PATIENCE_SECONDS, holder_of
from agent_lanes.core.fields import MAX_SEQUENCE
from agent_lanes.errors import Busy

COUNTER_BYTES = 13


def advance(layout: Layout, lane: str, count: int = 1) -> int:
    """The first of the next `count` numbers; none is given twice. Raises OSError, Busy."""
    descriptor = _opened(layout.sequence(lane))
    try:
        _lock(descriptor, lane)
        raw = os.pread(descriptor, 32, 0)
        number = int(raw) + 1 if len(raw) == COUNTER_BYTES and raw.strip().isdigit() else 0
        if not 0 < number <= MAX_SEQUENCE - count:  # lost or damaged; nobody finds a marker of 13 digits
            number = min(highest(layout, lane) + 1, MAX_SEQUENCE - count)
            os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%012d\n" % (number + count - 1), 0)
        return number
    finally:
        os.close(descriptor)


def raise_to(layout: Layout, lane: str, number: int) -> None:
    """Go on after `number`, unless it is past it already. Raises OSError, Busy."""
    descriptor = _opened(layout.sequence(lane))
    try:
        _lock(descriptor, lane)
        raw = os.pread(descriptor, 32, 0)
        if len(raw) != COUNTER_BYTES or not raw.strip().isdigit() or int(raw) < number:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%012d\n" % min(number, MAX_SEQUENCE - 1), 0)
    finally:
        os.close(descriptor)


def highest(layout: Layout, lane: str) -> int:
    """The highest sequence that the ready markers of a lane show."""
    names = (os.path.basename(path) for path in files(layout.ready_lane(lane)))
    return max((sequence_of_ready(name) for name in names), default=0)


def _opened(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, atomic.FILE_MODE)
    except FileNotFoundError:
        atomic.make_folder(os.path.dirname(path))
        return os.open(path, flags, atomic.FILE_MODE)


def _lock(descriptor: int, lane: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy(
                    f"lane {lane}: its counter is locked for {PATIENCE_SECONDS:.0f} s by {holder_of(descriptor)}"
                ) from None
        time.sleep(LONGEST_PAUSE / 20)
