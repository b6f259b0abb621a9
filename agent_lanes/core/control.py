"""The verbs beside the daily ones: an attempt fails, the queue ends a task, a person cancels, holds, resumes.

Pure, and of the same shape as core.transitions, whose table names them.
"""

from __future__ import annotations

from agent_lanes.core.placement import overdue
from agent_lanes.core.task import BY_REQUEST, CANCELLED, EXHAUSTED, FAILED, Response, Run, Snapshot
from agent_lanes.core.times import SECOND, Moment, iso
from agent_lanes.core.transitions import Change, event, held_by, lease, legal, put_back_by, unheld
from agent_lanes.errors import AlreadyAnswered, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

QUEUE = "agent-lanes"  # the reviewer of what the queue itself ends
LONGEST_BACKOFF_SECONDS = 3600


def fail(
    before: Snapshot,
    *,
    token: str,
    response: Response,
    token_sha256: str,
    now: Moment,
    chance: float,
    retry_in_seconds: float | None = None,
) -> Change:
    """This attempt failed: the task goes back until its attempts are used up, then it has failed.

    `response` is the answer it is given in that case; its body says why. `chance` from 0 to 1 is the jitter.
    """
    if _ended_by(before, token_sha256) or _failed_by(before, token):
        return Change(repeated=True)
    legal(before, "retry")
    held, limit = held_by(before, "retry", token), before.task.max_attempts
    attempts = held.attempts + 1
    data: JsonObject = {"attempt": attempts, "owner": held.owner, "reason": response.body, **response.metadata}
    if limit is not None and attempts >= limit:
        answer = response.replace(
            status=FAILED,
            created_at=now.wall,
            epoch=held.epoch,
            token_sha256=token_sha256,
            failure_reason=f"attempts exhausted ({attempts} of {limit}): {response.body}",
            cause=EXHAUSTED,
        )
        ended = event("response", "attempts exhausted", now, {"status": FAILED, "cause": EXHAUSTED}, held.epoch)
        return Change(response=answer, events=(event("attempt_failed", response.body, now, data, held.epoch), ended))
    pause = retry_in_seconds
    if pause is None:
        pause = backoff_seconds(before.task.backoff_seconds, attempts, chance)
    at = now.wall + round(pause * SECOND)
    data["not_before"] = iso(at)
    back = held.replace(
        released_at=now.wall, updated_at=now.wall, reason=response.body, attempts=attempts, not_before=at
    )
    return Change(claim=back, events=(event("attempt_failed", response.body, now, data, held.epoch),))


def backoff_seconds(first: float, attempts: int, chance: float) -> float:
    """How long to wait after so many failed attempts: twice as long each time, half of it by chance, at most an hour.

    Source: "equal jitter", AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
    """
    longest = min(float(LONGEST_BACKOFF_SECONDS), first * 2.0 ** min(attempts - 1, 30))
    return longest / 2 + longest / 2 * chance


def end(before: Snapshot, now: Moment) -> Change:
    """End a task whose time or attempts are over, or which depends on one that failed. Raises Refused otherwise."""
    legal(before, "end")
    ending = overdue(before, now)
    if ending is None:
        raise Refused(f"cannot end {before.id}; neither its time nor its attempts are over")
    answer = Response(
        task_id=before.id,
        reviewer=QUEUE,
        status=FAILED,
        body=ending.reason,
        created_at=now.wall,
        epoch=before.epoch,
        metadata={},
        failure_reason=ending.reason,
        cause=ending.cause,
    )
    data: JsonObject = {"status": FAILED, "cause": ending.cause}
    return Change(response=answer, events=(event("response", ending.reason, now, data, before.epoch),))


def cancel(before: Snapshot, *, by: str, reason: str, now: Moment) -> Change:
    """Nobody is to work on it any more. At once: whoever holds it learns so from the next renew or respond."""
    answer = before.response
    if answer is not None and answer.status == CANCELLED:
        return Change(repeated=True)
    if answer is not None:
        raise AlreadyAnswered(
            f"cannot cancel {before.id}; it was answered by {answer.reviewer} at {iso(answer.created_at)}",
            hint=f"read it with: agent-lanes show {before.id}",
        )
    legal(before, "cancel")
    response = Response(
        task_id=before.id,
        reviewer=by,
        status=CANCELLED,
        body=reason,
        created_at=now.wall,
        epoch=before.epoch,
        metadata={},
        cause=BY_REQUEST,
    )
    data: JsonObject = {"by": by, "reason": reason}
    return Change(response=response, events=(event("cancelled", "task cancelled", now, data, before.epoch),))


def hold(before: Snapshot, *, by: str, reason: str | None, until: int | None, now: Moment) -> Change:
    """Do not offer a queued task, until `until` or until it is resumed; None leaves a hold that stands as it is."""
    legal(before, "hold")
    last = unheld(before, now)
    if before.on_hold(now):
        until = last.hold_until if until is None else until
        reason = last.reason if reason is None else reason
        if (last.hold_until, last.reason) == (until, reason):
            return Change(repeated=True)
    reason = reason or ""
    stopped = last.replace(
        released_at=last.released_at or now.wall, updated_at=now.wall, on_hold=True, hold_until=until, reason=reason
    )
    data: JsonObject = {"by": by, "reason": reason, "until": None if until is None else iso(until)}
    return Change(claim=stopped, events=(event("on_hold", "task put on hold", now, data, last.epoch),))


def resume(before: Snapshot, *, by: str, now: Moment) -> Change:
    """Offer a task again that was on hold."""
    legal(before, "resume")
    last = before.claim
    if last is None or not last.on_hold:
        raise Refused(f"cannot resume {before.id}; it is not on hold", hint=f"agent-lanes show {before.id}")
    going = last.replace(updated_at=now.wall, on_hold=False, hold_until=None, reason="")
    return Change(claim=going, events=(event("resumed", "task resumed", now, {"by": by}, last.epoch),))


def run_of(before: Snapshot, *, token: str, mark: str, limit_seconds: float, process: int, now: Moment) -> Run:
    """The run that the holder of a task may begin, for at most so long. Raises LostClaim, Refused, Cancelled."""
    held = held_by(before, "renew", token)
    return Run(epoch=held.epoch, process=process, mark=mark, limit=lease(limit_seconds, now))


def _failed_by(before: Snapshot, token: str) -> bool:
    """Whether this holder's attempt failed, and nobody has claimed the task since: a release says no time."""
    return put_back_by(before, token) and before.claim is not None and before.claim.not_before is not None


def _ended_by(before: Snapshot, token_sha256: str) -> bool:
    answer = before.response
    return answer is not None and answer.cause == EXHAUSTED and answer.token_sha256 == token_sha256
