"""observation.Log: the events of all tasks, in one order, from any cursor on."""

from __future__ import annotations

import threading

import pytest

from agent_lanes.core.parcel import Parcel
from agent_lanes.errors import BadUsage
from agent_lanes.ports import Backend
from agent_lanes.services import following
from contracts.stores import claim, note, respond, submit
from contracts.test_many import Wanted, created

LONG = 60.0


def told(backend: Backend, cursor: str | None = None) -> list[tuple[str, str, str]]:
    return [(one.task_id, one.lane, one.event.type) for one in backend.log(cursor)]


def test_every_line_of_every_history_stands_in_the_log_in_order(backend: Backend) -> None:
    first, second = submit(backend, "a"), submit(backend, "b")
    claim(backend, first)
    note(backend, second, "hello")
    respond(backend, first, "t")
    assert told(backend) == [
        (first, "a", "created"),
        (second, "b", "created"),
        (first, "a", "claimed"),
        (second, "b", "note"),
        (first, "a", "response"),
    ]
    for id in (first, second):
        assert [one.event for one in backend.log() if one.task_id == id] == list(backend.events(id))


def test_a_cursor_goes_on_after_its_line(backend: Backend) -> None:
    assert told(backend) == [] == told(backend, backend.log_end())
    id = submit(backend)
    note(backend, id, "one")
    note(backend, id, "two")
    lines = list(backend.log())
    for at, one in enumerate(lines, start=1):
        assert list(backend.log(one.cursor)) == lines[at:]
    assert lines[-1].cursor == backend.log_end()


@pytest.mark.parametrize("cursor", ["", "x", "1", "1:x", "-1:0", "1:2:3"])
def test_what_is_no_cursor_is_refused(backend: Backend, cursor: str) -> None:
    submit(backend)
    with pytest.raises(BadUsage):
        list(backend.log(cursor))


def test_many_tasks_made_at_once_are_all_there(backend: Backend) -> None:
    made = created(backend, *(Wanted() for _ in range(5)))
    assert [one.task_id for one in backend.log()] == [task.id for task in made]


def test_imported_tasks_bring_no_lines(backend: Backend, empty: Backend) -> None:
    id = submit(backend)
    parcel = Parcel(snapshot=backend.read(id), events=tuple(backend.events(id)), request=None)
    empty.restore(parcel.snapshot, parcel.events, parcel.request)
    assert told(empty) == []


def test_who_follows_is_woken_by_what_comes(backend: Backend) -> None:
    id, came, seen = submit(backend), threading.Event(), list[str]()

    def read() -> None:
        for one in following.follow(backend, None):
            seen.append(one.event.message)
            came.set()
            if one.event.message == "last":
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert came.wait(LONG)
    note(backend, id, "next")
    note(backend, id, "last")
    reader.join(LONG)
    assert seen == ["task queued", "next", "last"]
