"""Sources of a fair lane take turns, on every backend."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core.rules import Lanes, Rules
from agent_lanes.core.terms import Terms
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from contracts.test_rules import asked


@pytest.fixture
def fair(backend: Backend) -> QueueService:
    return QueueService(backend, lambda: Lanes(rules={"ruled": Rules(fair=True)}))


def by(source: str, **more: Any) -> Submission:
    return asked(source_agent=source, **more)


def put(queue: QueueService, source: str, count: int, **more: Any) -> None:
    for _ in range(count):
        queue.submit(by(source, **more))


def order(queue: QueueService, count: int, vendor: str | None = None) -> str:
    """The sources of the next so many tasks, a letter each."""
    taken = (queue.claim_next("ruled", vendor=vendor) for _ in range(count))
    return "".join("-" if one is None else one.task.source_agent for one in taken)


def test_one_task_of_b_is_taken_second_at_latest_behind_a_hundred_of_a(fair: QueueService) -> None:
    put(fair, "a", 100)
    put(fair, "b", 1)
    assert "b" in order(fair, 2)


def test_who_comes_while_the_line_is_served_begins_where_it_is_served(fair: QueueService) -> None:
    put(fair, "a", 20)
    assert order(fair, 10) == "a" * 10
    put(fair, "b", 3)
    assert sorted(order(fair, 6)) == list("aaabbb")


def test_one_source_alone_is_served_in_the_order_of_its_submits(backend: Backend, fair: QueueService) -> None:
    ids = [fair.submit(by("a"))[0].id for _ in range(5)]
    taken = [fair.claim_next("ruled") for _ in range(5)]
    assert [one and one.id for one in taken] == ids


def test_who_was_away_has_saved_nothing_up(fair: QueueService) -> None:
    put(fair, "b", 1)
    put(fair, "a", 5)
    order(fair, 6)
    put(fair, "a", 4)
    put(fair, "b", 4)
    assert sorted(order(fair, 4)) == list("aabb")


def test_three_sources_share_evenly_also_when_submitted_at_once(fair: QueueService) -> None:
    outcomes = fair.submit_many([by(source) for source in "aaaaaabbbbbbccc"])
    assert all(outcome.task is not None for outcome in outcomes)
    for _ in range(3):
        assert sorted(order(fair, 3)) == list("abc")
    assert sorted(order(fair, 6)) == list("aaabbb")


def test_priority_comes_before_turns(fair: QueueService) -> None:
    put(fair, "a", 3, terms=Terms(priority=1))
    put(fair, "b", 1)
    assert order(fair, 4) == "aaab"


def test_each_route_is_a_line_of_its_own(fair: QueueService) -> None:
    put(fair, "a", 10, metadata={"required_vendor": "claude"})
    put(fair, "b", 2, metadata={"required_vendor": "codex"})
    put(fair, "a", 2, metadata={"required_vendor": "codex"})
    assert sorted(order(fair, 4, vendor="codex")) == list("aabb")


def test_a_lane_that_is_not_fair_is_first_in_first_out(backend: Backend) -> None:
    queue = QueueService(backend)
    put(queue, "a", 3)
    put(queue, "b", 1)
    assert order(queue, 4) == "aaab"


def test_the_same_key_keeps_its_place(backend: Backend, fair: QueueService) -> None:
    first = fair.submit(by("a", idempotency_key="k"))[0]
    put(fair, "a", 2)
    again, new = fair.submit(by("a", idempotency_key="k"))
    assert (again.id, again.sequence, new) == (first.id, first.sequence, False)
