"""Records as people and programs see them: the three facts merged under the field names of v0.1.

What v0.1 kept in one task.json is derived here, so `status`, `list`, HTTP and the Python API show the same.
"""

from __future__ import annotations

from agent_lanes.core.advice import for_task
from agent_lanes.core.codec import public_event
from agent_lanes.core.fields import maybe_iso
from agent_lanes.core.placement import offered
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED, Event, Snapshot
from agent_lanes.core.times import SECOND, Moment, iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.holds import Hold
    from agent_lanes.core.jsontext import JsonObject

REVIEW_SCOPE = (
    "Work on request_path; use worktree_path only as context, unless the prompt says otherwise. "
    "Write nothing to response_path yourself: the orchestrator's wait does."
)
SUMMARY = ("queued", "claimed", "completed", "failed", "cancelled", "stale_claims", "missing_response", "parked")


def record(snapshot: Snapshot, request_path: str | None) -> JsonObject:
    """v0.1's task record: what was asked, who has it, how it ended."""
    task, claim, response = snapshot.task, snapshot.claim, snapshot.response
    shown = claim if claim is not None and claim.held else None
    return {
        "id": task.id,
        "workspace_id": task.workspace_id,
        "workspace_root": task.workspace_root,
        "correlation_id": task.correlation_id,
        "source_agent": task.source_agent,
        "lane": task.lane,
        "worktree_path": task.worktree_path,
        "expected_branch": task.expected_branch,
        "request_path": request_path,
        "request_sha256": task.request_sha256,
        "response_path": task.response_path,
        "supporting_paths": [{"path": file.path, "sha256": file.sha256} for file in task.supporting_paths],
        "prompt": task.prompt,
        "metadata": task.metadata,
        "state": snapshot.state,
        "created_at": iso(task.created_at),
        "updated_at": iso(_updated_at(snapshot)),
        "claim_owner": shown.owner if shown else None,
        "claim_token": shown.token if shown else None,
        "claimed_at": iso(shown.claimed_at) if shown else None,
        "lease_expires_at": iso(shown.lease.expires_at) if shown else None,
        "lease_seconds": shown.lease.seconds if shown else None,
        "completed_at": iso(response.created_at) if response and response.status == COMPLETED else None,
        "failed_at": iso(response.created_at) if response and response.status == FAILED else None,
        "failure_reason": failure_reason(snapshot),
        "epoch": snapshot.epoch,
        "sequence": task.sequence,
        "parked_reason": claim.reason if claim and snapshot.parked else None,
        "priority": task.priority,
        "not_before": maybe_iso(snapshot.not_before),
        "expires_at": maybe_iso(task.expires_at),
        "attempts": snapshot.attempts,
        "max_attempts": task.max_attempts,
        "max_cost_usd": task.max_cost_usd,
        "backoff_seconds": task.backoff_seconds,
        "max_lease_seconds": task.max_lease_seconds,
        "route": task.vendor,
        "response_schema": task.response_schema,
        "depends_on": list(task.depends_on),
        "waits_for": list(snapshot.open_dependencies),
        "on_hold": bool(claim and claim.on_hold and snapshot.state == QUEUED),
        "hold_until": maybe_iso(claim.hold_until) if claim else None,
        "hold_reason": claim.reason if claim and claim.on_hold and snapshot.state == QUEUED else None,
        "cause": response.cause if response else None,
        "retry_of": task.retry_of,
    }


def status(
    snapshot: Snapshot,
    request_path: str | None,
    last: Event | None,
    now: Moment,
    hold: Hold | None = None,
    retry: str | None = None,
    first: str | None = None,
) -> JsonObject:
    """The record, and everything that `status` derives from it and from the clock.

    `hold` is the one that stops its lane or its vendor, `retry` the newest task that does it again, `first`
    the one to be done again before it.
    """
    claim, view = snapshot.claim, record(snapshot, request_path)
    view["response_exists"] = snapshot.response is not None
    view["missing_response"] = False  # one file holds both the answer and the state: neither can be there alone
    view["lease_expired"] = snapshot.lease_expired(now)
    view["last_event"] = public_event(last) if last else None
    view["last_event_age_seconds"] = _age(last.created_at, now) if last else None
    if snapshot.state == CLAIMED and claim is not None:
        left = claim.lease.ends_boottime - now.boottime if claim.lease.boot_id else claim.lease.expires_at - now.wall
        view["claimed_age_seconds"] = _age(claim.claimed_at, now)
        view["seconds_until_lease_expiry"] = 0 if view["lease_expired"] else max(0, left // SECOND)
    view["navigation"] = {
        "workspace_root": view["workspace_root"],
        "worktree_path": view["worktree_path"],
        "expected_branch": view["expected_branch"],
        "request_path": request_path,
        "response_path": view["response_path"],
        "review_scope": REVIEW_SCOPE,
    }
    view["offered"] = offered(snapshot, now) and hold is None
    view["hold"] = None
    if hold is not None:
        from agent_lanes.core.holds import encode_hold

        view["hold"] = encode_hold(hold)
    view["cancel_requested"] = cancel_requested(snapshot, now)
    view["retried_as"] = retry
    view["next_action"] = for_task(snapshot, now, hold, retry, first)
    return view


def cancel_requested(snapshot: Snapshot, now: Moment) -> bool:
    """Cancelled, and its holder has not been told yet, as far as the lease tells."""
    held = snapshot.claim
    return snapshot.state == CANCELLED and held is not None and held.held and not held.lease.expired(now)


def no_counts() -> dict[str, int]:
    """How many tasks are in which state, before any has been counted."""
    return dict.fromkeys(SUMMARY, 0)


def tally(counts: dict[str, int], view: JsonObject) -> None:
    """Count one status view."""
    counts[str(view["state"])] += 1
    counts["stale_claims"] += bool(view["lease_expired"])
    counts["missing_response"] += bool(view["missing_response"])
    counts["parked"] += view["parked_reason"] is not None


def answer(snapshot: Snapshot, response_path: str | None) -> JsonObject:
    """What `wait` reports: `{status, task_id, response_path, response}`."""
    from agent_lanes.core.answers import public_response

    assert snapshot.response is not None
    return {
        "status": snapshot.response.status,
        "task_id": snapshot.id,
        "response_path": response_path,
        "response": public_response(snapshot.response),
    }


def failure_reason(snapshot: Snapshot) -> str | None:
    """Why a failed task failed: the body of its response, as in v0.1, or what the store itself recorded."""
    response = snapshot.response
    if response is None or response.status != FAILED:
        return None
    return response.failure_reason or response.body


def _updated_at(snapshot: Snapshot) -> int:
    times = [snapshot.task.created_at]
    if snapshot.claim is not None:
        times.append(snapshot.claim.updated_at)
    if snapshot.response is not None:
        times.append(snapshot.response.created_at)
    return max(times)


def _age(instant: int, now: Moment) -> int:
    return max(0, (now.wall - instant) // SECOND)
