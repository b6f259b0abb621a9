"""ready/<lane>/.sequence: the counter of a lane, so that first in, first out does not depend on clocks.

Twelve digits and a newline, read and written under a flock on the file itself. A counter that was lost or damaged
goes on after the highest number that the lane's ready markers show.
"""

from __future__ import annotations

import fcntl
import os
import time

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.hints import files
from agent_lanes.backends.files.layout import Layout, sequence_of_ready
from agent_lanes.backends.files.lock import LONGEST_PAUSE, PATIENCE_SECONDS, holder_of
from agent_lanes.core.fields import MAX_SEQUENCE
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.errors import Busy

COUNTER_BYTES = 13
MOST_REMEMBERED = 16 << 20

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.core.fairness import Flow, Turns


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


def next_place(layout: Layout, lane: str, flow: Flow | None) -> int:
    """The number of the next task of a lane; of a fair one, that of its flow. Raises OSError, Busy."""
    return advance(layout, lane) if flow is None else take_turns(layout, lane, [flow])[0]


def take_turns(layout: Layout, lane: str, flows: Sequence[Flow]) -> list[int]:
    """Numbers for tasks of a fair lane (core.fairness), in order. Raises OSError, Busy.

    What is remembered lies beside the counter, in .fair. If that is lost, all tasks so far count as everybody's.
    """
    from agent_lanes.core.fairness import Turns

    descriptor = _opened(layout.sequence(lane))
    try:
        _lock(descriptor, lane)
        raw = os.pread(descriptor, 32, 0)
        whole = len(raw) == COUNTER_BYTES and raw.strip().isdigit()
        highest_given = int(raw) if whole else highest(layout, lane)
        turns = _remembered(layout, lane, highest_given) or Turns(highest=highest_given, floor=highest_given, last={})
        heads, numbers = dict[str, int | None](), list[int]()
        for flow in flows:
            if flow.line not in heads:
                heads[flow.line] = _head(layout, lane, flow)
            head = heads[flow.line]
            number = min(turns.tag(flow, head), MAX_SEQUENCE - 1)
            turns = turns.given(flow, head, number)
            heads[flow.line] = number if head is None else min(head, number)
            numbers.append(number)
        record = {"floor": turns.floor, "last": turns.last}
        tmp = f"{layout.tmp}/{chance(16)}"
        atomic.replace(layout.fair(lane), dumps(record).encode(), tmp, durable=False)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%012d\n" % turns.highest, 0)
        return numbers
    finally:
        os.close(descriptor)


def _remembered(layout: Layout, lane: str, highest_given: int) -> Turns | None:
    from agent_lanes.core.fairness import Turns

    try:
        record = loads_object(atomic.read(layout.fair(lane), MOST_REMEMBERED).decode())
        floor, last = record["floor"], record["last"]
        if isinstance(floor, int) and isinstance(last, dict):
            tags = {key: tag for key, tag in last.items() if isinstance(tag, int) and 0 <= tag <= MAX_SEQUENCE}
            return Turns(highest=highest_given, floor=floor, last=tags)
    except (OSError, ValueError, KeyError, atomic.Unreadable):
        pass
    return None


def _head(layout: Layout, lane: str, flow: Flow) -> int | None:
    """The least number that waits in the line of a flow."""
    folder = layout.route(lane, flow.route)
    for bucket in atomic.names(folder):
        if bucket.startswith(str(flow.priority)):
            for name in atomic.names(f"{folder}/{bucket}"):
                if sequence_of_ready(name):
                    return sequence_of_ready(name)
    return None


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
