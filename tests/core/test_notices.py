"""Which transition is an occasion for what."""

from __future__ import annotations

import pytest

from agent_lanes.core.notices import OCCASIONS, Notice, due, headline, occasions
from agent_lanes.core.task import Event, Response, Snapshot, Task

TASK = Task(
    id="20261129T070556240845Z-a-57fd0aced8a5", workspace_id="w", workspace_root="/", correlation_id="a",
    source_agent="o", lane="review", created_at=0, sequence=1, prompt="look\x1b[2J\nat this", metadata={},
)  # fmt: skip


def line(type: str, message: str = "m") -> Event:
    return Event(type=type, message=message, created_at=0, data={})


def ended(status: str, cause: str | None = None, verdict: str | None = None) -> Snapshot:
    answer = Response(
        task_id=TASK.id,
        reviewer="r",
        status=status,
        body="why",
        created_at=0,
        cause=cause,
        verdict=verdict,
        metadata={},
    )
    return Snapshot(task=TASK, response=answer)


CASES = [
    ("created", Snapshot(task=TASK), {"submitted"}),
    ("claimed", Snapshot(task=TASK), {"claimed"}),
    ("renewed", Snapshot(task=TASK), set()),
    ("attempt_failed", Snapshot(task=TASK), {"attempt_failed"}),
    ("parked", Snapshot(task=TASK), {"parked", "needs_person"}),
    ("response", ended("completed"), {"completed"}),
    ("response", ended("completed", verdict="accept"), {"completed"}),
    ("response", ended("completed", verdict="needs-revision"), {"completed", "needs_revision"}),
    ("response", ended("failed"), {"failed"}),
    ("response", ended("failed", "dependency_failed"), {"failed"}),
    ("response", ended("failed", "attempts_exhausted"), {"failed", "dead", "needs_person"}),
    ("response", ended("failed", "expired"), {"failed", "dead", "expired", "needs_person"}),
    ("cancelled", ended("cancelled", "cancelled"), {"cancelled"}),
]


@pytest.mark.parametrize(("type", "after", "expected"), CASES)
def test_a_line_is_an_occasion_for_these(type: str, after: Snapshot, expected: set[str]) -> None:
    assert set(occasions(after, line(type))) == expected <= set(OCCASIONS)


def test_every_occasion_occurs() -> None:
    assert set().union(*(expected for _, _, expected in CASES)) == set(OCCASIONS)


def test_a_rule_holds_for_its_lane_alone_and_says_why_it_was_met() -> None:
    here, there, any_lane = (Notice(on=("failed", "dead"), lane=lane, desktop=True) for lane in ("review", "b", None))
    dead = ended("failed", "attempts_exhausted")
    assert due((here, there, any_lane), dead, line("response")) == [
        (here, ("failed", "dead")),
        (any_lane, ("failed", "dead")),
    ]


def test_a_headline_is_one_harmless_line() -> None:
    title, text = headline(Snapshot(task=TASK), line("created"), ("submitted",))
    assert title == "agent-lanes: review: submitted"
    assert text.isprintable() and text.startswith("a (57fd0aced8a5): look") and "\x1b" not in text
