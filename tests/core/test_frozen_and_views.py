"""Immutable values, and records as people and programs see them."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_lanes.core import advice, jsontext, views
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED, Event, Snapshot
from agent_lanes.core.times import iso
from core.values import ID, NOW, START, a_claim, a_task, an_answer, answers, claims, in_state, later, tasks

STATES = (QUEUED, CLAIMED, COMPLETED, FAILED, CANCELLED)
# v0.1's task.json, field by field: what scripts of users read.
RECORD_OF_V01 = """
    id workspace_id correlation_id source_agent lane workspace_root worktree_path expected_branch request_path
    request_sha256 supporting_paths response_path prompt metadata state created_at updated_at claim_owner claim_token
    lease_expires_at claimed_at completed_at failed_at failure_reason
"""


class Point(Frozen):
    x: int
    y: int = 0


class Named(Point):
    name: str = "p"


def test_a_value_has_its_fields_defaults_and_an_order_of_definition() -> None:
    assert repr(Named(x=1)) == "Named(x=1, y=0, name='p')"


def test_two_values_are_equal_when_all_their_fields_and_their_kinds_are() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Named(x=1)
    assert Point(x=1) != 1


def test_a_value_cannot_be_changed_but_copied_with_changes() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match="Point is immutable"):
        point.x = 2  # type: ignore[misc]
    assert point.replace(x=2) == Point(x=2)
    assert point == Point(x=1)
    assert copy.copy(point) == point


def test_a_missing_and_an_unknown_field_are_refused() -> None:
    with pytest.raises(TypeError, match="Point needs x"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no z"):
        Point(x=1, z=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no z"):
        Point(x=1).replace(z=2)


@given(st.builds(Snapshot, task=tasks, claim=st.none() | claims, response=st.none() | answers))
def test_any_task_can_be_shown_as_json(snapshot: Snapshot) -> None:
    view = views.status(snapshot, None, None, NOW)
    assert jsontext.loads(jsontext.dumps(view)) == view
    assert view["state"] == snapshot.state
    assert advice.for_task(snapshot, NOW)


@pytest.mark.parametrize("state", STATES)
def test_a_record_has_every_field_of_v01(state: str) -> None:
    assert set(views.record(in_state(state), "/w/request.md")) >= set(RECORD_OF_V01.split())


def test_the_claim_is_shown_while_it_is_held_and_not_after_a_release() -> None:
    held = views.record(in_state(CLAIMED), None)
    assert (held["claim_owner"], held["claim_token"], held["claimed_at"]) == ("ann", "t1", iso(START))
    released = views.record(in_state(CLAIMED).replace(claim=a_claim(released_at=NOW.wall, reason="r")), None)
    for field in ("claim_owner", "claim_token", "claimed_at", "lease_expires_at", "parked_reason"):
        assert released[field] is None
    assert released["epoch"] == 1


def test_a_parked_task_says_why() -> None:
    parked = in_state(CLAIMED).replace(claim=a_claim(released_at=NOW.wall, parked=True, reason="it changed"))
    assert views.record(parked, None)["parked_reason"] == "it changed"
    assert "it changed" in advice.for_task(parked, NOW)


@pytest.mark.parametrize(("state", "field"), [(COMPLETED, "completed_at"), (FAILED, "failed_at")])
def test_a_finished_task_says_when_in_the_field_of_its_state(state: str, field: str) -> None:
    record = views.record(in_state(state), None)
    assert [name for name in ("completed_at", "failed_at") if record[name] is not None] == [field]


def test_the_reason_of_a_failure_is_the_answer_or_what_the_store_recorded() -> None:
    failed = in_state(FAILED)
    assert views.failure_reason(failed) == "fine"
    recorded = failed.replace(response=an_answer(status=FAILED, body="", failure_reason="gone"))
    assert views.failure_reason(recorded) == "gone"
    assert views.failure_reason(in_state(COMPLETED)) is None
    assert views.failure_reason(in_state(QUEUED)) is None


@pytest.mark.parametrize(("seconds", "left", "expired"), [(0, 100, False), (99, 1, False), (100, 0, True)])
def test_a_claimed_task_says_how_long_its_lease_still_lasts(seconds: int, left: int, expired: bool) -> None:
    view = views.status(in_state(CLAIMED), None, None, later(seconds))
    assert (view["seconds_until_lease_expiry"], view["lease_expired"]) == (left, expired)
    assert view["claimed_age_seconds"] == seconds


def test_only_a_claimed_task_has_ages_of_a_claim() -> None:
    for state in (QUEUED, COMPLETED, FAILED):
        assert "claimed_age_seconds" not in views.status(in_state(state), None, None, NOW)


def test_a_clock_that_was_set_back_makes_no_age_negative() -> None:
    event = Event(type="note", message="", created_at=NOW.wall, data={})
    view = views.status(in_state(CLAIMED), None, event, NOW.replace(wall=NOW.wall - 10**12))
    assert (view["last_event_age_seconds"], view["claimed_age_seconds"]) == (0, 0)


def test_updated_at_is_the_time_of_the_newest_fact() -> None:
    claimed = in_state(CLAIMED).replace(claim=a_claim(updated_at=START + 5))
    assert views.record(claimed, None)["updated_at"] == iso(START + 5)
    answered = claimed.replace(response=an_answer(created_at=START + 9))
    assert views.record(answered, None)["updated_at"] == iso(START + 9)
    assert views.record(Snapshot(task=a_task()), None)["updated_at"] == iso(START)


def test_a_summary_counts_every_state_and_what_needs_a_look() -> None:
    snapshots = [in_state(state) for state in STATES]
    shown = [views.status(snapshot, None, None, later(100)) for snapshot in snapshots]
    counts = views.no_counts()
    for view in shown:
        views.tally(counts, view)
    assert counts == dict.fromkeys(STATES, 1) | {"stale_claims": 1, "missing_response": 0, "parked": 0}


def test_what_wait_reports_is_status_id_path_and_answer() -> None:
    answer = views.answer(in_state(FAILED), "/w/response.md")
    assert {**answer, "response": None} == {
        "status": "failed",
        "task_id": ID,
        "response_path": "/w/response.md",
        "response": None,
    }
