"""How a lane stands, counted from the names of its markers: no more is read than the oldest of those that are ready."""

from __future__ import annotations

from agent_lanes.backends.files import atomic, records
from agent_lanes.backends.files.layout import due_of_timer, id_of_ready
from agent_lanes.core.names import escape
from agent_lanes.core.placement import timer_now
from agent_lanes.core.stats import Standing
from agent_lanes.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.core.times import Moment

MOST_READ = 100


def standing(layout: Layout, lane: str, now: Moment) -> Standing:
    """The counts of a lane; a task that moves meanwhile may be counted in both places. Raises OSError."""
    ready, heads = _ready(layout, lane)
    claimed, lapsed = _timers(layout.timers(lane), timer_now(now))
    delayed, come_up = _timers(layout.delayed(lane), now.wall)
    return Standing(
        lane=lane,
        ready=ready + len(lapsed) + len(come_up),
        claimed=claimed,
        delayed=delayed,
        blocked=len(atomic.names(f"{layout.root}/blocked/{escape(lane)}")),
        on_hold=len(atomic.names(f"{layout.root}/held/{escape(lane)}")),
        oldest_ready_at=min(_submitted_at(layout, [*heads, *lapsed, *come_up][:MOST_READ]), default=None),
    )


def _ready(layout: Layout, lane: str) -> tuple[int, list[str]]:
    """How many are listed, and the first of each route and priority: one of them waits longest."""
    count, heads, folder = 0, list[str](), layout.ready_lane(lane)
    for route in atomic.names(folder):
        seen = set[str]()
        for bucket in atomic.names(f"{folder}/{route}") if route[0] != "." else ():
            names = atomic.names(f"{folder}/{route}/{bucket}")
            count += len(names)
            if names and bucket[0] not in seen:
                seen.add(bucket[0])
                heads.append(id_of_ready(names[0]))
    return count, heads


def _timers(folder: str, clock: int) -> tuple[int, list[str]]:
    """How many are still to come, and the ids of the others."""
    due = [due_of_timer(name) for bucket in atomic.names(folder) for name in atomic.names(f"{folder}/{bucket}")]
    over = [id for at, id in due if id and at <= clock]
    return sum(1 for at, id in due if id and at > clock), over


def _submitted_at(layout: Layout, ids: list[str]) -> list[int]:
    found = list[int]()
    for id in ids:
        try:
            found.append(records.load(layout.task(id), id).snapshot.task.created_at)
        except (NotFound, Damaged):  # a marker without a task; for doctor
            continue
    return found
