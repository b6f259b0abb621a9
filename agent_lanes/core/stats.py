"""How a lane stands and what it has done, in numbers."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.placement import Blocked, Due, Later, Parked, Ready, placement
from agent_lanes.core.task import CANCELLED, COMPLETED, FAILED, SUBMITTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.task import Snapshot
    from agent_lanes.core.times import Moment

    Tally = dict[str, int]

COUNTED = (SUBMITTED, COMPLETED, FAILED, CANCELLED)  # the keys of a Tally


class Standing(Frozen):
    """The open tasks of a lane, by where they stand; ready is what may be claimed now, also after a lease that ran out.

    `oldest_ready_at` is when the ready task that was submitted first was submitted (microseconds UTC).
    """

    lane: str
    ready: int = 0
    claimed: int = 0
    delayed: int = 0
    blocked: int = 0
    on_hold: int = 0
    oldest_ready_at: int | None = None


def standing(lane: str, snapshots: Iterable[Snapshot], now: Moment) -> Standing:
    """The same from the tasks themselves, of which those of other lanes are left out."""
    counts, oldest = dict[type, int](), list[int]()
    for snapshot in snapshots:
        place = placement(snapshot, now)
        if snapshot.task.lane == lane and place is not None:
            counts[type(place)] = counts.get(type(place), 0) + 1
            if isinstance(place, Ready):
                oldest.append(snapshot.task.created_at)
    return Standing(
        lane=lane,
        ready=counts.get(Ready, 0),
        claimed=counts.get(Due, 0),
        delayed=counts.get(Later, 0),
        blocked=counts.get(Blocked, 0),
        on_hold=counts.get(Parked, 0),
        oldest_ready_at=min(oldest, default=None),
    )


def tally(lane: str, snapshots: Iterable[Snapshot], since: int | None) -> Tally:
    """How many were submitted to a lane, and ended in which way, since an instant, or ever."""
    found = dict.fromkeys(COUNTED, 0)
    for snapshot in snapshots:
        if snapshot.task.lane != lane:
            continue
        found[SUBMITTED] += since is None or snapshot.task.created_at >= since
        response = snapshot.response
        if response is not None:
            found[response.status] += since is None or response.created_at >= since
    return found
