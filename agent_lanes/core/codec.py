"""Records to JSON objects and back, with a format number in each.

Reading is strict (core.fields): a missing field, a wrong type, a value outside its set raises Malformed. What
`decode` accepts, `encode` writes again unchanged. Format 2 is CONTRACT.md, "State folder"; the records of v0.1 are
read by `core.legacy`.
"""

from __future__ import annotations

from agent_lanes.core.fields import (
    FORMAT,
    MAX_EPOCH,
    MAX_SEQUENCE,
    Malformed,
    flag,
    formatted,
    instant,
    mapping,
    maybe_instant,
    maybe_iso,
    maybe_lease,
    maybe_text,
    maybe_usd,
    maybe_whole,
    one_of,
    seconds,
    supporting,
    text,
    texts,
    whole,
    wholes,
)
from agent_lanes.core.names import MAX_NAME_BYTES, escape
from agent_lanes.core.task import (
    DEFAULT_BACKOFF_SECONDS,
    DEFAULT_PRIORITY,
    LEAST_URGENT,
    ON_FAILURE,
    Claim,
    Event,
    Lease,
    Task,
)
from agent_lanes.core.times import LAST_INSTANT, iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


def encode_task(task: Task) -> JsonObject:
    """task.json. A request kept in the store is named by its file alone, so that a store can be moved."""
    return {
        "format": FORMAT,
        "id": task.id,
        "workspace_id": task.workspace_id,
        "workspace_root": task.workspace_root,
        "correlation_id": task.correlation_id,
        "source_agent": task.source_agent,
        "lane": task.lane,
        "created_at": iso(task.created_at),
        "sequence": task.sequence,
        "prompt": task.prompt,
        "request_path": task.request_path,
        "request_sha256": task.request_sha256,
        "request_stored": task.request_stored,
        "response_path": task.response_path,
        "supporting_paths": [{"path": file.path, "sha256": file.sha256} for file in task.supporting_paths],
        "worktree_path": task.worktree_path,
        "expected_branch": task.expected_branch,
        "idempotency_key": task.idempotency_key,
        "priority": task.priority,
        "not_before": maybe_iso(task.not_before),
        "expires_at": maybe_iso(task.expires_at),
        "max_attempts": task.max_attempts,
        "max_cost_usd": task.max_cost_usd,
        "backoff_seconds": task.backoff_seconds,
        "lease_seconds": task.lease_seconds,
        "max_lease_seconds": task.max_lease_seconds,
        "route": task.route,
        "response_schema": task.response_schema,
        "concurrency": task.concurrency,
        "concurrency_by": {**task.concurrency_by},
        "depends_on": list(task.depends_on),
        "on_failure": task.on_failure,
        "unique_key": task.unique_key,
        "retry_of": task.retry_of,
        "metadata": task.metadata,
    }


def decode_task(record: JsonObject) -> Task:
    """The Task of a task.json of format 2. Raises Malformed."""
    formatted(record)
    task = Task(
        id=text(record, "id"),
        workspace_id=text(record, "workspace_id"),
        workspace_root=text(record, "workspace_root"),
        correlation_id=text(record, "correlation_id"),
        source_agent=text(record, "source_agent"),
        lane=text(record, "lane"),
        created_at=instant(record, "created_at"),
        sequence=whole(record, "sequence", MAX_SEQUENCE),
        prompt=text(record, "prompt", empty=True),
        request_path=maybe_text(record, "request_path"),
        request_sha256=maybe_text(record, "request_sha256"),
        request_stored=flag(record, "request_stored"),
        response_path=maybe_text(record, "response_path"),
        supporting_paths=supporting(record),
        worktree_path=maybe_text(record, "worktree_path"),
        expected_branch=maybe_text(record, "expected_branch"),
        idempotency_key=maybe_text(record, "idempotency_key"),
        priority=whole(record, "priority", LEAST_URGENT) if "priority" in record else DEFAULT_PRIORITY,
        not_before=maybe_instant(record, "not_before"),
        expires_at=maybe_instant(record, "expires_at"),
        max_attempts=maybe_whole(record, "max_attempts"),
        max_cost_usd=maybe_usd(record, "max_cost_usd"),
        backoff_seconds=seconds(record, "backoff_seconds", DEFAULT_BACKOFF_SECONDS),
        lease_seconds=maybe_lease(record, "lease_seconds"),
        max_lease_seconds=maybe_lease(record, "max_lease_seconds"),
        route=maybe_text(record, "route"),
        response_schema=None if record.get("response_schema") is None else mapping(record, "response_schema"),
        concurrency=maybe_whole(record, "concurrency"),
        concurrency_by=wholes(record, "concurrency_by", MAX_SEQUENCE),
        depends_on=texts(record, "depends_on"),
        on_failure=one_of(record, "on_failure", ON_FAILURE),
        unique_key=maybe_text(record, "unique_key"),
        retry_of=maybe_text(record, "retry_of"),
        metadata=mapping(record, "metadata"),
    )
    return routable(task)


