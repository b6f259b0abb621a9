"""Hints between tasks: unique keys, children and threads are made again from the facts, and hold nothing up."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from contracts.stores import BOOT, Clock, ClockedFileStore, respond, submit
from contracts.test_many import Wanted

from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.rebuild import drop_stale
from agent_lanes.backends.files.unique import FLAGS
from agent_lanes.core.placement import ready
from agent_lanes.core.task import Task

HOUR = 3600.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", BOOT)
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state"


def opened(root: Path, clock: Clock) -> ClockedFileStore:
    return ClockedFileStore(str(root), clock)


def only(store: ClockedFileStore) -> Task:
    return store.create("default", Wanted(unique_key="k").make, None, None, "k")


def test_a_reboot_makes_the_hints_of_open_tasks_anew(root: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(root, clock)
    first = only(store)
    child = submit(store, depends_on=(first.id,), metadata={"thread_id": "t"})
    for folder in ("unique", "children", "threads"):
        shutil.rmtree(root / folder)
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", "another")
    store = opened(root, clock)
    assert only(store).id == first.id
    assert (store.children(first.id), store.in_thread("t")) == ([child], [child])


def test_the_doctor_makes_those_of_all_tasks_and_removes_what_names_none(root: Path, clock: Clock) -> None:
    store = opened(root, clock)
    parent = submit(store)
    child = submit(store, depends_on=(parent,))
    respond(store, parent)
    respond(store, child)
    shutil.rmtree(root / "children")
    for name, age in (("young", 0.0), ("old", 2 * HOUR)):
        path = root / "children" / parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        then = clock.moment.wall / 1e6 - age
        os.utime(path, (then, then))
    store.repair(list(store.examine()))
    assert store.children(parent) == sorted([child, "young"])


@pytest.mark.parametrize("by", ["settle", "rebuild"])
def test_a_task_that_waits_is_unlisted_only_while_what_it_waits_for_cannot_end(
    root: Path, clock: Clock, by: str
) -> None:
    """Who ends that lists it under the same lock; dropped afterwards, and killed, it would be lost."""
    store = opened(root, clock)
    first = submit(store)
    child = store.read(submit(store, depends_on=(first,)))
    marker = Path(str(store.layout.marker(ready(child))))
    marker.touch()

    def tidy() -> None:
        store.settle(child.id) if by == "settle" else drop_stale(store.layout, str(marker), store.now())

    with Lock(store.layout.task(first), "what it waits for"):
        tidy()
        assert marker.exists()
    tidy()
    assert not marker.exists()


@pytest.mark.parametrize("left", [b"", b"\0\0\0", b"nobody\n", b"../../etc\n", b"x" * 5000, b"\xff\n"])
def test_whatever_stands_in_its_file_a_key_without_an_open_task_is_free(root: Path, clock: Clock, left: bytes) -> None:
    store = opened(root, clock)
    first = only(store)
    (file,) = (root / "unique").iterdir()
    respond(store, first.id)
    assert not file.exists()
    file.write_bytes(left)
    second = only(store)
    assert second.id != first.id and only(store).id == second.id
    assert file.read_bytes().split(b"\n")[0] == second.id.encode()


def test_an_answer_does_not_wait_for_who_holds_the_key(root: Path, clock: Clock) -> None:
    store = opened(root, clock)
    first = only(store)
    (file,) = (root / "unique").iterdir()
    with Lock(str(file), "the test", flags=FLAGS):
        respond(store, first.id)
    assert store.finished(first.id)
    assert only(store).id != first.id


def test_an_imported_task_that_is_open_has_its_key(root: Path, clock: Clock, tmp_path: Path) -> None:
    store = opened(root, clock)
    first, other = only(store), opened(tmp_path / "other", clock)
    child = submit(store, depends_on=(first.id,))
    for id in (first.id, child):
        other.restore(store.read(id), tuple(store.events(id)), None)
    assert only(other).id == first.id
    assert other.children(first.id) == [child]
