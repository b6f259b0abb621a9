"""Blocking waits: for an answer, for work.

    look; set the watch; look again; sleep until a wake-up, the next lease's end, a heartbeat, the slow re-check

Who waits for an answer also ends the task when its deadline, or the lease of its last attempt, is over: nobody else
may come by.

Wake-ups are hints: a lost one costs at most one re-check, a false one a look. No lock is taken while waiting, and
the first look comes before the watch, so that a wait for what is already there costs no more than a look.

    sought = answer(backend, id)        what a wait looks for, as a value
    until(sought, timeout_seconds)      waits in this thread; server.polls waits for the same in a coroutine
"""

from __future__ import annotations

import time

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.placement import ends_by_itself, ends_in, timer_now
from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from agent_lanes.core.task import Snapshot
    from agent_lanes.observation import Attendance
    from agent_lanes.ports import Backend, Watch

    T = TypeVar("T")

RECHECK_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 366 * 86_400
LEAST_SLEEP_SECONDS = 0.001


class Sought(Frozen):
    """What a wait looks for. Nothing else than `look` decides.

    `due` is in how many seconds it must look again though nothing woke it (None: whenever). `watch` wakes it, and so
    does a change of the tasks `ids` or of the `lane`. `attend` is the sign of a listener, to stand while it blocks.
    """

    look: Callable[[], Any]
    watch: Callable[[], Watch]
    due: Callable[[], float | None]
    ids: tuple[str, ...] = ()
    lane: str | None = None
    attend: Callable[[], Attendance] | None = None


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
    beating = None if beat is None else lambda: beat(backend.read(id))
    found: Snapshot | None = until(answer(backend, id), timeout_seconds, heartbeat_seconds, beating)
    return found


def answer(backend: Backend, id: str) -> Sought:
    """The task once it is answered, durably. Raises NotFound, Damaged."""
    snapshot = backend.read(id)
    bounded = ends_by_itself(snapshot.task)

    def answered() -> Snapshot | None:
        found = snapshot if snapshot.response is not None else backend.read(id)
        if found.response is not None:
            return found
        if not bounded:
            return None
        from agent_lanes.services.control import end_overdue

        return end_overdue(backend, found)

    def look() -> Snapshot | None:
        found = answered()
        if found is not None:
            backend.confirm(id)  # nobody may act on an answer that a power cut can take back
        return found

    def due() -> float | None:
        if not bounded:
            return None
        pause = ends_in(backend.read(id), backend.now())
        return None if pause is None else pause / SECOND

    return Sought(look=look, watch=lambda: backend.watch_task(id), due=due, ids=(id,))


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
    found: T | None = until(work(backend, lane, look, attend), timeout_seconds, heartbeat_seconds, beat)
    return found


def work(
    backend: Backend, lane: str, look: Callable[[], T | None], attend: Callable[[], Attendance] | None = None
) -> Sought:
    """What `look` finds on a lane."""

    def due() -> float | None:
        at, now = backend.next_due(lane), backend.now()
        pauses = [] if at is None else [(at - timer_now(now)) / SECOND]
        holds = backend.holds()
        if holds:
            from agent_lanes.core.holds import next_end

            end = next_end(holds, lane, now)
            pauses += [] if end is None else [(end - now.wall) / SECOND]
        return min(pauses, default=None)

    return Sought(look=look, watch=lambda: backend.watch_lane(lane), due=due, lane=lane, attend=attend)


def timeout(field: str, seconds: object) -> float:
    """A time to wait that makes sense: from 0 to a year. Raises BadUsage."""
    legal = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not legal or not 0 <= seconds <= LONGEST_WAIT_SECONDS:  # type: ignore[operator]
        raise BadUsage(
            f"{field}: {names.shown(seconds)} is not a number of seconds from 0 to {LONGEST_WAIT_SECONDS} (a year)"
        )
    return seconds  # type: ignore[return-value]


def until(
    sought: Sought,
    timeout_seconds: float,
    heartbeat_seconds: float = 0,
    beat: Callable[[], None] | None = None,
) -> Any:
    """What is sought, as soon as it is found; None if the time ran out first. `beat` is called on the way."""
    started = time.monotonic()
    found = sought.look()
    if found is not None or timeout_seconds <= 0:
        return found
    end, next_beat = started + timeout_seconds, started + heartbeat_seconds
    with _watch(sought) as watching:
        while True:
            found = sought.look()
            now = time.monotonic()
            if found is not None or now >= end:
                return found
            if beat is not None and heartbeat_seconds > 0 and now >= next_beat:
                beat()
                next_beat = now + heartbeat_seconds
            sleep = min(end - now, pause(sought))
            if beat is not None and heartbeat_seconds > 0:
                sleep = min(sleep, next_beat - now)
            watching.wait(sleep)


def pause(sought: Sought) -> float:
    """How many seconds to sleep, at most, before the next look."""
    soon = sought.due()
    return RECHECK_SECONDS if soon is None else min(RECHECK_SECONDS, max(soon, LEAST_SLEEP_SECONDS))


def _watch(sought: Sought) -> Watch:
    if sought.attend is None:
        return sought.watch()
    from agent_lanes.services.presence import watching

    return watching(sought.watch(), sought.attend())
