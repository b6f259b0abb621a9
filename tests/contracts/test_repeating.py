"""A call whose answer got lost can be made again: idempotency keys, request ids, restored tasks."""

from __future__ import annotations

import pytest

from agent_lanes.core import transitions
from agent_lanes.core.task import CLAIMED, Snapshot, Task
from agent_lanes.errors import BadUsage, Refused
from agent_lanes.ports import Backend, Birth
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from contracts.stores import Clock, claim, in_threads, make, note, park, release, respond, submit

WANTED = Submission(
    lane="default", workspace_id="w", workspace_root="/", base="/", prompt="p", metadata={}, idempotency_key="k 1/ä"
)


def keyed(backend: Backend, key: str, **fields: object) -> Task:
    return backend.create("default", make(idempotency_key=key, **fields), None, key)


# --- submit with an idempotency key --------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["k", "a/b", "..", "%", "é🦊", "x" * 200])
def test_the_same_key_makes_one_task(backend: Backend, key: str) -> None:
    first = keyed(backend, key)
    assert keyed(backend, key) == first
    assert [found.id for found in backend.scan()] == [first.id]  # type: ignore[union-attr]
    assert len(list(backend.events(first.id))) == 1


def test_different_keys_and_no_key_make_different_tasks(backend: Backend) -> None:
    ids = {keyed(backend, key).id for key in ("a", "A", "a ", "á", "b")} | {submit(backend), submit(backend)}
    assert len(ids) == 7


def test_a_repeated_key_returns_the_task_as_it_was_asked_whatever_became_of_it(backend: Backend) -> None:
    first = keyed(backend, "k", prompt="the first")
    respond(backend, first.id)
    assert keyed(backend, "k", prompt="the second") == first
    assert backend.read(first.id).state == "completed"


def test_a_key_is_not_used_up_by_a_make_that_raises(backend: Backend) -> None:
    def broken(birth: Birth) -> Task:
        raise BadUsage("not today")

    with pytest.raises(BadUsage):
        backend.create("default", broken, None, "k")
    assert backend.read(keyed(backend, "k").id).state == "queued"


def test_one_key_used_by_many_at_once_makes_one_task(backend: Backend) -> None:
    tasks = in_threads(8, lambda number: keyed(backend, "k"))
    assert len({task.id for task in tasks if isinstance(task, Task)}) == 1
    assert all(isinstance(task, Task) for task in tasks)
    assert len(list(backend.scan())) == 1
    assert len(list(backend.candidates("default", None))) == 1


def test_submitting_again_with_a_key_says_that_it_had_been_done(queue: QueueService) -> None:
    task, new = queue.submit(WANTED)
    again, second = queue.submit(WANTED)
    assert (again, new, second) == (task, True, False)


OTHER = [{"prompt": "other"}, {"lane": "other"}, {"metadata": {"a": 1}}, {"branch": "b"}, {"worktree_path": "/w"}]


@pytest.mark.parametrize("change", OTHER, ids=str)
def test_a_key_used_for_something_else_is_refused_and_makes_nothing(
    queue: QueueService, change: dict[str, object]
) -> None:
    queue.submit(WANTED)
    with pytest.raises(Refused, match="which asks for something else"):
        queue.submit(WANTED.replace(**change))
    assert len(list(queue.backend.scan())) == 1


# --- claim with a request id ---------------------------------------------------------------------------------


def test_a_claim_asked_for_again_is_the_same_claim_with_the_same_token(queue: QueueService, backend: Backend) -> None:
    ids = [submit(backend) for _ in range(2)]
    first = queue.claim_next("default", request_id="r")
    assert first is not None
    assert (first.id, backend.claimed_as("worker", "r")) == (ids[0], ids[0])
    assert queue.claim_next("default", request_id="r") == first
    assert queue.claim(ids[0], request_id="r") == first
    assert len(list(backend.events(ids[0]))) == 2
    other = queue.claim_next("default", request_id="another")
    assert other is not None
    assert other.id == ids[1]


def test_a_claim_asked_for_by_another_owner_or_without_the_id_is_not_given_away(
    queue: QueueService, backend: Backend
) -> None:
    id = submit(backend)
    queue.claim(id, owner="ann", request_id="r")
    for options in ({"owner": "bob", "request_id": "r"}, {"owner": "ann"}, {"owner": "ann", "request_id": "other"}):
        with pytest.raises(Refused, match="claimed by ann"):
            queue.claim(id, **options)  # type: ignore[arg-type]
        assert queue.claim_next("default", **options) is None  # type: ignore[arg-type]


