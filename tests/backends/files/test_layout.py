"""The files of a store: where they lie, how they look, who may read them (CONTRACT.md, "State folder")."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, make, park, release, renew, respond, submit
from core.values import words
from hypothesis import given
from hypothesis import strategies as st

from agent_lanes.backends.files.layout import Layout, due_of_timer, id_of_ready, sequence_of_ready
from agent_lanes.core import names
from agent_lanes.core.fields import MAX_SEQUENCE
from agent_lanes.core.placement import Due, Parked, Ready
from agent_lanes.core.times import LAST_INSTANT

ids = st.builds(names.new_task_id, st.integers(0, LAST_INSTANT), words, st.just("0123456789ab"))
sequences = st.integers(0, MAX_SEQUENCE - 1)


def markers(root: Path, kind: str) -> list[str]:
    """The markers of a kind, by path below it."""
    return sorted(str(path.relative_to(root / kind)) for path in (root / kind).rglob("*") if path.is_file())


def ready_markers(root: Path) -> list[str]:
    return [name for name in markers(root, "ready") if not name.endswith(".sequence")]


# --- names ---------------------------------------------------------------------------------------------------


def test_markers_lie_where_the_contract_says() -> None:
    layout = Layout("/s")
    ready = Ready(lane="a b", route="co/dex", priority=5, sequence=1025, id="x")
    assert layout.marker(ready) == "/s/ready/a%20b/co%2Fdex/50000000002/5-000000001025-x"
    due = Due(lane=".l", at=5_000_000_000, id="x")
    assert layout.marker(due) == "/s/timers/%2El/00000000004a/000000005000000000-x"
    assert layout.marker(Parked(lane="l", id="x")) == "/s/held/l/x"
    assert layout.marker(None) is None
    assert layout.sequence("l") == "/s/ready/l/.sequence"
    assert layout.signal("a b") == "/s/signals/a%20b"
    assert layout.correlation("w s", "c/i") == "/s/indexes/correlations/w-s--c-i.json"


@given(ids, sequences)
def test_the_name_of_a_ready_marker_tells_id_and_sequence(id: str, sequence: int) -> None:
    path = Layout("/s").marker(Ready(lane="l", route="any", priority=5, sequence=sequence, id=id))
    assert path is not None
    assert (id_of_ready(os.path.basename(path)), sequence_of_ready(os.path.basename(path))) == (id, sequence)


@given(ids, st.integers(0, LAST_INSTANT))
def test_the_name_of_a_timer_tells_id_and_time(id: str, at: int) -> None:
    path = Layout("/s").marker(Due(lane="l", at=at, id=id))
    assert path is not None
    assert due_of_timer(os.path.basename(path)) == (at, id)


@given(sequences, sequences)
def test_ready_markers_sort_by_bucket_and_name_as_their_sequences_do(one: int, other: int) -> None:
    first, second = (
        Layout("/s").marker(Ready(lane="l", route="any", priority=5, sequence=number, id="x"))
        for number in (one, other)
    )
    assert first is not None and second is not None
    assert (one < other) == (first < second)


@given(st.text(max_size=40))
def test_any_other_name_is_no_marker(name: str) -> None:
    assert id_of_ready(name) == "" or (name[1] == "-" and name[14] == "-")
    at, id = due_of_timer(name)
    assert id == "" or name[18] == "-"
    assert sequence_of_ready(name) >= 0
    assert at >= 0


# --- files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def busy_store(store: ClockedFileStore, clock: Clock) -> ClockedFileStore:
    """A store with a task in each state."""
    store.create("default", make(id="queued", request_stored=True), b"please")
    for id in ("claimed", "released", "parked", "answered"):
        submit(store, id=id)
        clock.advance(1)
    for id in ("claimed", "released", "answered"):
        claim(store, id)
    renew(store, "claimed")
    release(store, "released")
    park(store, "parked")
    respond(store, "answered", "t")
    return store


def test_each_fact_is_one_file_that_is_there_once_it_is_a_fact(busy_store: ClockedFileStore, root: Path) -> None:
    asked = {"task.json", "events.jsonl"}
    expected = {
        "queued": asked | {"request.md"},
        "claimed": asked | {"claim.json"},
        "released": asked | {"claim.json"},
        "parked": asked | {"claim.json"},
        "answered": asked | {"claim.json", "response.json"},
    }
    assert {path.name: {file.name for file in path.iterdir()} for path in (root / "tasks").iterdir()} == expected
    assert (root / "tasks/queued/request.md").read_bytes() == b"please"


def test_each_task_has_the_markers_of_its_state_and_no_others(busy_store: ClockedFileStore, root: Path) -> None:
    assert ready_markers(root) == [
        "default/any/50000000000/5-000000000001-queued",
        "default/any/50000000000/5-000000000003-released",
    ]
    assert [name.rpartition("-")[2] for name in markers(root, "timers")] == ["claimed"]
    assert markers(root, "held") == ["default/parked"]
    assert (root / "ready/default/.sequence").read_text() == "000000000005\n"


def test_nothing_is_left_in_tmp(busy_store: ClockedFileStore, root: Path) -> None:
    assert list((root / "tmp").iterdir()) == []


def test_folders_and_files_are_for_their_owner_alone(busy_store: ClockedFileStore, root: Path) -> None:
    """Also under a umask that would allow more."""
    for path in [root, *root.rglob("*")]:
        assert path.lstat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("file", ["task.json", "claim.json", "response.json"])
def test_records_are_utf8_sorted_indented_and_end_with_a_newline(
    busy_store: ClockedFileStore, root: Path, file: str
) -> None:
    text = (root / "tasks/answered" / file).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert json.loads(text)["format"] == 2


def test_task_json_is_never_written_again(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    before = (root / "tasks" / id / "task.json").stat()
    claim(store, id)
    release(store, id)
    respond(store, id)
    after = (root / "tasks" / id / "task.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_store_json_and_the_gate_say_which_format_and_which_boot(busy_store: ClockedFileStore, root: Path) -> None:
    record = json.loads((root / "store.json").read_text())
    assert record["format"] == 2
    assert len(record["store_id"]) == 32
    assert (root / "gate").read_text() == f"2 {busy_store.boot_id}\n"


def test_the_correlation_index_names_the_latest_task(store: ClockedFileStore, root: Path) -> None:
    submit(store)
    latest = submit(store)
    (index,) = (root / "indexes/correlations").iterdir()
    assert index.name == "w--contract.json"
    assert json.loads(index.read_text())["task_id"] == latest


def test_a_request_kept_in_the_store_is_named_so_that_the_store_can_be_moved(
    busy_store: ClockedFileStore, root: Path, tmp_path: Path, clock: Clock
) -> None:
    assert str(root) not in (root / "tasks/queued/task.json").read_text()
    moved = ClockedFileStore(str(tmp_path / "moved"), clock)
    root.rename(tmp_path / "moved")
    assert moved.stored_request("queued") == b"please"
    assert moved.request_location(moved.read("queued").task) == str(tmp_path / "moved/tasks/queued/request.md")
