"""Records of v0.1: what format 2 says of them."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core import codec, legacy
from agent_lanes.core.answers import decode_response, encode_response
from agent_lanes.core.fields import Malformed
from agent_lanes.core.task import CLAIMED, COMPLETED, FAILED, QUEUED, Response, Snapshot
from agent_lanes.core.times import LAST_INSTANT, parse_iso
from core.values import ID, an_answer, later

CREATED, CLAIMED_AT, EXPIRES, ENDED = (f"2026-01-02T03:0{minute}:00.000000Z" for minute in (4, 5, 7, 9))
QUEUED_RECORD: dict[str, Any] = {
    "id": ID,
    "workspace_id": "w",
    "correlation_id": "review",
    "source_agent": "orchestrator",
    "lane": "default",
    "workspace_root": "/w",
    "worktree_path": "/w",
    "expected_branch": None,
    "request_path": "/w/request.md",
    "request_sha256": "a" * 64,
    "supporting_paths": [{"path": "/w/a", "sha256": "b" * 64}],
    "response_path": "/w/response.md",
    "prompt": "",
    "metadata": {"required_vendor": "codex"},
    "state": "queued",
    "created_at": CREATED,
    "updated_at": CREATED,
    "claim_owner": None,
    "claim_token": None,
    "lease_expires_at": None,
    "claimed_at": None,
    "completed_at": None,
    "failed_at": None,
    "failure_reason": None,
}
CLAIMED_RECORD = {
    **QUEUED_RECORD,
    "state": "claimed",
    "claim_owner": "ann",
    "claim_token": "t1",
    "claimed_at": CLAIMED_AT,
    "lease_expires_at": EXPIRES,
    "updated_at": CLAIMED_AT,
}
COMPLETED_RECORD = {**CLAIMED_RECORD, "state": "completed", "completed_at": ENDED, "updated_at": ENDED}
FAILED_RECORD = {**CLAIMED_RECORD, "state": "failed", "failed_at": ENDED, "failure_reason": "no disk"}


def without(record: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in fields}


def test_a_queued_record_becomes_a_queued_task_with_everything_that_was_asked() -> None:
    snapshot = legacy.decode(QUEUED_RECORD, None)
    assert (snapshot.state, snapshot.claim, snapshot.response) == (QUEUED, None, None)
    task = snapshot.task
    for field in ("id", "workspace_id", "correlation_id", "lane", "workspace_root", "request_path", "metadata"):
        assert getattr(task, field) == QUEUED_RECORD[field]
    assert (task.created_at, task.vendor, task.sequence) == (parse_iso(CREATED), "codex", 0)
    assert [(file.path, file.sha256) for file in task.supporting_paths] == [("/w/a", "b" * 64)]


def test_a_claimed_record_keeps_owner_token_and_lease_as_epoch_one() -> None:
    snapshot = legacy.decode(CLAIMED_RECORD, None)
    claim = snapshot.claim
    assert claim is not None
    assert (snapshot.state, claim.owner, claim.token, claim.epoch) == (CLAIMED, "ann", "t1", 1)
    assert (claim.lease.seconds, claim.lease.expires_at, claim.lease.boot_id) == (120, parse_iso(EXPIRES), "")
    assert not snapshot.lease_expired(later(0).replace(wall=parse_iso(EXPIRES) - 1))
    assert snapshot.lease_expired(later(0).replace(wall=parse_iso(EXPIRES)))


def test_a_claimed_record_without_a_token_is_queued_again() -> None:
    assert legacy.decode({**CLAIMED_RECORD, "claim_token": None}, None).state == QUEUED


@pytest.mark.parametrize("record", [COMPLETED_RECORD, CLAIMED_RECORD, QUEUED_RECORD])
def test_an_answer_on_disk_decides_whatever_the_record_says(record: dict[str, Any]) -> None:
    """v0.1 wrote the answer first and the record after it; it could be killed between the two."""
    assert legacy.decode(record, an_answer()).response == an_answer()


@pytest.mark.parametrize(("record", "state"), [(COMPLETED_RECORD, "completed"), (FAILED_RECORD, "failed")])
def test_a_finished_record_whose_answer_is_gone_is_failed_and_says_so(record: dict[str, Any], state: str) -> None:
    snapshot = legacy.decode(without(record, "failure_reason"), None)
    assert snapshot.state == FAILED
    assert isinstance(snapshot.response, Response)
    assert snapshot.response.failure_reason == f"v0.1 recorded this task as {state}, but its response.json is missing"
    assert (snapshot.response.created_at, snapshot.response.reviewer) == (parse_iso(ENDED), "ann")


def test_a_failure_reason_is_kept() -> None:
    answer = an_answer(status=FAILED, body="it did not work")
    for given in (answer, None):
        response = legacy.decode(FAILED_RECORD, given).response
        assert response is not None
        assert response.failure_reason == "no disk"


def test_a_checkpoint_id_of_a_still_older_record_is_its_correlation_id() -> None:
    record = {**without(QUEUED_RECORD, "correlation_id"), "checkpoint_id": "cp-1"}
    assert legacy.decode(record, None).task.correlation_id == "cp-1"
    assert legacy.decode({**QUEUED_RECORD, "checkpoint_id": "cp-1"}, None).task.correlation_id == "review"


@pytest.mark.parametrize("metadata", [None, "absent"])
def test_a_record_without_metadata_has_empty_metadata(metadata: object) -> None:
    record = without(QUEUED_RECORD, "metadata") if metadata == "absent" else {**QUEUED_RECORD, "metadata": None}
    assert legacy.decode(record, None).task.metadata == {}


def test_what_a_record_may_lack_has_a_default() -> None:
    fields = ("source_agent", "prompt", "supporting_paths", "request_path", "request_sha256", "worktree_path")
    task = legacy.decode(without(QUEUED_RECORD, *fields, "response_path", "expected_branch"), None).task
    assert (task.source_agent, task.prompt, task.supporting_paths, task.request_path) == ("orchestrator", "", (), None)
    claim = legacy.decode(without(CLAIMED_RECORD, "claim_owner", "claimed_at", "lease_expires_at", "updated_at"), None)
    assert claim.claim is not None
    assert (claim.claim.owner, claim.claim.lease.seconds) == ("worker", 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field in ("id", "workspace_id", "workspace_root", "lane") for value in (None, "", 1, [])]
    + [("state", value) for value in (None, "", "cancelled", "done", 1)]
    + [("correlation_id", value) for value in (None, "", 1)]
    + [(field, value) for field in ("prompt", "request_path", "source_agent", "expected_branch") for value in (1, [])]
    + [(field, "soon") for field in ("created_at", "claimed_at", "lease_expires_at", "updated_at")]
    + [("metadata", []), ("supporting_paths", "a"), ("claim_token", 1), ("claim_owner", 1)],
    ids=ascii,
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(Malformed, match=f"^{field} is "):
        legacy.decode({**CLAIMED_RECORD, field: value}, None)


@pytest.mark.parametrize("record", [COMPLETED_RECORD, FAILED_RECORD])
@pytest.mark.parametrize("value", ["soon", 1, [1]])
def test_a_wrong_time_of_the_end_is_refused_by_the_name_of_its_field(record: dict[str, Any], value: object) -> None:
    field = f"{record['state']}_at"
    with pytest.raises(Malformed, match=f"^{field} is "):
        legacy.decode({**record, field: value}, None)


def test_only_a_record_with_a_state_and_no_format_is_of_v01() -> None:
    assert legacy.is_legacy(QUEUED_RECORD)
    assert not legacy.is_legacy({**QUEUED_RECORD, "format": 2})
    assert not legacy.is_legacy(without(QUEUED_RECORD, "state"))


@pytest.mark.parametrize("expires", [EXPIRES, "9999-12-31T23:59:59.999999Z", CREATED])
@pytest.mark.parametrize("record", [QUEUED_RECORD, CLAIMED_RECORD, COMPLETED_RECORD, FAILED_RECORD])
def test_what_is_read_from_v01_can_be_written_and_read_in_format_2(record: dict[str, Any], expires: str) -> None:
    snapshot = legacy.decode({**record, "lease_expires_at": expires}, None)
    assert again(snapshot) == snapshot
    assert snapshot.claim is None or snapshot.claim.lease.expires_at <= LAST_INSTANT


def again(snapshot: Snapshot) -> Snapshot:
    claim, response = snapshot.claim, snapshot.response
    return Snapshot(
        task=codec.decode_task(codec.encode_task(snapshot.task)),
        claim=claim and codec.decode_claim(codec.encode_claim(claim)),
        response=response and decode_response(encode_response(response)),
    )


def test_states_of_v01_are_all_known() -> None:
    assert set(legacy.STATES) == {QUEUED, CLAIMED, COMPLETED, FAILED}
