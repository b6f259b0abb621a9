"""Many tasks in one commit: each wholly there or not, at every step at which the batch is killed or fails (K1, K2)."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import ClockedFileStore
from contracts.test_many import Wanted

from agent_lanes.backends.files import together
from agent_lanes.core.task import Snapshot, Task
from agent_lanes.errors import AgentLanesError, StorageFailed, Unconfirmed
from agent_lanes.services.queue import QueueService
from backends.files.sweep import after_death, at_call, reopened, store_in

KEYS = ("a", None, "b", "a")

pytestmark = pytest.mark.usefixtures("same_boot")


def batch(store: ClockedFileStore) -> list[Task | AgentLanesError]:
    """Two lanes, keys, one key twice, a request that is kept: more than a few files."""
    return store.create_many(
        [Wanted("default" if at % 2 else "other", key, b"please" if at == 2 else None) for at, key in enumerate(KEYS)]
    )


def stored(store: ClockedFileStore) -> list[Snapshot]:
    found = list(store.scan())
    assert all(isinstance(one, Snapshot) for one in found), found
    return [one for one in found if isinstance(one, Snapshot)]


def check_that_each_is_whole_and_repeating_confirms(store: ClockedFileStore, place: str) -> None:
    before = {one.task.idempotency_key: one.id for one in stored(store) if one.task.idempotency_key}
    again = batch(reopened(store))
    assert all(isinstance(one, Task) for one in again), (place, again)
    tasks = [one for one in again if isinstance(one, Task)]
    assert tasks[0] == tasks[3], place
    for task in tasks:
        assert before.get(task.idempotency_key, task.id) == task.id, place
    if tasks[2].request_stored:
        assert store.stored_request(tasks[2].id) == b"please", place
    everything = stored(store)
    keys = [one.task.idempotency_key for one in everything if one.task.idempotency_key]
    assert sorted(keys) == ["a", "b"], place
    for one in everything:
        assert [event.type for event in store.events(one.id)] == ["created"], place
    taken = set()
    for lane in ("default", "other"):
        while (claimed := QueueService(store).claim_next(lane)) is not None:
            taken.add(claimed.id)
    assert taken == {one.id for one in everything}, place


def test_a_batch_killed_at_any_step_has_each_task_wholly_or_not_and_repeating_it_confirms(folder: Path) -> None:
    number, lived = 0, False
    while not lived:
        store = store_in(folder / str(number))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child uses none
            lived = not after_death(store, batch, number)
        check_that_each_is_whole_and_repeating_confirms(store, f"killed at step {number}")
        number += 1
    assert number > 30


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE], ids=errno.errorcode.get)
def test_a_batch_that_fails_at_any_step_says_of_each_task_whether_it_is_stored(folder: Path, code: int) -> None:
    number, failed = 0, ["begin"]
    while failed:
        failed.clear()
        store = store_in(folder / str(number))

        def fail(name: str, args: tuple[Any, ...]) -> None:
            failed.append(f"step {number}, {name}{args!r}")  # noqa: B023 - called before the loop goes on
            raise OSError(code, os.strerror(code))

        with at_call(number, fail):
            outcomes = batch(store)
        place = failed[0] if failed else "the end"
        ids = {one.id for one in stored(store)}
        told = {one.id for one in outcomes if isinstance(one, Task)}
        assert told <= ids, place
        assert ids - told == set() or any(isinstance(one, Unconfirmed) for one in outcomes), place
        for one in outcomes:
            assert isinstance(one, Task) or one.message.isprintable(), place
        if not failed or "unlink" not in failed[0]:
            assert os.listdir(f"{store.address}/tmp") == [], place
        check_that_each_is_whole_and_repeating_confirms(store, place)
        number += 1
    assert number > 30


def test_keys_that_could_not_be_synced_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: together.Together, paths: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store = store_in(tmp_path / "state")
    monkeypatch.setattr(together.Together, "sync", fail)
    outcomes = store.create_many([Wanted(key="a"), Wanted(), Wanted("other")])
    assert [type(one) for one in outcomes] == [StorageFailed] * 3
    assert stored(store) == []
    assert os.listdir(tmp_path / "state/tmp") == []
    assert list(store.candidates("default", None)) == []


def test_what_was_renamed_but_not_synced_is_unconfirmed_and_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = together.Together.sync

    def fail(self: together.Together, paths: list[str]) -> None:
        if any(path.endswith("/tasks") for path in paths):
            raise OSError(errno.EIO, "Input/output error")
        original(self, paths)

    store = store_in(tmp_path / "state")
    monkeypatch.setattr(together.Together, "sync", fail)
    outcomes = batch(store)
    assert [type(one) for one in outcomes] == [Unconfirmed] * 3 + [Task]  # the last has the key of the first
    ids = {one.id for one in stored(store)}
    assert {str(one).split()[1].rstrip(",") for one in outcomes[:3]} == ids and len(ids) == 3
    monkeypatch.setattr(together.Together, "sync", original)
    check_that_each_is_whole_and_repeating_confirms(store, "repeated")


def test_a_file_system_that_is_not_known_to_carry_a_syncfs_gets_an_fsync_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, synced = store_in(tmp_path / "state"), []
    original = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(f"{store.address}/"))
        original(descriptor)

    def never(descriptor: int) -> None:
        raise AssertionError("syncfs is not trusted here")

    monkeypatch.setattr(together, "FAITHFUL", {})
    monkeypatch.setattr(together, "syncfs", never)
    monkeypatch.setattr(os, "fsync", fsync)
    (task,) = store.create_many([Wanted(key="k")])
    assert isinstance(task, Task)
    kinds = [path.split("/")[-1] if "Z-" in path and path.count("/") == 2 else path.split("/")[0] for path in synced]
    assert kinds == ["tmp", "keys", "task.json", "tasks", "tasks"]


@pytest.mark.parametrize("release", ["5.7.19", "4.19.0-x", "odd"])
def test_a_kernel_whose_syncfs_does_not_report_errors_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    system = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((system.sysname, "", release, "", "")))
    with together.Together(str(tmp_path)) as group:
        assert not together.trusted(group.descriptor)
