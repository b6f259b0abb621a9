"""log/: segments, what of them is kept, and lines that are no lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from contracts.stores import note, submit

from agent_lanes.backends.files import log
from agent_lanes.backends.files.store import FileStore
from agent_lanes.errors import NotFound


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "state"))


def test_a_full_segment_is_followed_by_another_and_the_newest_sixteen_stay(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "FULL", 1)
    id = submit(store)
    cursor = next(iter(store.log())).cursor
    note(store, id, "x")
    assert [one.event.type for one in store.log(cursor)] == ["note"]
    for _ in range(log.KEPT + 4):
        submit(store)
    there = log.segments(store.layout)
    assert len(there) == log.KEPT and there == list(range(there[0], there[0] + log.KEPT))
    current = Path(store.layout.log, log.CURRENT)
    assert current.samefile(Path(store.layout.log, f"{there[-1]:010d}.jsonl"))
    assert len(list(store.log())) == log.KEPT - 1  # the newest is still empty
    with pytest.raises(NotFound):
        list(store.log(cursor))


def test_a_cut_line_and_one_that_is_damaged_are_passed_over(store: FileStore) -> None:
    id = submit(store)
    current = Path(store.layout.log, log.CURRENT)
    with current.open("ab") as file:
        file.write(b"no line\n\xff\n[]\n")
    note(store, id, "after")
    with current.open("ab") as file:
        file.write(b'{"task_id": "cut')
    assert [one.event.message for one in store.log()] == ["task queued", "after"]


def test_a_log_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    said = list[str]()
    store = FileStore(str(tmp_path / "state"), warn=said.append)
    store.prepare()
    Path(store.layout.log).write_text("not a folder")
    id = submit(store)
    note(store, id, "x")
    assert [one.type for one in store.events(id)] == ["created", "note"] and said
