"""What steers a task beside the daily work: failed attempts, cancel, hold, resume, and what the queue ends.

Functions of a backend, as the other services; each is one transition of core.control.
"""

from __future__ import annotations

from agent_lanes.core import control, names
from agent_lanes.core.digest import sha256
from agent_lanes.core.placement import overdue
from agent_lanes.core.task import FAILED, Response, Snapshot
from agent_lanes.core.times import LAST_INSTANT
from agent_lanes.errors import BadUsage, Busy, NotAllowed, Refused, StorageFailed
from agent_lanes.services import bodies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.times import Moment
    from agent_lanes.core.transitions import Change
    from agent_lanes.ports import Backend

MAX_REASON_BYTES = 1 << 16
LONGEST_PAUSE_SECONDS = 366 * 86_400


def fail_attempt(
    backend: Backend,
    id: str,
    token: str,
    reason: str,
    *,
    reviewer: str = "worker",
    retry_in_seconds: float | None = None,
    metadata: JsonObject | None = None,
) -> tuple[Snapshot, bool]:
    """This attempt failed: the task goes back, after a pause, until its attempts are used up, then it has failed.

    `metadata` stands in the history beside the reason (output tail, cost). Returns the task, and whether this had
    been said before. Raises LostClaim, Cancelled, Refused, NotFound, BadUsage; Unconfirmed after the commit.
    """
    names.agent("reviewer", reviewer)
    bodies.given("reason", reason, MAX_REASON_BYTES)
    checked = names.metadata("metadata", metadata or {})
    if retry_in_seconds is not None:
        pause("retry_in_seconds", retry_in_seconds)
    hashed = sha256(token.encode("utf-8", "surrogatepass"))
    jitter = int(backend.new_token()[:8], 16) / 0xFFFF_FFFF
    response = Response(task_id=id, reviewer=reviewer, status=FAILED, body=reason, created_at=0, metadata=checked)

    def decide(before: Snapshot, now: Moment) -> Change:
        return control.fail(
            before,
            token=token,
            response=response,
            token_sha256=hashed,
            now=now,
            chance=jitter,
            retry_in_seconds=retry_in_seconds,
        )

    after, change = backend.update(id, decide)
    return after, change.repeated


def cancel(backend: Backend, id: str, *, by: str = "orchestrator", reason: str = "") -> tuple[Snapshot, bool]:
    """Nobody is to work on it any more; who holds it learns so from the next renew or respond.

    Returns the task, and whether it was cancelled before. Raises AlreadyAnswered, NotFound; Unconfirmed.
    """
    names.agent("by", by)
    bodies.given("reason", reason, MAX_REASON_BYTES)
    after, change = backend.update(id, lambda before, now: control.cancel(before, by=by, reason=reason, now=now))
    return after, change.repeated


def hold(
    backend: Backend, id: str, *, by: str = "orchestrator", reason: str | None = None, until: int | None = None
) -> tuple[Snapshot, bool]:
    """Do not offer a queued task, until an instant or until it is resumed.

    One that is on hold keeps its time and its reason where None is given. Raises Refused, NotFound.
    """
    names.agent("by", by)
    bodies.given("reason", reason or "", MAX_REASON_BYTES)
    after, change = backend.update(
        id, lambda before, now: control.hold(before, by=by, reason=reason, until=until, now=now)
    )
    return after, change.repeated


def resume(backend: Backend, id: str, *, by: str = "orchestrator") -> Snapshot:
    """Offer a task again that was on hold. Raises Refused, NotFound."""
    names.agent("by", by)
    return backend.update(id, lambda before, now: control.resume(before, by=by, now=now))[0]


def end_overdue(backend: Backend, snapshot: Snapshot) -> Snapshot | None:
    """End a task whose time or attempts are over; None where that need not be, or cannot be done from here."""
    if overdue(snapshot, backend.now()) is None:
        return None
    try:
        return backend.update(snapshot.id, control.end)[0]
    except Refused:
        after = backend.read(snapshot.id)  # somebody else was faster, or its holder came back
        return after if after.response is not None else None
    except (Busy, NotAllowed, StorageFailed):
        return None


def pause(field: str, seconds: object) -> float:
    """A pause that makes sense: from 0 to a year. Raises BadUsage."""
    legal = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not legal or not 0 <= seconds <= LONGEST_PAUSE_SECONDS:  # type: ignore[operator]
        raise BadUsage(f"{field}: {names.shown(seconds)} is not a number of seconds from 0 to {LONGEST_PAUSE_SECONDS}")
    return seconds  # type: ignore[return-value]


def instant(field: str, at: object) -> int:
    """An instant that can be written down. Raises BadUsage."""
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at <= LAST_INSTANT:
        raise BadUsage(f"{field}: {names.shown(at)} is not a time from 1970 to 9999")
    return at