def test_a_request_id_is_worth_nothing_once_its_claim_has_ended(
    queue: QueueService, backend: Backend, clock: Clock
) -> None:
    ids = [submit(backend) for _ in range(3)]
    first = queue.claim(ids[0], request_id="r")
    assert first.claim is not None
    respond(backend, ids[0], first.claim.token)
    second = queue.claim_next("default", request_id="r", lease_seconds=10)
    assert second is not None and second.claim is not None
    assert second.id == ids[1]
    release(backend, ids[1], second.claim.token)
    third = queue.claim_next("default", request_id="r", lease_seconds=10)
    assert third is not None
    assert (third.id, third.epoch) == (ids[1], 2)
    clock.advance(10)
    again = queue.claim_next("default", request_id="r")
    assert again is not None
    assert (again.id, again.epoch) == (ids[1], 3)


def test_an_unknown_request_id_has_claimed_nothing(backend: Backend) -> None:
    assert backend.claimed_as("worker", "r") is None
    submit(backend)
    assert backend.claimed_as("worker", "r") is None


# --- restore -------------------------------------------------------------------------------------------------


def everything(backend: Backend, id: str) -> tuple[object, ...]:
    snapshot = backend.read(id)
    request = backend.stored_request(id) if snapshot.task.request_stored else None
    return snapshot, list(backend.events(id)), request


@pytest.fixture
def told(backend: Backend, clock: Clock) -> list[tuple[Snapshot, tuple[object, ...], bytes | None]]:
    """Tasks in every state, as an export of another store would tell them."""
    backend.create("default", make(id="queued", request_stored=True, idempotency_key="k"), b"please", "k")
    for id in ("claimed", "released", "parked", "answered"):
        submit(backend, id=id)
    for id in ("claimed", "released", "answered"):
        claim(backend, id)
    release(backend, "released")
    park(backend, "parked")
    respond(backend, "answered", "t")
    note(backend, "answered", "afterwards")
    return [everything(backend, found.id) for found in backend.scan()]  # type: ignore[union-attr,misc]


def test_a_restored_task_is_as_it_was(told: list, empty: Backend) -> None:  # type: ignore[type-arg]
    for snapshot, events, request in told:
        empty.restore(snapshot, tuple(events), request)
    assert [everything(empty, snapshot.id) for snapshot, _, _ in told] == told
    assert sorted(empty.candidates("default", None)) == ["queued", "released"]
    assert empty.next_due("default") is not None
    assert [found.id for found in empty.scan(active_only=True)] == ["claimed", "parked", "queued", "released"]  # type: ignore[union-attr]


def test_a_restored_store_goes_on(told: list, empty: Backend) -> None:  # type: ignore[type-arg]
    """Keys are known, new tasks come last, a claim that was taken over there can be answered here."""
    for snapshot, events, request in told:
        empty.restore(snapshot, tuple(events), request)
    assert keyed(empty, "k").id == "queued"
    new = submit(empty)
    assert list(empty.candidates("default", None)) == ["queued", "released", new]
    assert respond(empty, "claimed", "t").state == "completed"
    with pytest.raises(Refused):
        respond(empty, "answered", "t", body="another")


def test_restoring_again_changes_nothing(told: list, empty: Backend) -> None:  # type: ignore[type-arg]
    for snapshot, events, request in told:
        empty.restore(snapshot, tuple(events), request)
    claim(empty, "queued", "mine")
    before = [everything(empty, snapshot.id) for snapshot, _, _ in told]
    for snapshot, events, request in told:
        empty.restore(snapshot, tuple(events), request)
    assert [everything(empty, snapshot.id) for snapshot, _, _ in told] == before


# --- the transition itself -----------------------------------------------------------------------------------


def test_a_repeated_claim_adds_nothing_and_keeps_its_lease(backend: Backend, clock: Clock) -> None:
    id = submit(backend)

    def take(token: str) -> tuple[Snapshot, transitions.Change]:
        return backend.update(
            id,
            lambda before, now: transitions.claim(
                before, owner="ann", token=token, lease_seconds=100, now=now, request_id="r"
            ),
        )

    first, change = take("t1")
    assert (first.state, change.repeated) == (CLAIMED, False)
    clock.advance(50)
    again, change = take("t2")
    assert (again, change.repeated) == (first, True)
