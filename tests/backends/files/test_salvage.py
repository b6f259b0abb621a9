"""A damaged pack: killed or failing at any step of its mending, no task is lost that can be read, and none is twice."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import ClockedFileStore, note, submit
from contracts.test_archive import answered, listed, shelved

from agent_lanes.backends.files import gate, packing
from agent_lanes.backends.files.packs import DATA, INDEX, LEFT, UNFINISHED, Pack, packs
from agent_lanes.core.parcel import Parcel
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import AgentLanesError, Withheld
from backends.files.sweep import after_death, at_call, reopened, store_in
from backends.files.test_archive import all_of, archive
from backends.files.test_examine import found

pytestmark = pytest.mark.usefixtures("same_boot")


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MEMBER_BYTES", 1)  # one for each task
    monkeypatch.setattr(gate, "GIVE_WAY_SECONDS", 0)  # to a repair that was killed


@pytest.fixture
def store(folder: Path) -> ClockedFileStore:
    return store_in(folder / "state")


def the_pack(store: ClockedFileStore) -> Pack:
    (pack,) = packs(store.layout)
    return pack


def lose(pack: Pack, id: str) -> None:
    """The member of a task is damaged."""
    entry = next(entry for entry in pack.entries() if entry.id == id)
    with open(f"{pack.folder}/{DATA}", "r+b") as file:
        file.seek(entry.offset + entry.length // 2)
        file.write(b"\0\0\0\0")


def damaged(store: ClockedFileStore) -> dict[str, Parcel]:
    """A pack of three, one of which cannot be read any more; the others."""
    lost, *others = sorted(answered(store) for _ in range(3))
    archive(store)
    kept = all_of(store)
    lose(the_pack(store), lost)
    return {id: kept[id] for id in others}


def repair(store: ClockedFileStore) -> None:
    store.repair(list(store.examine()))


def copied(store: ClockedFileStore, path: Path) -> ClockedFileStore:
    shutil.copytree(store.address, path, symlinks=True)
    return ClockedFileStore(str(path), store.clock)


def test_a_repair_killed_at_any_step_loses_nothing_doubles_nothing_and_is_done_again(
    store: ClockedFileStore, folder: Path
) -> None:
    readable, number, lived = damaged(store), 0, False
    while not lived:
        killed = copied(store, folder / str(number))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child uses none
            lived = not after_death(killed, repair, number)
        for id, parcel in readable.items():
            assert reopened(killed).read(id) == parcel.snapshot, f"killed at step {number}"
        repair(reopened(killed))
        assert all_of(reopened(killed)) == readable, f"killed at step {number}"
        assert {finding.code for finding in found(killed)} <= {"litter"}, f"killed at step {number}"
        number += 1
    assert number > 40


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
def test_a_repair_that_fails_at_any_step_says_so_loses_nothing_and_is_done_again(
    store: ClockedFileStore, folder: Path, code: int
) -> None:
    readable, number, failed = damaged(store), 0, ["begin"]
    while failed:
        failed.clear()
        failing = copied(store, folder / str(number))

        def fail(name: str, args: tuple[Any, ...]) -> None:
            failed.append(f"step {number}, {name}{args!r}")  # noqa: B023 - called before the loop goes on
            raise OSError(code, os.strerror(code), *args[:1])

        try:
            with at_call(number, fail):
                repair(failing)
        except AgentLanesError as wrong:
            assert wrong.message.isprintable(), failed
        place = failed[0] if failed else "the end"
        repair(reopened(failing))
        assert all_of(reopened(failing)) == readable, place
        assert {finding.code for finding in found(failing)} <= {"litter"}, place
        number += 1
    assert number > 40


def test_a_damaged_pack_that_was_not_finished_is_saved_into_one_with_which_an_archive_goes_on(
    store: ClockedFileStore, folder: Path
) -> None:
    ids = sorted(answered(store) for _ in range(3))
    before, before_it = all_of(store), copied(store, folder / "before")
    archive(store)
    pack = the_pack(store)
    lose(pack, ids[0])
    Path(pack.folder, UNFINISHED).touch()
    for id in ids:  # as when it was killed before it had removed one
        shutil.copytree(before_it.layout.task(id), store.layout.task(id))
    note(store, ids[1], "late")
    repair(store)
    new = the_pack(store)
    assert new.unfinished and new.folder != pack.folder
    now = {**before, ids[1]: all_of(store)[ids[1]]}
    archive(store)
    archive(store)
    assert all_of(store) == now and sorted(shelved(store)) == ids and found(store) == []


BROKEN: dict[str, Callable[[Path], object]] = {
    "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("instead", BROKEN)
@pytest.mark.parametrize("file", [DATA, INDEX, "about.json", LEFT])
def test_whatever_stands_in_the_place_of_a_packs_file_doctor_tells_of_it_and_mends_it(
    store: ClockedFileStore, file: str, instead: str
) -> None:
    answered(store)
    archive(store)
    before, path = all_of(store), Path(the_pack(store).folder, file)
    path.unlink(missing_ok=True)
    BROKEN[instead](path)
    assert [finding.code for finding in found(store)] == ["archive_damaged"]
    repair(store)
    assert found(store) == []
    assert all_of(store) == ({} if file == DATA else before)


@pytest.mark.parametrize("instead", ["a file", "a pipe", "a link to nowhere"])
def test_what_stands_in_the_place_of_a_pack_is_told_and_set_aside_and_hinders_no_other_task(
    store: ClockedFileStore, instead: str
) -> None:
    answered(store)
    archive(store)
    path = Path(the_pack(store).folder)
    shutil.rmtree(path)
    {**BROKEN, "a file": Path.touch}[instead](path)
    assert [finding.code for finding in found(store)] == ["archive_damaged"]
    assert store.read(submit(store)).state == "queued"
    repair(store)
    assert found(store) == [] and not os.path.lexists(path)


def test_a_file_in_the_place_of_a_month_is_told(store: ClockedFileStore) -> None:
    answered(store)
    archive(store)
    month = Path(the_pack(store).folder).parent
    shutil.rmtree(month)
    month.touch()
    assert [(finding.code, finding.path) for finding in found(store)] == [("foreign_file", str(month))]


@pytest.mark.parametrize("content", [b"", b"nonsense and more\n", b"\xff\n" * 3])
def test_a_list_of_what_was_left_that_is_wrong_leaves_no_task_out_and_doubles_none(
    store: ClockedFileStore, folder: Path, content: bytes
) -> None:
    """The list is all that says which of two is the task: that in the pack, or that in its folder."""
    moved, stays = sorted(answered(store) for _ in range(2))
    before_it = copied(store, folder / "before")
    archive(store)
    pack = the_pack(store)
    shutil.copytree(before_it.layout.task(stays), store.layout.task(stays))
    note(store, stays, "late")
    Path(pack.folder, LEFT).write_bytes(content or b"\0")
    repair(store)
    assert found(store) == []
    archive(store)
    assert sorted(all_of(store)) == [moved, stays]
    assert [event.message for event in store.events(stays)][-1] == "late"


def test_of_two_repairs_at_once_the_second_finds_nothing_to_do(store: ClockedFileStore) -> None:
    readable = damaged(store)
    seen = list(store.examine())
    repair(reopened(store))
    (told,) = store.repair(seen)
    assert told.repaired and all_of(store) == readable and found(store) == []


def test_a_reader_that_was_about_to_open_a_pack_finds_its_tasks_in_the_new_one(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    readable = damaged(store)
    (id, *_), looked = readable, Pack.find
    late = [lambda: repair(reopened(store))]

    def find(self: Pack, wanted: str) -> Parcel | None:
        if late:
            late.pop()()
        return looked(self, wanted)

    monkeypatch.setattr(Pack, "find", find)
    assert store.read(id) == readable[id].snapshot


def test_a_pack_that_may_not_be_read_stays_where_it_is(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = answered(store)
    archive(store)
    pack, opened = the_pack(store), os.open

    def refused(path: str, *args: Any, **options: Any) -> int:
        if str(path).endswith(DATA):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opened(path, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refused)
        with pytest.raises(Withheld):
            store.read(id)
        (told,) = store.repair(found(store))
        assert told.code == "archive_damaged" and told.repaired is None
    assert the_pack(store).folder == pack.folder and found(store) == []
    assert isinstance(store.read(id), Snapshot) and listed(store) == []


def test_of_a_pack_that_is_damaged_in_the_middle_the_tasks_of_the_other_members_are_saved(
    store: ClockedFileStore, root: Path
) -> None:
    ids = [answered(store) for _ in range(5)]
    archive(store)
    before = all_of(store)
    first, lost = sorted(ids)[:2]
    lose(the_pack(store), lost)
    assert store.read(first) == before[first].snapshot
    (told,) = store.repair(found(store))
    assert told.repaired and told.repaired.startswith("4 tasks of it could be read")
    assert all_of(store) == {id: parcel for id, parcel in before.items() if id != lost}
    assert found(store) == []
    (kept,) = (root / "quarantine").glob("*/*,*,*")
    assert (kept / DATA).stat().st_size > 0
