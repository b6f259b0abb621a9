"""Where the hints list a task, and what matches what."""

from __future__ import annotations

import pytest

from agent_lanes.core.match import matches, routes_for
from agent_lanes.core.placement import Due, Parked, Ready, placement, ready, timer_now
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED, Snapshot
from agent_lanes.core.times import Moment
from core.values import ID, NOW, a_claim, a_task, in_state, later

READY = Ready(lane="default", route="any", priority=5, sequence=1, id=ID)


def test_a_queued_task_is_ready_on_its_route() -> None:
    assert placement(in_state(QUEUED), NOW) == READY
    codex = Snapshot(task=a_task(lane="l", sequence=7, metadata={"required_vendor": "codex"}))
    assert placement(codex, NOW) == Ready(lane="l", route="codex", priority=5, sequence=7, id=ID)


def test_a_claimed_task_is_due_when_its_lease_ends_by_the_clock_of_the_boot() -> None:
    assert placement(in_state(CLAIMED), NOW) == Due(lane="default", at=timer_now(later(100)), id=ID)


def test_a_lease_that_ran_out_makes_the_task_ready_where_it_was() -> None:
    assert placement(in_state(CLAIMED), later(100)) == READY
    assert placement(in_state(CLAIMED), Moment(wall=NOW.wall, boot_id="boot-b")) == READY


def test_a_released_task_is_ready_where_it_was() -> None:
    released = in_state(CLAIMED).replace(claim=a_claim(released_at=NOW.wall))
    assert placement(released, NOW) == READY


def test_a_parked_task_is_not_offered() -> None:
    parked = in_state(CLAIMED).replace(claim=a_claim(released_at=NOW.wall, parked=True))
    assert placement(parked, later(1000)) == Parked(lane="default", id=ID)


@pytest.mark.parametrize("state", [COMPLETED, FAILED, CANCELLED])
def test_a_finished_task_is_listed_nowhere(state: str) -> None:
    assert placement(in_state(state), NOW) is None


@pytest.mark.parametrize("state", [QUEUED, CLAIMED, COMPLETED])
def test_where_a_task_is_listed_while_ready_does_not_depend_on_its_state(state: str) -> None:
    assert ready(in_state(state)) == READY


def test_where_there_is_no_boot_the_wall_clock_is_the_timer() -> None:
    wall = Moment(wall=NOW.wall)
    lease = a_claim().lease.replace(boot_id="", ends_boottime=0)
    place = placement(in_state(CLAIMED).replace(claim=a_claim(lease=lease)), wall)
    assert isinstance(place, Due)
    assert (place.at, timer_now(wall)) == (lease.expires_at, NOW.wall)


@pytest.mark.parametrize(
    ("metadata", "wanted", "expected"),
    [
        ({}, {}, True),
        ({"a": "1"}, {"a": "1"}, True),
        ({"a": 1}, {"a": "1"}, True),
        ({"a": True}, {"a": "true"}, True),
        ({"a": True}, {"a": "True"}, False),
        ({"a": False}, {"a": "0"}, False),
        ({"a": None}, {"a": "None"}, False),
        ({"a": None}, {"a": ""}, False),
        ({}, {"a": ""}, False),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x", ["y"]]}, {"a": "y"}, True),
        ({"a": []}, {"a": ""}, False),
        ({"a": "xy"}, {"a": "x"}, False),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "2"}, True),
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, False),
    ],
)
def test_a_filter_matches_when_every_key_has_that_value(
    metadata: dict[str, object], wanted: dict[str, str], expected: bool
) -> None:
    assert matches(metadata, wanted) is expected  # type: ignore[arg-type]


def test_a_dispatcher_reads_its_own_route_and_any_and_without_a_vendor_all() -> None:
    assert routes_for("codex") == ("codex", "any")
    assert routes_for(None) is None
    assert routes_for("any") is None
