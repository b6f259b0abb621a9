"""The state machine: one table, and one pure function for each verb; those of `core.control` complete it.

Every function takes what was read and what is wanted, and returns the Change to commit, or raises a refusal.
It may be called again with a newer snapshot if somebody else was faster, so it decides from its arguments alone.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.placement import overdue
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED, Claim, Event, Lease, Response, Snapshot
from agent_lanes.core.times import SECOND, Moment, iso
from agent_lanes.errors import AlreadyAnswered, Cancelled, LostClaim, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

# (state, verb) -> state. A verb absent from a state is refused. Drawn in docs/concepts.md from this table.
TABLE = {
    (QUEUED, "claim"): CLAIMED,
    (QUEUED, "park"): QUEUED,
    (QUEUED, "complete"): COMPLETED,
    (QUEUED, "fail"): FAILED,
    (QUEUED, "note"): QUEUED,
    (QUEUED, "hold"): QUEUED,
    (QUEUED, "resume"): QUEUED,
    (QUEUED, "cancel"): CANCELLED,
    (QUEUED, "end"): FAILED,  # by the queue itself: its deadline is over, or a dependency failed
    (CLAIMED, "claim"): CLAIMED,  # only once the lease has run out
    (CLAIMED, "park"): QUEUED,  # only once the lease has run out
    (CLAIMED, "renew"): CLAIMED,
    (CLAIMED, "release"): QUEUED,
    (CLAIMED, "complete"): COMPLETED,
    (CLAIMED, "fail"): FAILED,
    (CLAIMED, "retry"): QUEUED,  # this attempt failed, and there is another
    (CLAIMED, "cancel"): CANCELLED,
    (CLAIMED, "end"): FAILED,  # by the queue itself: the lease of the last attempt has run out
    (CLAIMED, "note"): CLAIMED,
    (COMPLETED, "note"): COMPLETED,
    (FAILED, "note"): FAILED,
    (CANCELLED, "note"): CANCELLED,
}

HOLDERS = ("renew", "release", "retry", "complete", "fail")  # the verbs of who holds it

# What the holder says; all of it must be the same for an answer to count as sent again.
ANSWER = (
    "reviewer",
    "status",
    "body",
    "verdict",
    "blocking_count",
    "nonblocking_count",
    "follow_up_required",
    "metadata",
)


class Change(Frozen):
    """What one transition commits: at most one of `claim` and `response`; then the lines of history.

    `durable` says whether the claim must survive a power cut: not where all that it says is who works on the task.
    `repeated` says that this very thing had been done before; then there is nothing to commit.
    """

    claim: Claim | None = None
    response: Response | None = None
    events: tuple[Event, ...] = ()
    durable: bool = True
    repeated: bool = False

    def applied(self, before: Snapshot) -> Snapshot:
        """The snapshot that follows."""
        return before.replace(claim=self.claim or before.claim, response=self.response or before.response)


def claim(
    before: Snapshot,
    *,
    owner: str,
    token: str,
    lease_seconds: float | None,
    now: Moment,
    request_id: str | None = None,
    limited: bool = False,
) -> Change:
    """Take a queued task, or one whose lease has run out.

    `lease_seconds` None is what the task says; it is cut to the longest that the task allows. `limited`: this claim
    counts against a limit of the lane, so its end must wake those who wait for room.
    The same owner asking again with the same request id is told that it has it already.
    """
    if claimed_by_request(before, owner, request_id, now):
        return Change(repeated=True)
    legal(before, "claim")
    _no_live_claim(before, "claim", now)
    _offered(before, now)
    lapsed, seconds = before.state == CLAIMED, before.task.lease(lease_seconds)
    taken = Claim(
        epoch=before.epoch + 1,
        owner=owner,
        token=token,
        claimed_at=now.wall,
        updated_at=now.wall,
        lease=lease(seconds, now),
        request_id=request_id,
        limited=limited,
        attempts=before.attempts + lapsed,
    )
    data: JsonObject = {"owner": owner, "lease_seconds": seconds, "attempt": taken.attempts + 1}
    if lapsed and before.claim is not None:
        data["taken_over_from"] = before.claim.owner
    line = event("claimed", "task claimed", now, data, taken.epoch)
    return Change(claim=taken, events=(line,), durable=False)


def claimed_by_request(before: Snapshot, owner: str, request_id: str | None, now: Moment) -> bool:
    """Whether this owner holds the task by a claim with this request id, under a lease that has not run out."""
    held = before.claim
    if request_id is None or held is None or before.state != CLAIMED or held.lease.expired(now):
        return False
    return (held.request_id, held.owner) == (request_id, owner)


def renew(before: Snapshot, *, token: str, lease_seconds: float | None, now: Moment) -> Change:
    """Lengthen the lease; also after it has run out, as long as nobody has claimed the task since. Cut as a claim's."""
    held = held_by(before, "renew", token)
    renewed = held.replace(lease=lease(before.task.lease(lease_seconds), now), updated_at=now.wall)
    line = event("renewed", "claim lease renewed", now, {"owner": held.owner}, held.epoch)
    return Change(claim=renewed, events=(line,), durable=False)


