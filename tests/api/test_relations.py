"""Several tasks from Python."""

from __future__ import annotations

import pytest

from agent_lanes import NewTask, Queue
from agent_lanes.errors import Refused, TimedOut
from api.test_queue import queue  # noqa: F401 - the fixture


def test_waits_for_several(queue: Queue) -> None:  # noqa: F811
    ids = [queue.submit("default", prompt=str(number)) for number in range(3)]
    queue.respond(ids[2], "two")
    assert queue.wait_any(ids, timeout_seconds=0).task_id == ids[2]
    with pytest.raises(TimedOut, match=ids[0]):
        queue.wait_all(ids, timeout_seconds=0)
    queue.respond(ids[0], "no", status="failed")
    assert [one.task_id for one in queue.wait_first(ids, 2, timeout_seconds=0)] == [ids[2], ids[0]]
    queue.respond(ids[1], "one")
    assert [one.body for one in queue.wait_all(ids, timeout_seconds=0)] == ["no", "one", "two"]


def test_trees_ready_lists_keys(queue: Queue) -> None:  # noqa: F811
    root = queue.submit("default", prompt="x", idempotency_key="root", metadata={"thread_id": "t"})
    child = queue.submit("default", prompt="y", depends_on=["key:root"], unique_key="k")
    assert queue.submit("default", prompt="z", unique_key="k") == child
    with pytest.raises(Refused, match=child):
        queue.submit("default", prompt="z", unique_key="k", if_exists="refuse")
    many = queue.submit_many([NewTask(lane="default", prompt="z", unique_key="k", depends_on=(root,))])
    assert (many[0].id, many[0].already_done) == (child, True)
    assert [node["task_id"] for node in queue.tree(root)] == [root, child]
    assert [node["under"] for node in queue.tree(thread="t")] == [None, root]
    assert [one.id for one in queue.ready("default")] == [root]
    with pytest.raises(TypeError):
        queue.tree()
