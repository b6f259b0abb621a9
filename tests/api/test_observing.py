"""Queue.events without an id: what happens in the whole store, as a Python program follows it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent_lanes import Queue
from agent_lanes.errors import BadUsage, NotFound

LONG = 60.0


@pytest.fixture(params=["memory", "files"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Queue:
    return Queue.open("memory:" if request.param == "memory" else str(tmp_path / "state"))


def test_events_go_on_after_a_cursor(queue: Queue) -> None:
    first = queue.submit("a", prompt="x")
    second = queue.submit("b", prompt="y")
    lines = list(queue.events())
    assert [(one.task_id, one.lane, one.event.type) for one in lines] == [
        (first, "a", "created"),
        (second, "b", "created"),
    ]
    assert list(queue.events(cursor=lines[0].cursor)) == lines[1:]
    assert list(queue.events(cursor=lines[1].cursor)) == []


def test_who_follows_gets_what_comes_from_now_on(queue: Queue) -> None:
    id = queue.submit("a", prompt="x")
    following = queue.events(follow=True)  # from here on
    came = list[str]()

    def read() -> None:
        for one in following:
            came.append(one.event.type)
            if one.event.type == "response":
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    queue.event(id, "half way", type="progress")
    queue.respond(id, "ok")
    reader.join(LONG)
    assert came == ["progress", "response"]


def test_what_makes_no_sense_is_refused(queue: Queue) -> None:
    id = queue.submit("a", prompt="x")
    with pytest.raises(BadUsage, match="events"):
        queue.events(id, follow=True)  # type: ignore[call-overload]
    with pytest.raises(BadUsage, match="cursor"):
        list(queue.events(cursor="yesterday"))


def test_a_cursor_that_is_kept_no_more_is_told(tmp_path: Path) -> None:
    queue = Queue.open(str(tmp_path / "state"))
    queue.submit("a", prompt="x")
    with pytest.raises(NotFound):
        list(queue.events(cursor="77:0"))
