"""Where the hints list a task, as a pure function of its facts.

    Ready   may be claimed now
    Due     claimed; may be claimed once the lease has run out
    Parked  queued, but not offered
    None    finished

A backend makes the new placement before it commits a change and drops the old one after it, so that every
claimable task is always listed somewhere: hints are a superset of the truth.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import ACTIVE, CLAIMED, Snapshot
from agent_lanes.core.times import Moment

DEFAULT_PRIORITY = 5


class Ready(Frozen):
    """May be claimed: in the order of priority, then sequence, within one lane and route."""

    lane: str
    route: str
    priority: int
    sequence: int
    id: str


class Due(Frozen):
    """To be looked at when the clock of this boot reaches `at` (microseconds)."""

    lane: str
    at: int
    id: str


class Parked(Frozen):
    """Waits for a person."""

    lane: str
    id: str


Placement = Ready | Due | Parked | None


def placement(snapshot: Snapshot, now: Moment) -> Placement:
    """Where this task belongs now."""
    task, state = snapshot.task, snapshot.state
    if state not in ACTIVE:
        return None
    if state == CLAIMED and snapshot.claim is not None and not snapshot.claim.lease.expired(now):
        lease = snapshot.claim.lease
        return Due(lane=task.lane, at=lease.ends_boottime if lease.boot_id else lease.expires_at, id=task.id)
    if snapshot.parked:
        return Parked(lane=task.lane, id=task.id)
    return ready(snapshot)


def ready(snapshot: Snapshot) -> Ready:
    """Where this task is listed while it may be claimed: a function of what was asked, so always the same."""
    task = snapshot.task
    return Ready(lane=task.lane, route=task.vendor, priority=DEFAULT_PRIORITY, sequence=task.sequence, id=task.id)


def timer_now(now: Moment) -> int:
    """The clock that `Due.at` counts on."""
    return now.boottime if now.boot_id else now.wall
