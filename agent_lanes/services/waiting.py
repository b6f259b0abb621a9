"""Blocking waits: for an answer, for work.

    look; set the watch; look again; sleep until a wake-up, the next lease's end, a heartbeat, the slow re-check

Who waits for an answer also ends the task when its deadline, or the lease of its last attempt, is over: nobody else
may come by.

Wake-ups are hints: a lost one costs at most one re-check, a false one a look. No lock is taken while waiting, and
the first look comes before the watch, so that a wait for what is already there costs no more than a look.
"""

from __future__ import annotations

import time

from agent_lanes.core.placement import ends_by_itself, ends_in, timer_now
from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from agent_lanes.core.task import Snapshot
    from agent_lanes.observation import Attendance
    from agent_lanes.ports import Backend, Watch

    T = TypeVar("T")

RECHECK_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 366 * 86_400
LEAST_SLEEP_SECONDS = 0.001


def for_answer(
    backend: Backend,
    id: str,
    *,
    timeout_seconds: float,
    heartbeat_seconds: float = 0,
    beat: Callable[[Snapshot], None] | None = None,
) -> Snapshot | None:
    """The task once it is answered, durably; None if the time ran out first. Raises NotFound, Damaged.

    `beat` is called with the task as it stands every `heartbeat_seconds` (0: never).
    """
    snapshot = backend.read(id)
    bounded = ends_by_itself(snapshot.task)

    def look() -> Snapshot | None:
        if backend.finished(id):
            return backend.read(id)
        if not bounded:
            return None
        from agent_lanes.services.control import end_overdue

        return end_overdue(backend, backend.read(id))

    def due() -> float | None:
        if not bounded:
            return None
        pause = ends_in(backend.read(id), backend.now())
        return None if pause is None else pause / SECOND

    def on_beat() -> None:
        if beat is not None:
            beat(backend.read(id))

    found = (
        snapshot
        if snapshot.response is not None
        else until(look, lambda: backend.watch_task(id), due, timeout_seconds, heartbeat_seconds, on_beat)
    )
    if found is not None:
        backend.confirm(id)  # nobody may act on an answer that a power cut can take back
    return found


def for_work(
    backend: Backend,
    lane: str,
    look: Callable[[], T | None],
    *,
    timeout_seconds: float,
    heartbeat_seconds: float = 0,
    beat: Callable[[], None] | None = None,
    attend: Callable[[], Attendance] | None = None,
) -> T | None:
    """What `look` finds on a lane, as soon as it finds something; None if the time ran out first.

    `attend` is the sign of a listener (services.presence), which stands while this blocks.
    """

    def due() -> float | None:
        at, now = backend.next_due(lane), backend.now()
        pauses = [] if at is None else [(at - timer_now(now)) / SECOND]
        holds = backend.holds()
        if holds:
            from agent_lanes.core.holds import next_end

            end = next_end(holds, lane, now)
            pauses += [] if end is None else [(end - now.wall) / SECOND]
        return min(pauses, default=None)

    def watch() -> Watch:
        if attend is None:
            return backend.watch_lane(lane)
        from agent_lanes.services.presence import watching

        return watching(backend.watch_lane(lane), attend())

    return until(look, watch, due, timeout_seconds, heartbeat_seconds, beat)


def timeout(field: str, seconds: object) -> float:
    """A time to wait that makes sense: from 0 to a year. Raises BadUsage."""
    legal = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not legal or not 0 <= seconds <= LONGEST_WAIT_SECONDS:  # type: ignore[operator]
        raise BadUsage(f"{field}: {seconds!r} is not a number of seconds from 0 to {LONGEST_WAIT_SECONDS} (a year)")
    return seconds  # type: ignore[return-value]


def until(
    look: Callable[[], T | None],
    watch: Callable[[], Watch],
    due: Callable[[], float | None],
    timeout_seconds: float,
    heartbeat_seconds: float,
    beat: Callable[[], None] | None,
) -> T | None:
    """What `look` finds, as soon as it finds something; None if the time ran out first.

    It looks again when `watch` wakes, and in `due()` seconds (None: whenever); `beat` is called on the way.
    """
    started = time.monotonic()
    found = look()
    if found is not None or timeout_seconds <= 0:
        return found
    end, next_beat = started + timeout_seconds, started + heartbeat_seconds
    with watch() as watching:
        while True:
            found = look()
            now = time.monotonic()
            if found is not None or now >= end:
                return found
            if beat is not None and heartbeat_seconds > 0 and now >= next_beat:
                beat()
                next_beat = now + heartbeat_seconds
            sleep = min(end - now, RECHECK_SECONDS)
            if beat is not None and heartbeat_seconds > 0:
                sleep = min(sleep, next_beat - now)
            soon = due()
            if soon is not None:
                sleep = min(sleep, max(soon, LEAST_SLEEP_SECONDS))
            watching.wait(sleep)