def release(before: Snapshot, *, token: str, reason: str, now: Moment, not_before: int | None = None) -> Change:
    """Put a claimed task back, to be offered from `not_before` on; this was no attempt.

    The same holder releasing again is told that it had been done.
    """
    if put_back_by(before, token):
        return Change(repeated=True)
    held = held_by(before, "release", token)
    released = held.replace(released_at=now.wall, updated_at=now.wall, reason=reason, not_before=not_before)
    data: JsonObject = {"owner": held.owner, "reason": reason}
    if not_before is not None:
        data["not_before"] = iso(not_before)
    return Change(claim=released, events=(event("released", "task released", now, data, held.epoch),), durable=False)


def park(before: Snapshot, *, reason: str, now: Moment) -> Change:
    """Stop offering a task whose request changed. Claiming it by its id, once the request is back, ends that."""
    legal(before, "park")
    _no_live_claim(before, "park", now)
    if before.parked:
        return Change(repeated=True)
    parked = unheld(before, now).replace(released_at=now.wall, updated_at=now.wall, reason=reason, parked=True)
    return Change(claim=parked, events=(event("parked", reason, now, {}, parked.epoch),), durable=False)


def respond(
    before: Snapshot, *, response: Response, token: str | None, token_sha256: str | None, now: Moment
) -> Change:
    """Answer: with the token of the claim, or without any where nobody holds the task.

    The same answer sent again by the same holder is confirmed instead of refused.
    """
    given = before.response
    if given is not None and given.status == CANCELLED:
        legal(before, "complete")
    if given is not None:
        same = all(getattr(given, field) == getattr(response, field) for field in ANSWER)
        if same and given.token_sha256 == token_sha256:
            return Change(repeated=True)
        raise AlreadyAnswered(
            f"respond: task {before.id} was answered by {given.reviewer} at {iso(given.created_at)} ({given.status})",
            hint=f"read it with: agent-lanes show {before.id}",
        )
    legal(before, "complete" if response.status == COMPLETED else "fail")
    if token is not None or before.state == CLAIMED:
        held_by(before, "respond", token)
    answer = response.replace(created_at=now.wall, epoch=before.epoch, token_sha256=token_sha256)
    data: JsonObject = {"reviewer": response.reviewer, "status": response.status}
    return Change(response=answer, events=(event("response", "response submitted", now, data, before.epoch),))


def note(
    before: Snapshot, *, type: str, message: str, data: JsonObject, now: Moment, token: str | None = None
) -> Change:
    """Add a line to the history; nothing else changes. With a token, only by who holds the task, or answered it."""
    if token is not None:
        held_by(before, "note", token)
    legal(before, "note")
    line = event(type, message, now, data, before.epoch)
    return Change(events=(line if token is None else line.replace(by_holder=True),))


def created(snapshot: Snapshot) -> Event:
    """The first line of every history."""
    task = snapshot.task
    return Event(type="created", message="task queued", created_at=task.created_at, data={"lane": task.lane}, number=1)


def lease(seconds: float, now: Moment) -> Lease:
    """A lease that begins now."""
    micros = round(seconds * SECOND)
    return Lease(
        seconds=seconds, expires_at=now.wall + micros, boot_id=now.boot_id, ends_boottime=now.boottime + micros
    )


