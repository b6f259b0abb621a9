"""Reading the records of v0.1, in which one task.json held everything but the answer.

    decode(record, response) -> Snapshot    what format 2 says of the same task

Still older records have `checkpoint_id` and no `correlation_id`; others have no `metadata`. A record that was
finished without an answer on disk (v0.1 could crash between the two) becomes a failed task that says so.
Source: the v0.1 contract, kept in CONTRACT.md under "Stores of v0.1".
"""

from __future__ import annotations

from agent_lanes.core.codec import routable
from agent_lanes.core.fields import MAX_LEASE_SECONDS, Malformed, instant, mapping, maybe_text, supporting, text
from agent_lanes.core.task import CLAIMED, COMPLETED, FAILED, QUEUED, Claim, Lease, Response, Snapshot, Task
from agent_lanes.core.times import LAST_INSTANT, SECOND, Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

STATES = (QUEUED, CLAIMED, COMPLETED, FAILED)


def is_legacy(record: JsonObject) -> bool:
    """v0.1 wrote no format number, and a state."""
    return "format" not in record and "state" in record


def decode(record: JsonObject, response: Response | None) -> Snapshot:
    """The snapshot of a v0.1 record and of its response.json, if there is one. Raises Malformed."""
    state = text(record, "state")
    if state not in STATES:
        raise Malformed(f"state is not one of {', '.join(STATES)}")
    task = routable(_task(record))
    claim = None if state == QUEUED else _claim(record, task)
    if response is None and state in (COMPLETED, FAILED):
        response = _lost_response(record, task, state)
    if response is not None and response.failure_reason is None and record.get("failure_reason") is not None:
        response = response.replace(failure_reason=maybe_text(record, "failure_reason"))
    return Snapshot(task=task, claim=claim, response=response)


def rebased(claim: Claim, now: Moment) -> Claim:
    """The claim with its lease on the clock that judges leases from now on: v0.1 knew only the wall clock."""
    if not now.boot_id:
        return claim
    ends = now.boottime + claim.lease.expires_at - now.wall
    lease = claim.lease.replace(boot_id=now.boot_id, ends_boottime=min(max(0, ends), LAST_INSTANT))
    return claim.replace(lease=lease)


def _task(record: JsonObject) -> Task:
    correlation = maybe_text(record, "correlation_id") or maybe_text(record, "checkpoint_id")
    if not correlation:
        raise Malformed("correlation_id is missing")
    return Task(
        id=text(record, "id"),
        workspace_id=text(record, "workspace_id"),
        workspace_root=text(record, "workspace_root"),
        correlation_id=correlation,
        source_agent=maybe_text(record, "source_agent") or "orchestrator",
        lane=text(record, "lane"),
        created_at=instant(record, "created_at"),
        sequence=0,  # before every task of format 2; among themselves ids sort by creation
        prompt=maybe_text(record, "prompt") or "",
        request_path=maybe_text(record, "request_path"),
        request_sha256=maybe_text(record, "request_sha256"),
        response_path=maybe_text(record, "response_path"),
        supporting_paths=supporting(record),
        worktree_path=maybe_text(record, "worktree_path"),
        expected_branch=maybe_text(record, "expected_branch"),
        metadata=mapping(record, "metadata"),
    )


def _claim(record: JsonObject, task: Task) -> Claim | None:
    token = maybe_text(record, "claim_token")
    if not token:
        return None
    claimed_at = instant(record, "claimed_at") if record.get("claimed_at") else task.created_at
    expires_at = instant(record, "lease_expires_at") if record.get("lease_expires_at") else claimed_at
    seconds = min(max(0, (expires_at - claimed_at) // SECOND), MAX_LEASE_SECONDS)
    return Claim(
        epoch=1,
        owner=maybe_text(record, "claim_owner") or "worker",
        token=token,
        claimed_at=claimed_at,
        updated_at=instant(record, "updated_at") if record.get("updated_at") else claimed_at,
        lease=Lease(seconds=seconds, expires_at=expires_at),
    )


def _lost_response(record: JsonObject, task: Task, state: str) -> Response:
    reason = maybe_text(record, "failure_reason") if state == FAILED else None
    ended = "failed_at" if state == FAILED else "completed_at"
    if not record.get(ended):
        ended = "updated_at"
    return Response(
        task_id=task.id,
        reviewer=maybe_text(record, "claim_owner") or "",
        status=FAILED,
        body="",
        created_at=instant(record, ended) if record.get(ended) else task.created_at,
        metadata={},
        failure_reason=reason or f"v0.1 recorded this task as {state}, but its response.json is missing",
    )
