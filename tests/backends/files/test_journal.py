"""events.jsonl: numbering, torn tails, lines of v0.1, long lines, lines of others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import ClockedFileStore, claim, note, release, submit
from contracts.test_many import Wanted
from core.values import events
from hypothesis import given
from hypothesis import strategies as st

from agent_lanes.backends.files import journal
from agent_lanes.core.task import Event, Task


def an_event(message: str = "m", **fields: Any) -> Event:
    return Event(type="note", message=message, created_at=1, data={}).replace(**fields)


def messages(path: Path) -> list[str]:
    return [event.message for event in journal.read(str(path))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A history with two lines."""
    path = tmp_path / "events.jsonl"
    journal.append(str(path), (an_event("one"),))
    journal.append(str(path), (an_event("two"),))
    return path


def test_lines_are_numbered_on(path: Path) -> None:
    journal.append(str(path), (an_event("three"), an_event("four")))
    assert [event.number for event in journal.read(str(path))] == [1, 2, 3, 4]
    assert [event.message for event in journal.read(str(path))] == ["one", "two", "three", "four"]


def test_each_line_is_one_json_object_and_ends_with_a_newline(path: Path) -> None:
    assert path.read_bytes().endswith(b"}\n")
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == ["one", "two"]


@pytest.mark.parametrize("cut", range(1, 90, 8))
def test_a_torn_tail_is_left_out_by_readers_and_closed_by_the_next_writer(path: Path, cut: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert messages(path) == ["one"]
    last = journal.last(str(path))
    assert last is not None
    assert last.message == ("two" if cut == 1 else "one")  # only the newline is missing: nothing is lost
    journal.append(str(path), (an_event("three"),))
    assert messages(path) == (["one", "two", "three"] if cut == 1 else ["one", "three"])
    assert b"\n\n" not in path.read_bytes()


def test_a_missing_history_is_an_empty_one_and_begins_with_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert list(journal.read(str(path))) == []
    assert journal.last(str(path)) is None
    journal.append(str(path), (an_event("one"),))
    assert messages(path) == ["one"]


def test_an_empty_history_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.touch()
    assert journal.last(str(path)) is None
    journal.append(str(path), (an_event("one"),))
    assert [event.number for event in journal.read(str(path))] == [1]


@pytest.mark.parametrize(
    "junk",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"\0" * 100, b'{"type": "note"}', b"[" * 10_000, b'{"type": 1e999}'],
    ids=lambda junk: repr(junk[:20]),
)
def test_a_line_that_is_none_is_left_out_wherever_it_stands(path: Path, junk: bytes) -> None:
    first, second = path.read_bytes().splitlines(keepends=True)
    for content in (junk + b"\n" + first + second, first + junk + b"\n" + second, first + second + junk + b"\n"):
        path.write_bytes(content)
        assert messages(path) == ["one", "two"]
        last = journal.last(str(path))
        assert last is not None
        assert last.message == "two"
        journal.append(str(path), (an_event("three"),))
        assert messages(path) == ["one", "two", "three"]


@pytest.mark.parametrize("size", [3_900, 4_000, 4_096, 5_000, 65_536, 70_000, 300_000])
def test_the_last_line_is_found_however_long_it_is(path: Path, size: int) -> None:
    journal.append(str(path), (an_event("x" * size),))
    for expected in ("x" * size, "short"):
        last = journal.last(str(path))
        assert last is not None
        assert last.message == expected
        journal.append(str(path), (an_event("short"),))
    assert [event.number for event in journal.read(str(path))] == [1, 2, 3, 4, 5]


@given(st.lists(events.map(lambda event: event.replace(epoch=0)), min_size=1, max_size=8))
def test_any_events_come_back_numbered(tmp_path_factory: pytest.TempPathFactory, written: list[Event]) -> None:
    path = str(tmp_path_factory.mktemp("journal") / "events.jsonl")
    for event in written:
        journal.append(path, (event,))
    assert list(journal.read(path)) == [event.replace(number=at) for at, event in enumerate(written, start=1)]
    assert journal.last(path) == written[-1].replace(number=len(written))


# --- the first line ------------------------------------------------------------------------------------------


