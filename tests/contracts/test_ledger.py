"""observation.Ledger, and what services.costs makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core.ledger import Entry
from agent_lanes.core.times import DAY, SECOND, iso
from agent_lanes.errors import BadUsage
from agent_lanes.ports import Backend
from agent_lanes.services import costs
from agent_lanes.services.queue import QueueService
from contracts.stores import claim, submit


def entry(backend: Backend, **fields: object) -> Entry:
    known: dict[str, object] = {
        "at": backend.now().wall,
        "task": "t-1",
        "epoch": 1,
        "lane": "review",
        "vendor": "claude",
        "thread": "th",
        "source_agent": "me",
        "outcome": "answered",
        "model": "opus",
        "tokens_in": 10,
        "tokens_out": 3,
        "cost_usd": 0.5,
        "seconds": 2.5,
    }
    return Entry(**{**known, **fields})  # type: ignore[arg-type]


def test_entries_come_back_as_they_were_written(backend: Backend) -> None:
    assert list(backend.entries()) == backend.latest_entries() == []
    first = entry(backend)
    second = entry(backend, task="t-2", model=None, tokens_in=None, tokens_out=None, cost_usd=None, seconds=None)
    for one in (first, second):
        backend.enter(one)
    assert list(backend.entries()) == backend.latest_entries() == [first, second]


def test_entries_before_an_instant_are_left_out_across_months(backend: Backend) -> None:
    now = backend.now().wall
    for days in (70, 35, 1, 0):
        backend.enter(entry(backend, at=now - days * DAY, epoch=days + 1))
    assert [one.epoch for one in backend.entries(now - 35 * DAY)] == [36, 2, 1]
    assert [one.epoch for one in backend.entries(now)] == [1]


def test_costs_are_added_up_by_what_is_asked_for(backend: Backend) -> None:
    now = backend.now().wall
    backend.enter(entry(backend, cost_usd=0.1))
    backend.enter(entry(backend, epoch=2, cost_usd=0.2, at=now - DAY, outcome="failed"))
    backend.enter(entry(backend, epoch=3, vendor="codex", model=None, cost_usd=None, lane="build"))
    told = costs.report(backend)
    assert [(one["vendor"], one["cost_usd"], one["unknown_cost"]) for one in told["costs"]] == [
        ("claude", 0.3, 0),
        ("codex", None, 1),
    ]
    assert (told["total"]["attempts"], told["total"]["answered"], told["total"]["tokens_in"]) == (3, 2, 30)
    assert [one["day"] for one in costs.report(backend, by="day")["costs"]] == [iso(now - DAY)[:10], iso(now)[:10]]
    assert [one["model"] for one in costs.report(backend, by="model")["costs"]] == ["opus", "-"]
    assert costs.report(backend, lane="build")["total"]["attempts"] == 1
    assert costs.report(backend, since=now - SECOND)["total"]["attempts"] == 2
    with pytest.raises(BadUsage, match="by: 'week' is not one of"):
        costs.report(backend, by="week")


def test_an_attempt_whose_line_is_missing_is_found_in_the_history(backend: Backend) -> None:
    queue, id = QueueService(backend), submit(backend, vendor="codex")
    for number, cost in ((1, 0.25), (2, 0.5)):
        token = f"t{number}"
        claim(backend, id, token)
        noted = {"vendor": "codex", "seconds": 1.5, "cost_usd": cost, "outcome": "timeout"}
        queue.event(id, type="headless_failed", message="too long", data=noted, token=token)
        queue.release(id, token)
    backend.enter(entry(backend, task=id, epoch=2, cost_usd=0.5))
    missing = [one for one in costs.entries(backend) if one.epoch == 1]
    assert [(one.vendor, one.outcome, one.cost_usd, one.lane) for one in missing] == [
        ("codex", "timeout", 0.25, "default")
    ]
    assert costs.report(backend)["total"]["attempts"] == 2


def test_what_a_chat_answers_with_counts_and_what_says_nothing_does_not(backend: Backend) -> None:
    queue = QueueService(backend)
    for metadata in ({"vendor": "claude", "cost_usd": "0.75", "model_used": "opus"}, {"vendor": "claude"}):
        id = submit(backend)
        claim(backend, id)
        queue.respond(id, "done", token="t", metadata=dict(metadata))
    total = costs.report(backend)["total"]
    assert (total["attempts"], total["cost_usd"]) == (1, 0.75)


class Noting:
    """Behaves as a backend, and notes which tasks were read."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.read_ids = backend, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def read(self, id: str) -> object:
        self.read_ids.append(id)
        return self.backend.read(id)


def test_a_task_is_not_read_once_the_ledger_has_its_answer_and_all_that_went_before(backend: Backend) -> None:
    queue, ids = QueueService(backend), [submit(backend) for _ in range(3)]
    for id in ids:
        claim(backend, id)
        queue.respond(id, "done", token="t", metadata={"vendor": "claude", "cost_usd": 0.25})
    backend.enter(entry(backend, task=ids[0], epoch=1, cost_usd=0.25))
    backend.enter(entry(backend, task=ids[1], epoch=2, cost_usd=0.25))  # where the first one is, only its history tells
    noting = Noting(backend)
    total = costs.report(noting)["total"]  # type: ignore[arg-type]
    assert (total["attempts"], total["cost_usd"]) == (4, 1.0)
    assert noting.read_ids == sorted(ids[1:])


@pytest.mark.parametrize("cost", ["nan", "-1", "inf", "much", True, [], 1e300])
def test_a_cost_that_is_none_is_unknown(backend: Backend, cost: object) -> None:
    queue, id = QueueService(backend), submit(backend)
    claim(backend, id)
    queue.respond(id, "done", token="t", metadata={"tokens_in": 5, "cost_usd": cost})  # type: ignore[dict-item]
    total = costs.report(backend)["total"]
    assert (total["attempts"], total["cost_usd"], total["unknown_cost"], total["tokens_in"]) == (1, None, 1, 5)
