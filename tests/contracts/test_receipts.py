"""observation.Receipts: who has seen a task and its answer, told by its history; and what `status` makes of it."""

from __future__ import annotations

import pytest

from agent_lanes.core.task import FETCHED, RECEIPTS, SEEN
from agent_lanes.core.times import iso
from agent_lanes.ports import Backend
from agent_lanes.services import receipts
from agent_lanes.services.looks import Looks
from contracts.stores import Clock, claim, in_threads, note, renew, respond, submit


def types(backend: Backend, id: str) -> list[str]:
    return [event.type for event in backend.events(id)]


def told(backend: Backend, id: str) -> dict[str, object]:
    found = Looks(backend).told(backend.read(id))["receipts"]
    assert isinstance(found, dict)
    return dict(found)


@pytest.mark.parametrize("type", RECEIPTS)
def test_a_receipt_is_noted_once_however_often_and_at_once(backend: Backend, type: str) -> None:
    snapshot = backend.read(submit(backend))
    in_threads(8, lambda number: backend.note_receipt(snapshot, type, "wait"))
    backend.note_receipt(snapshot, type, "api")
    assert types(backend, snapshot.id) == ["created", type]
    assert [one.event.type for one in backend.log()] == ["created", type]


def test_a_receipt_is_no_news_of_the_task(backend: Backend) -> None:
    id = submit(backend)
    backend.note_receipt(backend.read(id), SEEN, "wait")
    last = backend.last_event(id)
    assert last is not None and last.type == "created"
    respond(backend, id)
    backend.note_receipt(backend.read(id), FETCHED, "wait")
    last = backend.last_event(id)
    assert last is not None and last.type == "response"


def test_a_claimed_task_needs_no_line_to_be_seen(backend: Backend) -> None:
    id = submit(backend)
    receipts.seen(backend, claim(backend, id), "wait")
    assert types(backend, id) == ["created", "claimed"]


def test_status_tells_each_step_at_its_first_time(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    at: dict[str, str | None] = {"queued_at": iso(backend.now().wall)}
    names = ("seen_at", "claimed_at", "first_progress_at", "answered_at", "fetched_at")
    at.update(dict.fromkeys(names))
    assert told(backend, id) == at

    def step(name: str | None) -> None:
        if name is not None:
            at[name] = iso(backend.now().wall)
        assert told(backend, id) == at
        clock.advance(1)

    clock.advance(1)
    receipts.seen(backend, backend.read(id), "wait")
    step("seen_at")
    note(backend, id, "by the orchestrator")
    step(None)
    claim(backend, id)
    step("claimed_at")
    renew(backend, id)
    step(None)
    note(backend, id, "of somebody else")
    step(None)
    note(backend, id, "half way", token="t")
    step("first_progress_at")
    note(backend, id, "nearly", token="t")
    step(None)
    respond(backend, id, "t")
    step("answered_at")
    receipts.fetched(backend, [backend.read(id)], "api")
    step("fetched_at")
    receipts.fetched(backend, [backend.read(id)], "api")
    step(None)


def test_a_claim_is_a_sight(backend: Backend) -> None:
    id = submit(backend)
    claim(backend, id)
    found = told(backend, id)
    assert found["seen_at"] == found["claimed_at"] is not None


def test_an_archived_task_takes_no_receipt(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    respond(backend, id)
    clock.advance(10)
    list(backend.archive(backend.now().wall))
    backend.note_receipt(backend.read(id), FETCHED, "wait")
    assert types(backend, id) == ["created", "response"]
