"""Values for the tests of the core: plain ones by hand, and any legal ones through Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from agent_lanes.core import fields
from agent_lanes.core.task import (
    CANCELLED,
    CLAIMED,
    COMPLETED,
    FAILED,
    QUEUED,
    VERDICTS,
    Claim,
    Event,
    Lease,
    Response,
    Snapshot,
    Supporting,
    Task,
)
from agent_lanes.core.times import LAST_INSTANT, SECOND, Moment

START = 1_790_000_000 * SECOND
NOW = Moment(wall=START, boot_id="boot-a", boottime=5_000 * SECOND)
ID = "20261121T023929158949Z-review-0123456789ab"


def later(seconds: float, now: Moment = NOW) -> Moment:
    """The same boot, some seconds on."""
    micros = round(seconds * SECOND)
    return now.replace(wall=now.wall + micros, boottime=now.boottime + micros)


def a_task(**changes: Any) -> Task:
    """A task that only has what it must have."""
    plain = Task(
        id=ID,
        workspace_id="w",
        workspace_root="/w",
        correlation_id="review",
        source_agent="orchestrator",
        lane="default",
        created_at=START,
        sequence=1,
        metadata={},
    )
    return plain.replace(**changes)


def a_claim(**changes: Any) -> Claim:
    """A claim of NOW, for 100 seconds, with token `t1`."""
    lease = Lease(
        seconds=100,
        expires_at=NOW.wall + 100 * SECOND,
        boot_id=NOW.boot_id,
        ends_boottime=NOW.boottime + 100 * SECOND,
    )
    plain = Claim(epoch=1, owner="ann", token="t1", claimed_at=START, updated_at=START, lease=lease)
    return plain.replace(**changes)


def an_answer(**changes: Any) -> Response:
    """A completed answer."""
    plain = Response(task_id=ID, reviewer="ann", status=COMPLETED, body="fine", created_at=START, metadata={})
    return plain.replace(**changes)


def in_state(state: str) -> Snapshot:
    """A snapshot in that state; claimed with token `t1`, under a lease of 100 seconds from NOW."""
    queued = Snapshot(task=a_task())
    if state == QUEUED:
        return queued
    if state == CLAIMED:
        return queued.replace(claim=a_claim())
    assert state in (COMPLETED, FAILED, CANCELLED)
    return queued.replace(claim=a_claim(), response=an_answer(status=state, epoch=1))


# --- any legal value -----------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)  # Cs: half characters, which no file can hold
words = texts.filter(bool)
instants = st.integers(0, LAST_INSTANT)
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | finite | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
json_objects = st.dictionaries(texts, json_values, max_size=4)
counts = st.none() | st.integers(0, fields.MAX_SEQUENCE)

tasks = st.builds(
    Task,
    id=words,
    workspace_id=words,
    workspace_root=words,
    correlation_id=words,
    source_agent=words,
    lane=words,
    created_at=instants,
    sequence=st.integers(0, fields.MAX_SEQUENCE),
    prompt=texts,
    request_path=st.none() | texts,
    request_sha256=st.none() | texts,
    request_stored=st.booleans(),
    response_path=st.none() | texts,
    supporting_paths=st.lists(st.builds(Supporting, path=words, sha256=words), max_size=3).map(tuple),
    worktree_path=st.none() | texts,
    expected_branch=st.none() | texts,
    idempotency_key=st.none() | texts,
    metadata=json_objects,
)
leases = st.builds(
    Lease,
    seconds=st.integers(0, 10**9) | st.floats(0, 10**9),
    expires_at=instants,
    boot_id=texts,
    ends_boottime=instants,
)
claims = st.builds(
    Claim,
    epoch=st.integers(0, fields.MAX_EPOCH),
    owner=texts,
    token=texts,
    claimed_at=instants,
    updated_at=instants,
    lease=leases,
    released_at=st.none() | instants,
    reason=texts,
    parked=st.booleans(),
    request_id=st.none() | texts,
)
answers = st.builds(
    Response,
    task_id=words,
    reviewer=texts,
    status=st.sampled_from([COMPLETED, FAILED, CANCELLED]),
    body=texts,
    created_at=instants,
    epoch=st.integers(0, fields.MAX_EPOCH),
    token_sha256=st.none() | texts,
    reviewed_request_sha256=st.none() | texts,
    request_changed_before_response=st.booleans(),
    follow_up_required=st.booleans(),
    verdict=st.none() | st.sampled_from(VERDICTS),
    blocking_count=counts,
    nonblocking_count=counts,
    metadata=json_objects,
    failure_reason=st.none() | texts,
)
events = st.builds(
    Event,
    type=words,
    message=texts,
    created_at=instants,
    data=json_objects,
    epoch=st.integers(0, fields.MAX_EPOCH),
    number=st.integers(0, fields.MAX_SEQUENCE),
)