def put_back_by(before: Snapshot, token: str) -> bool:
    """Whether the holder with this token put the task back, and nobody has claimed it since."""
    last = before.claim
    back = before.state == QUEUED and last is not None and last.epoch > 0 and last.token == token
    return back and last is not None and not last.parked


def unheld(before: Snapshot, now: Moment) -> Claim:
    """The claim record of a task that nobody holds, for what must be noted there; epoch 0 before the first claim."""
    return before.claim or Claim(
        epoch=0, owner="", token="", claimed_at=now.wall, updated_at=now.wall, lease=lease(0, now)
    )


def event(type: str, message: str, now: Moment, data: JsonObject, epoch: int) -> Event:
    """A line of the history."""
    return Event(type=type, message=message, created_at=now.wall, data=data, epoch=epoch)


def legal(before: Snapshot, verb: str) -> None:
    """Refuse what the table does not name. Raises Refused; Cancelled, so that a holder stops."""
    answer = before.response
    if answer is not None and answer.status == CANCELLED and verb in HOLDERS:
        reason = f": {answer.body}" if answer.body else ""
        raise Cancelled(
            f"cannot {verb} {before.id}; it was cancelled by {answer.reviewer} at {iso(answer.created_at)}{reason}",
            hint="stop work on it; claim a task to go on",
        )
    if (before.state, verb) not in TABLE:
        how = f" by {answer.reviewer} at {iso(answer.created_at)}" if answer is not None else ""
        line = f"cannot {verb} {before.id}; task is {before.state}{how}"
        raise Refused(line, hint=f"look at it with: agent-lanes show {before.id}")


def _no_live_claim(before: Snapshot, verb: str, now: Moment) -> None:
    held = before.claim
    if before.state == CLAIMED and before.run is not None and before.still_running(now):
        until = f"(process {before.run.process}), at most until {iso(before.run.limit.expires_at)}"
        raise Refused(
            f"cannot {verb} {before.id}; the lease has run out, but its agent still runs {until}",
            hint="end that process, or wait: two agents must not work on one task",
        )
    if before.state == CLAIMED and held is not None and not held.lease.expired(now):
        raise Refused(
            f"cannot {verb} {before.id}; task is claimed by {held.owner} until {iso(held.lease.expires_at)}",
            hint="wait for another task: a claim by lane takes the next one that is free",
        )


def _offered(before: Snapshot, now: Moment) -> None:
    """Refuse a task that waits for a time, a person or other tasks, or that the queue itself must end."""
    look = f"look at it with: agent-lanes show {before.id}"
    if before.on_hold(now) and before.claim is not None:
        until = before.claim.hold_until
        raise Refused(
            f"cannot claim {before.id}; it is on hold" + (f" until {iso(until)}" if until is not None else ""),
            hint=f"let it go on with: agent-lanes resume {before.id}",
        )
    if before.state == QUEUED and before.not_before is not None and now.wall < before.not_before:
        raise Refused(f"cannot claim {before.id}; it is not offered before {iso(before.not_before)}", hint=look)
    if before.open_dependencies:
        raise Refused(f"cannot claim {before.id}; it waits for {', '.join(before.open_dependencies)}", hint=look)
    ending = overdue(before, now)
    if ending is not None:
        raise Refused(f"cannot claim {before.id}; {ending.reason}", hint=look)


def held_by(before: Snapshot, verb: str, token: str | None) -> Claim:
    """The claim that this token proves. Raises LostClaim, Refused, Cancelled."""
    held = before.claim
    if held is not None and held.held and held.token == token:
        legal(before, verb if verb != "respond" else "complete")
        return held
    if token is None or before.state not in (QUEUED, CLAIMED):
        legal(before, verb if verb != "respond" else "complete")
    line, hint = "it is claimed, and no claim_token was given", "give the token that claim printed"
    if token is not None:
        line, hint = f"this token does not hold it{_story(held)}", "stop work on it; claim a task to go on"
    raise LostClaim(f"cannot {verb} {before.id}; {line}", hint=hint)


def _story(held: Claim | None) -> str:
    if held is None:
        return " (it was never claimed)"
    if held.held:
        return f": claimed by {held.owner} since {iso(held.claimed_at)} (epoch {held.epoch})"
    return f": released at {iso(held.released_at or 0)} (epoch {held.epoch}{'; ' + held.reason if held.reason else ''})"
