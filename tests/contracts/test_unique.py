"""Unique keys: at most one open task for a lane and a key, whoever submits, however many do."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core.task import CANCELLED, Task
from agent_lanes.core.terms import Terms
from agent_lanes.errors import NotFound, Refused
from agent_lanes.ports import Backend
from agent_lanes.services import control, retries
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from contracts.stores import in_threads, respond, submit
from contracts.test_finding import offered
from contracts.test_many import Wanted


def wanted(lane: str = "default", key: str | None = None, prompt: str = "p", **terms: Any) -> Submission:
    stated = Terms(**terms)
    return Submission(
        lane=lane, workspace_id="w", workspace_root="/", base="/", prompt=prompt, metadata={}, idempotency_key=key,
        terms=stated,
    )  # fmt: skip


def one(queue: QueueService, lane: str = "default", **more: Any) -> tuple[str, bool]:
    task, new = queue.submit(wanted(lane, **{"unique_key": "nightly", **more}))
    return task.id, new


def test_while_a_task_is_open_a_second_submit_returns_it(backend: Backend, queue: QueueService) -> None:
    first, new = one(queue)
    assert new and one(queue, prompt="another") == (first, False)
    claimed = queue.claim(first)
    assert one(queue) == (first, False)
    assert claimed.claim is not None
    queue.respond(first, "done", token=claimed.claim.token)
    second, new = one(queue)
    assert new and second != first
    assert offered(backend) == [second]


@pytest.mark.parametrize("state", ["completed", "failed", CANCELLED])
def test_a_task_that_has_ended_frees_its_key(backend: Backend, queue: QueueService, state: str) -> None:
    first, _ = one(queue)
    if state == CANCELLED:
        control.cancel(backend, first)
    else:
        respond(backend, first, status=state)
    assert one(queue)[1]


def test_another_lane_another_key_and_no_key_are_no_matter(queue: QueueService) -> None:
    assert one(queue)[1] and one(queue, "other")[1] and one(queue, unique_key="weekly")[1]
    assert one(queue, unique_key=None)[1]


def test_it_is_refused_where_it_is_to_be_and_names_the_open_task(backend: Backend, queue: QueueService) -> None:
    first, _ = one(queue, if_exists="refuse")
    with pytest.raises(Refused, match=first):
        one(queue, if_exists="refuse")
    assert offered(backend) == [first]


def test_of_many_that_submit_at_once_one_is_new(backend: Backend, queue: QueueService) -> None:
    for round in range(5):
        found = in_threads(8, lambda number: one(queue, prompt=str(number)))
        assert len({id for id, _ in found}) == 1, found  # type: ignore[misc]
        assert sorted(new for _, new in found) == [False] * 7 + [True]  # type: ignore[misc]
        assert len(offered(backend)) == 1, round
        respond(backend, found[0][0])  # type: ignore[index]


def test_an_idempotency_key_beside_it_tells_the_first_call_from_another(queue: QueueService) -> None:
    first, new = one(queue, key="call 1")
    assert new and one(queue, key="call 1") == (first, False)
    assert one(queue, key="call 2", prompt="another") == (first, False)
    queue.respond(first, "done")
    assert one(queue, key="call 1") == (first, False)
    second, new = one(queue, key="call 2", prompt="another")
    assert new and second != first


def test_many_at_once_hold_to_it_among_themselves_and_to_what_is_there(backend: Backend) -> None:
    there = submit(backend, unique_key="a")  # the backend is told of the key apart from the task
    first = backend.create("default", Wanted(unique_key="b").make, None, None, "b")
    found = backend.create_many([Wanted(unique_key="b"), Wanted(unique_key="c"), Wanted(), Wanted(unique_key="c")])
    ids = [task.id for task in found if isinstance(task, Task)]
    assert ids[0] == first.id and ids[1] == ids[3] and len({*ids, there}) == 4


def test_a_retry_is_refused_while_another_task_has_its_key(backend: Backend, queue: QueueService) -> None:
    first, _ = one(queue)
    queue.respond(first, "done")
    second, _ = one(queue)
    with pytest.raises(Refused, match=second):
        retries.again(backend, first)
    queue.respond(second, "done")
    assert retries.again(backend, first)[0].unique_key == "nightly"


def test_a_dependency_may_be_named_by_its_idempotency_key(backend: Backend, queue: QueueService) -> None:
    first = queue.submit(wanted(key="build 7"))[0].id
    after = queue.submit(wanted("later", depends_on=("key:build 7",)))[0]
    assert after.depends_on == (first,)
    assert offered(backend, lane="later") == []
    queue.respond(first, "done")
    assert offered(backend, lane="later") == [after.id]
    assert queue.submit(wanted("later", depends_on=("key:build 7", first)))[0].depends_on == (first,)


def test_a_key_that_nobody_used_is_named_and_nothing_is_submitted(backend: Backend, queue: QueueService) -> None:
    with pytest.raises(NotFound, match="'build 8'"):
        queue.submit(wanted(depends_on=("key:build 8",)))
    assert list(backend.scan()) == []