def routable(task: Task) -> Task:
    """The task, if its lane and vendor can name the folders of its hints. Raises Malformed, or another ValueError."""
    for field, name in (("lane", task.lane), ("required_vendor", task.vendor)):
        if len(escape(name)) > MAX_NAME_BYTES:
            raise Malformed(f"{field} is too long")
    return task


def encode_claim(claim: Claim) -> JsonObject:
    """claim.json."""
    return {
        "format": FORMAT,
        "epoch": claim.epoch,
        "owner": claim.owner,
        "token": claim.token,
        "claimed_at": iso(claim.claimed_at),
        "updated_at": iso(claim.updated_at),
        "lease_seconds": claim.lease.seconds,
        "lease_expires_at": iso(claim.lease.expires_at),
        "lease_boot_id": claim.lease.boot_id,
        "lease_ends_boottime_us": claim.lease.ends_boottime,
        "released_at": maybe_iso(claim.released_at),
        "reason": claim.reason,
        "parked": claim.parked,
        "request_id": claim.request_id,
        "attempts": claim.attempts,
        "not_before": maybe_iso(claim.not_before),
        "on_hold": claim.on_hold,
        "hold_until": maybe_iso(claim.hold_until),
        "limited": claim.limited,
    }


def decode_claim(record: JsonObject) -> Claim:
    """The Claim of a claim.json of format 2. Raises Malformed."""
    formatted(record)
    lease = Lease(
        seconds=seconds(record, "lease_seconds", None),
        expires_at=instant(record, "lease_expires_at"),
        boot_id=text(record, "lease_boot_id", empty=True),
        ends_boottime=whole(record, "lease_ends_boottime_us", LAST_INSTANT),
    )
    return Claim(
        epoch=whole(record, "epoch", MAX_EPOCH),
        owner=text(record, "owner", empty=True),
        token=text(record, "token", empty=True),
        claimed_at=instant(record, "claimed_at"),
        updated_at=instant(record, "updated_at"),
        lease=lease,
        released_at=maybe_instant(record, "released_at"),
        reason=text(record, "reason", empty=True),
        parked=flag(record, "parked"),
        request_id=maybe_text(record, "request_id"),
        attempts=whole(record, "attempts", MAX_EPOCH) if "attempts" in record else 0,
        not_before=maybe_instant(record, "not_before"),
        on_hold=flag(record, "on_hold"),
        hold_until=maybe_instant(record, "hold_until"),
        limited=flag(record, "limited"),
    )


def encode_event(event: Event) -> JsonObject:
    """One line of events.jsonl."""
    proved: JsonObject = {"by_holder": True} if event.by_holder else {}
    return {
        "type": event.type,
        "message": event.message,
        "created_at": iso(event.created_at),
        "data": event.data,
        "epoch": event.epoch,
        "number": event.number,
        **proved,
    }


def public_event(event: Event) -> JsonObject:
    """An event as commands and routes show it."""
    return encode_event(event)


def decode_event(record: JsonObject) -> Event:
    """The Event of a line of events.jsonl; a line of v0.1 has no epoch and no number."""
    return Event(
        type=text(record, "type"),
        message=text(record, "message", empty=True) if record.get("message") is not None else "",
        created_at=instant(record, "created_at"),
        data=mapping(record, "data"),
        epoch=whole(record, "epoch", MAX_EPOCH) if "epoch" in record else 0,
        number=whole(record, "number", MAX_SEQUENCE) if "number" in record else 0,
        by_holder=flag(record, "by_holder"),
    )
