"""Where the hints list a task, as a pure function of its facts.

    Ready     may be claimed now
    Due       claimed; may be claimed once the lease has run out, and no agent is left running
    Later     queued; not before an instant of the wall clock
    Blocked   queued; waits for other tasks
    Parked    queued, but not offered: waits for a person
    None      finished

A backend makes the new placement before it commits a change and drops the old one after it, so that every
claimable task is always listed somewhere: hints are a superset of the truth.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import ACTIVE, CLAIMED, DEPENDENCY, EXHAUSTED, EXPIRED, QUEUED, Snapshot, Task
from agent_lanes.core.times import Moment, iso


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


class Later(Frozen):
    """To be looked at when the wall clock reaches `at` (microseconds UTC)."""

    lane: str
    at: int
    id: str


class Blocked(Frozen):
    """To be looked at when a task that it depends on has ended."""

    lane: str
    id: str


class Parked(Frozen):
    """Waits for a person."""

    lane: str
    id: str


class Ending(Frozen):
    """Why the queue itself ends a task: one of task.CAUSES, and a sentence."""

    cause: str
    reason: str
    attempts: int = 0


Placement = Ready | Due | Later | Blocked | Parked | None


def placement(snapshot: Snapshot, now: Moment) -> Placement:
    """Where this task belongs now.

    One that the queue itself must end (`overdue`) is Ready: whoever takes it ends it.
    """
    task, claim = snapshot.task, snapshot.claim
    if snapshot.state not in ACTIVE:
        return None
    if snapshot.state == CLAIMED and claim is not None:
        if snapshot.lapsed(now):
            return ready(snapshot)
        lease = claim.lease
        return Due(lane=task.lane, at=lease.ends_boottime if lease.boot_id else lease.expires_at, id=task.id)
    if snapshot.parked:
        return Parked(lane=task.lane, id=task.id)
    later = 0
    if claim is not None and snapshot.on_hold(now):
        if claim.hold_until is None:
            return Parked(lane=task.lane, id=task.id)
        later = claim.hold_until
    if snapshot.open_dependencies and not (snapshot.failed_dependencies and task.on_failure == "fail"):
        return Blocked(lane=task.lane, id=task.id)
    later = max(later, snapshot.not_before or 0)
    if task.expires_at is not None:
        later = min(later, task.expires_at)
    return Later(lane=task.lane, at=later, id=task.id) if later > now.wall else ready(snapshot)


def offered(snapshot: Snapshot, now: Moment) -> bool:
    """Whether it may be claimed now, as far as its record tells."""
    return isinstance(placement(snapshot, now), Ready) and overdue(snapshot, now) is None


def ready(snapshot: Snapshot) -> Ready:
    """Where this task is listed while it may be claimed: a function of what was asked, so always the same."""
    task = snapshot.task
    return Ready(lane=task.lane, route=task.vendor, priority=task.priority, sequence=task.sequence, id=task.id)


def overdue(before: Snapshot, now: Moment) -> Ending | None:
    """Why the queue itself must end this task now; None if it need not."""
    task, held = before.task, before.claim
    if before.state == CLAIMED and held is not None:
        lapsed, ran_out = held.attempts + 1, iso(held.lease.expires_at)
        if task.max_attempts is not None and lapsed >= task.max_attempts and before.lapsed(now):
            which = f"attempt {lapsed} of {task.max_attempts}"
            reason = f"attempts exhausted: the lease of {held.owner}, {which}, ran out at {ran_out}"
            return Ending(cause=EXHAUSTED, reason=reason, attempts=lapsed)
    elif before.state == QUEUED and before.failed_dependencies and task.on_failure == "fail":
        failed = ", ".join(before.failed_dependencies)
        return Ending(cause=DEPENDENCY, reason=f"a task that it depends on did not complete: {failed}")
    elif before.state == QUEUED and task.expires_at is not None and now.wall >= task.expires_at:
        return Ending(cause=EXPIRED, reason=f"expired: it was to be begun by {iso(task.expires_at)}")
    return None


def ends_by_itself(task: Task) -> bool:
    """Whether the queue itself may have to end this task one day."""
    return task.max_attempts is not None or task.expires_at is not None or bool(task.depends_on)


def ends_in(before: Snapshot, now: Moment) -> int | None:
    """In how many microseconds `overdue` may become true by the clock alone; None: only by something else."""
    task, held = before.task, before.claim
    if before.state == CLAIMED and held is not None:
        last = task.max_attempts is not None and held.attempts + 1 >= task.max_attempts
        lease = before.run.limit if before.run is not None and before.still_running(now) else held.lease
        ends = lease.ends_boottime if lease.boot_id else lease.expires_at
        return ends - timer_now(now) if last else None
    if before.state == QUEUED and task.expires_at is not None:
        return task.expires_at - now.wall
    return None


def comes_up(place: Placement, now: Moment) -> int | None:
    """When a task at this place is to be looked at again, on the clock of `timer_now`; None: not by time alone."""
    if isinstance(place, Due):
        return place.at
    return place.at - now.wall + timer_now(now) if isinstance(place, Later) else None


def timer_now(now: Moment) -> int:
    """The clock that `Due.at` counts on."""
    return now.boottime if now.boot_id else now.wall
