"""What stands in the place of another thing is told, and set aside; all goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, submit

from agent_lanes.core.finding import PROBLEM
from agent_lanes.errors import AgentLanesError
from backends.files.conftest import Open

PLACES = (
    *("gate", "store.json", "tmp", "ready", "blocked", "signals", "lock", "log"),
    *("log/current", "ready/default", "signals/default", "indexes/correlations"),
)
INSTEAD: dict[str, Callable[[Path], object]] = {
    "a file": lambda path: path.write_text("not mine"),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
}


def replaced(path: Path, kind: str) -> bool:
    """False where that is what belongs there."""
    belongs = "a folder" if path.is_dir() else "a file"
    if kind == belongs or (path.name == "lock" and kind == "a file"):  # a file there is the lock of v0.1
        return False
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    INSTEAD[kind](path)
    return True


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", INSTEAD)
def test_it_is_told_and_set_aside_and_everything_goes_on(
    store: ClockedFileStore, root: Path, clock: Clock, place: str, kind: str
) -> None:
    ids = [submit(store) for _ in range(2)]
    if not replaced(root / place, kind):
        pytest.skip("that is what belongs there")
    again = ClockedFileStore(str(root), clock)
    found = list(again.examine())
    assert [finding.path for finding in found if finding.code == "foreign_file"] == [str(root / place)]
    mended = again.repair(found)
    told = [finding for finding in mended if finding.code == "foreign_file"]
    assert [finding.repaired is not None for finding in told] == [True]
    assert [finding for finding in again.examine() if finding.level == PROBLEM] == []
    for id in ids:
        claim(again, id)
    submit(again)
    assert any(os.path.lexists(aside / Path(place).name) for aside in (root / "quarantine").iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 100, b"[]", b'{"format": null}', b"\xff"])
def test_a_damaged_record_of_the_store_is_set_aside_and_written_anew(
    store: ClockedFileStore, root: Path, content: bytes
) -> None:
    id = submit(store)
    (root / "store.json").write_bytes(content)
    store.repair(list(store.examine()))
    assert list(store.examine()) == []
    assert [path.read_bytes() for path in root.glob("quarantine/*/store.json")] == [content]
    claim(store, id)


def test_the_record_of_a_newer_program_is_left_as_it_is(store: ClockedFileStore, root: Path) -> None:
    submit(store)
    (root / "store.json").write_bytes(b'{"format": 99}')
    with pytest.raises(AgentLanesError, match="format 99 is newer"):
        store.repair(list(store.examine()))
    assert (root / "store.json").read_bytes() == b'{"format": 99}'
    assert not (root / "quarantine").exists()


def test_a_log_that_is_a_file_is_set_aside_and_events_are_logged_again(
    store: ClockedFileStore, root: Path, open_store: Open, warnings: list[str]
) -> None:
    submit(store)
    replaced(root / "log", "a file")
    store.repair(list(store.examine()))
    again = open_store()
    cursor = again.log_end()
    id = submit(again)
    assert [line.task_id for line in again.log(cursor)] == [id] and warnings == []


def test_a_folder_of_presence_that_is_a_file_is_told(store: ClockedFileStore, root: Path) -> None:
    submit(store)
    (root / "presence").write_text("not mine")
    assert [finding.path for finding in store.examine()] == [str(root / "presence")]


@pytest.mark.parametrize("old", [False, True])
def test_a_repair_of_a_store_without_its_tasks_leaves_nothing_to_find(
    store: ClockedFileStore, root: Path, old: bool
) -> None:
    first = submit(store)
    submit(store, depends_on=(first,))
    submit(store, not_before=store.now().wall * 2)
    replaced(root / "tasks", "a file")
    for path in root.rglob("*-*") if old else ():
        os.utime(path, (0, 0))
    found = list(store.examine())
    assert found[0].path == str(root / "tasks")
    store.repair(found)
    assert list(store.examine()) == []