def test_a_submit_writes_the_first_line_as_v0_1_did(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    assert (root / "tasks" / id / "events.jsonl").read_bytes() == b"".join(map(journal.line, store.events(id)))


def test_a_task_of_a_batch_has_no_file_and_its_history_begins_all_the_same(store: ClockedFileStore, root: Path) -> None:
    (born,) = store.create_many([Wanted()])
    assert isinstance(born, Task)
    id, path = born.id, root / "tasks" / born.id / "events.jsonl"
    assert not path.exists()
    first = store.last_event(id)
    assert first is not None
    assert (first.type, first.number, first.created_at) == ("created", 1, store.read(id).task.created_at)
    assert list(store.events(id)) == [first]
    path.touch()  # a power cut took what was in it
    assert list(store.events(id)) == [first]
    claim(store, id)
    assert [(event.type, event.number) for event in store.events(id)] == [("created", 1), ("claimed", 2)]
    assert path.read_bytes().startswith(journal.line(first))


def test_a_history_that_begins_while_it_is_read_is_told_whole(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    born = store.create_many([Wanted(), Wanted()])
    beginning = journal.beginning

    def claimed_meanwhile(path: str, asked: Any) -> Event | None:
        claim(ClockedFileStore(store.address, store.clock), path.split("/")[-2])
        return beginning(path, asked)

    monkeypatch.setattr(journal, "beginning", claimed_meanwhile)
    first, second = [one.id for one in born if isinstance(one, Task)]
    assert [event.type for event in store.events(first)] == ["created", "claimed"]
    last = store.last_event(second)
    assert last is not None and last.type == "claimed"


# --- the recovered line --------------------------------------------------------------------------------------


def test_a_line_that_a_crash_lost_is_told_by_the_next_writer(store: ClockedFileStore, root: Path) -> None:
    """A claim took place, its line was never written: the next change says so."""
    id = submit(store)
    path = root / "tasks" / id / "events.jsonl"
    claim(store, id)
    path.unlink()
    release(store, id)
    assert [(event.type, event.epoch, event.number) for event in store.events(id)] == [
        ("created", 0, 1),
        ("recovered", 1, 2),
        ("released", 1, 3),
    ]


def test_several_lost_epochs_are_told_in_one_line(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    path = root / "tasks" / id / "events.jsonl"
    for _ in range(3):
        claim(store, id)
        release(store, id)
    path.unlink()
    claim(store, id)
    (recovered,) = (event for event in store.events(id) if event.type == "recovered")
    assert (recovered.epoch, recovered.message) == (3, "a crash lost the history up to epoch 3")
    assert [event.epoch for event in store.events(id)] == [0, 3, 4]


def test_a_whole_history_has_no_recovered_line(store: ClockedFileStore) -> None:
    id = submit(store)
    for _ in range(3):
        claim(store, id)
        note(store, id, "m")
        release(store, id)
    assert "recovered" not in {event.type for event in store.events(id)}


# --- v0.1 ----------------------------------------------------------------------------------------------------


def test_lines_of_v01_are_read_and_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    old = {"created_at": "2026-01-02T03:04:05.000006Z", "type": "created", "message": "task queued", "data": {"a": 1}}
    path.write_text("".join(json.dumps({**old, "type": kind}) + "\n" for kind in ("created", "claimed", "released")))
    assert [event.number for event in journal.read(str(path))] == [0, 0, 0]
    assert [event.data for event in journal.read(str(path))] == [{"a": 1}] * 3
    journal.append(str(path), (an_event(epoch=1),))
    journal.append(str(path), (an_event(epoch=1),))
    assert [event.number for event in journal.read(str(path))] == [0, 0, 0, 4, 5]


# --- things that are no file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "fifo", "symlink", "dangling symlink"])
def test_a_history_that_is_no_file_costs_the_line_not_the_change(
    store: ClockedFileStore, root: Path, tmp_path: Path, warnings: list[str], kind: str
) -> None:
    id = submit(store)
    path, elsewhere = root / "tasks" / id / "events.jsonl", tmp_path / "elsewhere"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        if kind == "symlink":
            elsewhere.write_text("not ours")
        path.symlink_to(elsewhere)
    assert claim(store, id).state == "claimed"
    assert store.read(id).state == "claimed"
    assert store.last_event(id) is None
    assert not elsewhere.exists() or elsewhere.read_text() == "not ours"
    if kind != "fifo":
        assert len(warnings) == 1
        assert f"task {id}: its history could not be written" in warnings[0]


def test_a_line_longer_than_any_of_ours_is_passed_over_without_being_read_again_and_again(path: Path) -> None:
    """100 MB of zeros, as a file system may leave them: what was before them, and what is written after, is there."""
    os.truncate(path, 100 << 20)
    assert journal.last(str(path)) is None
    assert messages(path) == ["one", "two"]
    journal.append(str(path), (an_event("three"),))
    assert messages(path) == ["one", "two", "three"]
    last = journal.last(str(path))
    assert last is not None and last.message == "three"
