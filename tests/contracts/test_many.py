"""ports.TaskStore.create_many: the same as one by one, whatever becomes of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent_lanes.core.task import Task
from agent_lanes.errors import AgentLanesError, BadUsage
from agent_lanes.ports import Backend, Birth
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, in_threads, make, respond, submit
from contracts.test_waiting import woken_by


class Wanted:
    """A task that is wanted (ports.Creation)."""

    def __init__(self, lane: str = "default", key: str | None = None, request: bytes | None = None, **fields: Any):
        self.lane, self.key, self.request, self.unique_key = lane, key, request, fields.get("unique_key")
        self.needs, self.settled, self.flow = (), list[Any](), None
        self.settle = self.settled.append
        stored = {"idempotency_key": key, "request_stored": request is not None}
        self.make: Callable[[Birth], Task] = make(lane, **stored, **fields)


class Wrong(Wanted):
    """One that cannot be made."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.make = self._raise

    def _raise(self, birth: Birth) -> Task:
        raise BadUsage("not today")


def created(backend: Backend, *wanted: Wanted) -> list[Task]:
    found = backend.create_many(wanted)
    tasks = [one for one in found if isinstance(one, Task)]
    assert len(tasks) == len(wanted), found
    return tasks


def test_nothing_wanted_is_nothing_done(backend: Backend) -> None:
    assert backend.create_many([]) == []
    assert list(backend.scan()) == []


def test_many_are_stored_as_one_by_one_and_offered_in_their_order(backend: Backend, queue: QueueService) -> None:
    before = submit(backend)
    tasks = created(backend, *(Wanted(prompt=str(number)) for number in range(5)))
    after = submit(backend)
    assert [backend.read(task.id).task for task in tasks] == tasks
    assert [task.prompt for task in tasks] == list("01234")
    for task in tasks:
        (event,) = backend.events(task.id)
        (like,) = backend.events(before)
        assert event.replace(created_at=0) == like.replace(created_at=0)
    assert list(backend.candidates("default", None)) == [before, *(task.id for task in tasks), after]
    taken = [queue.claim_next("default") for _ in range(8)]
    assert [one.id for one in taken if one] == [before, *(task.id for task in tasks), after]


def test_lanes_and_vendors_may_be_mixed(backend: Backend) -> None:
    for_codex = {"metadata": {"required_vendor": "codex"}}
    tasks = created(
        backend, Wanted(), Wanted("a/b é", **for_codex), Wanted("a/b é"), Wanted(**for_codex), Wanted("a/b é")
    )
    ids = [task.id for task in tasks]
    assert list(backend.candidates("default", None)) == [ids[0], ids[3]]
    assert list(backend.candidates("a/b é", ("codex",))) == [ids[1]]
    assert list(backend.candidates("a/b é", ("any",))) == [ids[2], ids[4]]


def test_more_than_a_bucket_holds_keep_their_order(backend: Backend) -> None:
    ids = [task.id for task in created(backend, *(Wanted() for _ in range(600)))]
    assert list(backend.candidates("default", None)) == ids
    assert backend.depth("default") == 600


def test_a_request_is_kept_with_its_task(backend: Backend) -> None:
    with_one, without = created(backend, Wanted(request=b"please\r\n\0"), Wanted())
    assert backend.stored_request(with_one.id) == b"please\r\n\0"
    with pytest.raises(AgentLanesError):
        backend.stored_request(without.id)


def test_one_that_is_wrong_has_its_error_in_its_place_and_hinders_no_other(backend: Backend) -> None:
    found = backend.create_many([Wanted(), Wrong(), Wanted(), Wrong(key="k"), Wanted(key="k")])
    assert [type(one) for one in found] == [Task, BadUsage, Task, BadUsage, Task]
    assert len(list(backend.scan())) == 3
    assert list(backend.candidates("default", None)) == [one.id for one in found if isinstance(one, Task)]


def test_keys_make_a_batch_repeatable_also_a_part_of_it_and_one_by_one(backend: Backend) -> None:
    first = created(backend, *(Wanted(key=f"k{number}") for number in range(3)))
    respond(backend, first[1].id)
    assert created(backend, *(Wanted(key=f"k{number}") for number in range(3))) == first
    more = created(backend, Wanted(key="k2"), Wanted(key="k3"), Wanted())
    assert more[0] == first[2]
    assert backend.create("default", Wanted(key="k3").make, None, "k3") == more[1]
    assert len(list(backend.scan())) == 5


def test_the_same_key_twice_in_a_batch_is_one_task(backend: Backend) -> None:
    one, two, three = created(backend, Wanted(key="k", prompt="first"), Wanted(), Wanted(key="k", prompt="second"))
    assert (one, one.prompt) == (three, "first")
    assert two != one
    assert len(list(backend.scan())) == 2


def test_the_same_batch_of_keys_from_many_at_once_makes_each_task_once(backend: Backend) -> None:
    found = in_threads(6, lambda number: created(backend, *(Wanted(key=f"k{key}") for key in range(20))))
    assert all(isinstance(one, list) for one in found), found
    assert {tuple(task.id for task in one) for one in found if isinstance(one, list)} == {
        tuple(task.id for task in created(backend, *(Wanted(key=f"k{key}") for key in range(20))))
    }
    assert len(list(backend.scan())) == 20
    assert len(list(backend.candidates("default", None))) == 20


def test_batches_and_single_submits_at_once_lose_none_and_share_no_place(backend: Backend) -> None:
    def work(number: int) -> None:
        if number % 2:
            created(backend, *(Wanted() for _ in range(10)))
        else:
            for _ in range(10):
                submit(backend)

    assert in_threads(6, work) == [None] * 6
    ids = list(backend.candidates("default", None))
    assert len(ids) == len(set(ids)) == 60
    assert len({backend.read(id).task.sequence for id in ids}) == 60


def test_a_batch_wakes_a_watch_on_each_of_its_lanes(backend: Backend, clock: Clock) -> None:
    submit(backend, "elsewhere")
    for lane in ("a", "b"):
        assert woken_by(
            backend.watch_lane(lane),
            lambda: created(backend, Wanted("a"), Wanted("b"), Wanted("a")),
            lambda lane=lane: any(backend.candidates(lane, None)),  # type: ignore[misc]
        )
