"""A claim of the next task, while others are at work on those before it."""

from __future__ import annotations

from typing import Any

import pytest
from contracts.stores import Clock

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.errors import Busy
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission


class Contended(MemoryStore):
    """A store in which some tasks are in other hands the first times that they are wanted."""

    def __init__(self, now: Clock) -> None:
        super().__init__(now=now)
        self.in_other_hands: dict[str, int] = {}

    def update(self, id: str, *args: Any, **options: Any) -> Any:
        if self.in_other_hands.get(id, 0) > 0:
            self.in_other_hands[id] -= 1
            raise Busy(f"task {id}: locked")
        return super().update(id, *args, **options)


@pytest.fixture
def contended(clock: Clock) -> QueueService:
    return QueueService(Contended(now=clock))


def test_a_task_in_other_hands_is_passed_over_for_the_next(contended: QueueService, wanted: Submission) -> None:
    first, second = (contended.submit(wanted)[0].id for _ in range(2))
    contended.backend.in_other_hands[first] = 1  # type: ignore[attr-defined]
    taken = contended.claim_next("default")
    assert taken is not None
    assert taken.id == second


def test_a_task_that_somebody_only_looked_at_is_tried_once_more(contended: QueueService, wanted: Submission) -> None:
    """Else a lane with work in it would look idle, until the claimer's slow re-check."""
    id = contended.submit(wanted)[0].id
    contended.backend.in_other_hands[id] = 1  # type: ignore[attr-defined]
    taken = contended.claim_next("default")
    assert taken is not None
    assert taken.id == id


def test_a_task_that_stays_in_other_hands_is_no_work(contended: QueueService, wanted: Submission) -> None:
    contended.backend.in_other_hands[contended.submit(wanted)[0].id] = 1000  # type: ignore[attr-defined]
    assert contended.claim_next("default") is None
