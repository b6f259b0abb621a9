"""Dead letters, on every backend."""

from __future__ import annotations

import pytest

from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadUsage, Refused
from agent_lanes.ports import Backend
from agent_lanes.services import control, dead, retries, shelf, transfer
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, respond, submit
from contracts.test_attempts import attempt


def listed(backend: Backend, lane: str | None = None) -> list[str]:
    return [letter.id for letter in dead.letters(backend, lane)]


@pytest.fixture
def letter(backend: Backend, queue: QueueService) -> str:
    id = submit(backend, max_attempts=1)
    attempt(queue)
    return id


def test_what_the_queue_itself_failed_is_listed_and_nothing_else(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    exhausted, lapsed = submit(backend, max_attempts=1, priority=0), submit(backend, max_attempts=1, priority=1)
    attempt(queue)
    queue.claim_next("default", lease_seconds=1)
    expired = submit(backend, "other", expires_at=clock().wall + SECOND)
    answered, cancelled, worked = (submit(backend, priority=9) for _ in range(3))
    respond(backend, answered, status="failed")
    control.cancel(backend, cancelled)
    respond(backend, worked)
    dependant = submit(backend, depends_on=(exhausted,))
    clock.advance(1)
    for id in (lapsed, expired, dependant):
        control.end_overdue(backend, backend.read(id))
    assert sorted(listed(backend)) == sorted([exhausted, lapsed, expired])
    assert (listed(backend, "other"), listed(backend, "nothing")) == ([expired], [])


def test_a_retried_letter_is_a_new_task_and_no_longer_listed(
    backend: Backend, queue: QueueService, letter: str
) -> None:
    task = dead.retry(backend, backend.read(letter))
    assert (task.retry_of, backend.read(task.id).state, listed(backend)) == (letter, "queued", [])
    again = dead.retry(backend, backend.read(letter))
    assert again.id == task.id
    with pytest.raises(Refused, match="is not among the dead letters"):
        dead.chosen(backend, letter, None, False)
    attempt(queue)
    assert listed(backend) == [task.id]


def test_a_plain_retry_sees_to_a_letter_too(backend: Backend, letter: str) -> None:
    retries.again(backend, letter)
    assert listed(backend) == []


def test_a_discarded_letter_stays_as_it_is_and_says_who_let_it_be(backend: Backend, letter: str) -> None:
    before = backend.read(letter)
    dead.discard(backend, letter, by="ann", reason="not needed")
    assert (listed(backend), backend.read(letter)) == ([], before)
    last = backend.last_event(letter)
    assert last is not None and (last.type, last.data["by"], last.data["reason"]) == ("discarded", "ann", "not needed")


def test_letters_are_chosen_in_one_way(backend: Backend, letter: str) -> None:
    assert [one.id for one in dead.chosen(backend, None, "default", False)] == [letter]
    assert [one.id for one in dead.chosen(backend, None, None, True)] == [letter]
    for choice in ((None, None, False), (letter, "default", False), (None, "default", True)):
        with pytest.raises(BadUsage):
            dead.chosen(backend, *choice)


def test_a_letter_is_not_archived_before_somebody_has_seen_to_it(backend: Backend, letter: str, clock: Clock) -> None:
    clock.advance(100)
    total = shelf.archive(backend, 50)
    assert (total.tasks, total.kept, listed(backend)) == (0, [letter], [letter])
    dead.discard(backend, letter)
    assert (shelf.archive(backend, 50).tasks, listed(backend)) == (1, [])


def test_letters_are_listed_after_a_move(backend: Backend, empty: Backend, queue: QueueService, letter: str) -> None:
    submit(backend, max_attempts=1)
    dead.discard(backend, attempt(queue))
    transfer.restore(empty, list(transfer.export(backend, lambda wrong: None)))
    assert listed(empty) == [letter]


def test_the_newest_letters_are_listed_alone_where_that_is_asked_for(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    ids = []
    for lane in ("b", "a", "b", "a"):
        clock.advance(1)
        ids.append(submit(backend, lane, max_attempts=1))
        held = queue.claim_next(lane)
        assert held is not None and held.claim is not None
        control.fail_attempt(backend, held.id, held.claim.token, "boom")
    assert [one.id for one in dead.letters(backend, limit=3)] == [ids[1], ids[3], ids[2]]
    assert [one.id for one in dead.letters(backend, "b", 1)] == [ids[2]]
    assert [*dead.letters(backend, limit=0)] == []
    with pytest.raises(BadUsage, match="limit"):
        next(dead.letters(backend, limit=-1))
