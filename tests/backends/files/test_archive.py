"""The archive on disk: killed or failing at any step, nothing is lost, nothing is there twice; what it looks like."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, make, note, respond, submit
from contracts.test_archive import answered, everything, listed, moved, shelved

from agent_lanes.backends.files import archiver, packing
from agent_lanes.backends.files.packs import DATA, INDEX, LEFT, UNFINISHED, Pack, packs
from agent_lanes.core.parcel import Parcel, decode
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import DAY
from agent_lanes.errors import AgentLanesError, Busy, Damaged, NotFound
from agent_lanes.services import retries, transfer
from backends.files.sweep import after_death, at_call, reopened, store_in
from backends.files.test_examine import found

FAR = 10**18

pytestmark = pytest.mark.usefixtures("same_boot")


@pytest.fixture
def store(folder: Path) -> ClockedFileStore:
    return store_in(folder / "state")


def filled(path: Path, template: Path | None = None) -> ClockedFileStore:
    """Two answered tasks, one of them with a key and a request that is kept, and one that is queued."""
    if template is not None:
        shutil.copytree(template, path)
        return ClockedFileStore(str(path), Clock())
    store = store_in(path)
    answered(store)
    keyed = store.create("other", make("other", idempotency_key="k", request_stored=True), b"please", "k").id
    respond(store, keyed)
    submit(store)
    return store


def all_of(store: ClockedFileStore) -> dict[str, Parcel]:
    """Everything about every task, archived or not; fails if one is there twice."""
    ids = [*listed(store), *shelved(store)]
    assert len(ids) == len(set(ids)), ids
    return {id: everything(store, id) for id in ids}


def archive(store: ClockedFileStore) -> None:
    list(store.archive(FAR))


def test_an_archive_killed_at_any_step_loses_nothing_doubles_nothing_and_goes_on(folder: Path) -> None:
    template = folder / "template"
    before, number, lived = all_of(filled(template)), 0, False
    while not lived:
        store = filled(folder / str(number), template)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child uses none
            lived = not after_death(store, archive, number)
        assert all_of(store) == before, f"killed at step {number}"
        with pytest.raises(AgentLanesError):
            note(store, "nothing", "m")
        archive(reopened(store))
        assert all_of(store) == before, f"killed at step {number}, and gone on"
        assert len(shelved(store)) == 2 and not any(pack.unfinished for pack in packs(store.layout))
        keyed = reopened(store).create("other", make("other", idempotency_key="k", request_stored=True), b"please", "k")
        assert keyed.id in before
        assert {finding.code for finding in found(store)} <= {"litter"}, f"killed at step {number}"
        number += 1
    assert number > 40


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
def test_an_archive_that_fails_at_any_step_says_so_or_goes_on_and_loses_nothing(folder: Path, code: int) -> None:
    template = folder / "template"
    before, number, failed = all_of(filled(template)), 0, ["begin"]
    while failed:
        failed.clear()
        store = filled(folder / str(number), template)

        def fail(name: str, args: tuple[Any, ...]) -> None:
            failed.append(f"step {number}, {name}{args!r}")  # noqa: B023 - called before the loop goes on
            raise OSError(code, os.strerror(code))

        try:
            with at_call(number, fail):
                archive(store)
        except AgentLanesError as wrong:
            assert wrong.message.isprintable(), failed
        place = failed[0] if failed else "the end"
        assert all_of(reopened(store)) == before, place
        archive(reopened(store))
        assert all_of(store) == before and len(shelved(store)) == 2, place
        number += 1
    assert number > 40


def test_a_prune_killed_at_any_step_takes_whole_packs_and_keys_and_goes_on(folder: Path) -> None:
    template = folder / "template"
    ready = filled(template)
    archive(ready)
    ready.clock.advance(400 * 86_400)  # type: ignore[attr-defined]
    new = answered(ready)
    number, lived = 0, False

    def prune(store: ClockedFileStore) -> None:
        list(store.prune(store.now().wall - 100 * DAY))

    while not lived:
        path = folder / str(number)
        shutil.copytree(template, path)
        store = ClockedFileStore(str(path), ready.clock)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            lived = not after_death(store, prune, number)
        assert len(shelved(store)) in (0, 2), f"killed at step {number}"
        prune(reopened(store))
        assert (shelved(store), len(listed(store)), os.listdir(path / "keys")) == ([], 2, []), f"killed at {number}"
        assert store.read(new).state == "completed"
        assert store.create("other", make("other", idempotency_key="k"), None, "k").id not in all_of(ready)
        number += 1
    assert number > 10


def test_nothing_is_deleted_before_it_is_durable_elsewhere(store: ClockedFileStore) -> None:
    """Contents, names and the names of their folders; then the folders of the tasks go, durably; then their files."""
    answered(store)
    told: list[str] = []
    rename, unlink = os.rename, os.unlink

    def where(path: str) -> str:
        inside = path.removeprefix(store.address).strip("/").split("/")
        return "/".join(part if "-" not in part and len(part) < 16 else "*" for part in inside) or "root"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda fd: told.append("sync " + where(os.readlink(f"/proc/self/fd/{fd}"))))
        patched.setattr(os, "rename", lambda a, b: (told.append(f"{where(a)} to {where(b)}"), rename(a, b)))
        patched.setattr(os, "unlink", lambda path: (told.append("unlink " + where(path)), unlink(path)))
        archive(store)
    order = [line for line in told if not line.startswith("unlink tmp/*/") or "response" in line]
    assert order == [
        "sync tmp/*/tasks.jsonl.gz",
        "sync tmp/*/index",
        "sync tmp/*/about.json",
        "sync tmp/*/unfinished",
        "sync tmp/*",
        "sync root",
        "sync archive",
        "tmp/* to archive/*/*",
        "sync archive/*",
        "tasks/* to tmp/*",
        "sync tasks",
        "unlink tmp/*/response.json",
        "unlink archive/*/*/unfinished",
    ]


def test_a_task_that_somebody_writes_to_meanwhile_stays_and_is_archived_the_next_time(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = answered(store), answered(store)
    write = packing.Packing.write

    def write_and_note(self: packing.Packing, *args: Any) -> Any:
        done = write(self, *args)
        note(reopened(store), second, "late")
        return done

    monkeypatch.setattr(packing.Packing, "write", write_and_note)
    (step,) = store.archive(FAR)
    assert (step.tasks, step.left) == (1, (second,))
    assert (shelved(store), listed(store)) == ([first], [second])
    assert [event.type for event in store.events(second)][-1] == "note"
    (pack,) = packs(store.layout)
    assert Path(pack.folder, LEFT).read_text() == f"{second}\n"
    monkeypatch.setattr(packing.Packing, "write", write)
    before = all_of(store)
    assert moved(store) == 1
    assert all_of(store) == before and len(shelved(store)) == 2
    assert found(store) == []


def test_a_task_that_is_locked_stays(store: ClockedFileStore) -> None:
    import fcntl

    id = answered(store)
    descriptor = os.open(store.layout.task(id), os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    (step,) = store.archive(FAR)
    os.close(descriptor)
    assert (step.tasks, step.left, listed(store), shelved(store)) == (0, (id,), [id], [])
    assert moved(store) == 1


@pytest.mark.parametrize("what", ["a file of others", "a folder", "a torn claim", "a damaged answer", "no request"])
def test_what_cannot_be_moved_whole_stays_and_is_told(store: ClockedFileStore, what: str) -> None:
    good = answered(store)
    id = store.create("default", make(request_stored=True), b"please").id
    claim(store, id)
    respond(store, id, "t")
    place = Path(store.layout.task(id))
    {
        "a file of others": lambda: (place / "run.log").write_text("x"),
        "a folder": lambda: (place / "deep").mkdir(),
        "a torn claim": lambda: (place / "claim.json").write_bytes(b""),
        "a damaged answer": lambda: (place / "response.json").write_bytes(b"{"),
        "no request": lambda: (place / "request.md").unlink(),
    }[what]()
    before = sorted(os.listdir(place))
    steps = list(store.archive(FAR))
    assert [step.left for step in steps if step.left] == [(id,)]
    assert shelved(store) == [good] and sorted(os.listdir(place)) == before


def test_a_second_archive_at_the_same_time_is_told_to_come_again(store: ClockedFileStore) -> None:
    answered(store)
    steps = store.archive(FAR)
    next(steps)
    with pytest.raises(Busy, match="another archive or prune is at work"):
        list(reopened(store).archive(FAR))
    with pytest.raises(Busy):
        list(reopened(store).prune(FAR))
    steps.close()
    assert moved(store) == 0


def test_a_pack_holds_so_many_tasks_and_no_more(store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MOST_TASKS", 2)
    monkeypatch.setattr(archiver, "AT_ONCE", 3)
    ids = [answered(store) for _ in range(7)]
    steps = list(store.archive(FAR))
    assert sum(step.tasks for step in steps) == 7 and len(steps) >= 3
    assert sorted(shelved(store)) == sorted(ids)
    assert all(store.read(id).id == id for id in ids)


def test_a_pack_can_be_read_with_zcat_and_is_what_export_says(store: ClockedFileStore) -> None:
    ids = [answered(store) for _ in range(3)]
    exported = list(transfer.export(store, lambda wrong: None))
    archive(store)
    (pack,) = packs(store.layout)
    lines = gzip.decompress(Path(pack.folder, DATA).read_bytes()).decode().splitlines()
    assert lines == exported[1:-1]
    assert [decode(line).id for line in lines] == sorted(ids)
    assert list(transfer.export(store, lambda wrong: None))[1:-1] == lines
    about = json.loads(Path(pack.folder, "about.json").read_text())
    assert about == {
        "format": 1,
        "tasks": 3,
        "bytes": Path(pack.folder, DATA).stat().st_size,
        "counts": {"default": {"completed": 3}},
    }


def test_any_id_is_found_in_a_large_index_and_no_other(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MEMBER_BYTES", 5000)
    like = everything(store, answered(store, metadata={"required_vendor": "codex"}))
    wanted = packing.Packing("2026-09")
    ids = sorted(
        {f"{kind}{number:04d}{'x' * (number % 150)}" for number in range(0, 3000, 3) for kind in ("20260921", "a")}
    )
    for id in ids:
        task, response = like.snapshot.task.replace(id=id), like.snapshot.response
        assert response is not None
        snapshot = like.snapshot.replace(task=task, response=response.replace(task_id=id))
        wanted.add(store.layout, like.replace(snapshot=snapshot))
    pack, _ = wanted.write(store.layout, store.now())
    os.unlink(f"{pack.folder}/{UNFINISHED}")
    assert [parcel.id for parcel in pack.parcels()] == ids
    for id in ids[::7] + ids[:3] + ids[-3:]:
        parcel = pack.find(id)
        assert parcel is not None and parcel.id == id
        assert store.read(id).id == id
        assert pack.find(id + "y") is None and pack.find(id[:-1]) is None
    assert len({entry.offset for entry in pack.entries()}) > 50


def test_readers_never_see_a_wrong_state_while_tasks_are_moved(store: ClockedFileStore) -> None:
    ids = [answered(store) for _ in range(60)]
    expected = {id: everything(store, id) for id in ids}
    wrong, done = list[object](), threading.Event()

    def look() -> None:
        mine = reopened(store)
        while not done.is_set():
            for id in ids:
                try:
                    if not mine.finished(id) or everything(mine, id) != expected[id]:
                        wrong.append(mine.read(id))
                    if respond(mine, id, "t").state != "completed":
                        wrong.append(id)
                except AgentLanesError as error:
                    wrong.append(error)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    archive(store)
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    archive(store)
    assert sorted(shelved(store)) == sorted(ids)


# --- damage, and doctor --------------------------------------------------------------------------------------


def put(file: str, content: bytes) -> Callable[[Pack], object]:
    return lambda pack: Path(pack.folder, file).write_bytes(content)


MENDED: dict[str, Callable[[Pack], object]] = {
    "no index": lambda pack: Path(pack.folder, INDEX).unlink(),
    "an empty index": put(INDEX, b""),
    "a torn index": lambda pack: os.truncate(f"{pack.folder}/{INDEX}", 20),
    "an index of nonsense": put(INDEX, b"\xff\n" * 3),
    "no about": lambda pack: Path(pack.folder, "about.json").unlink(),
    "a wrong about": put("about.json", b'{"format": 1, "tasks": 9, "bytes": 1, "counts": {}}'),
    "an about of another format": put("about.json", b'{"format": 2}'),
}
LOST: dict[str, Callable[[Pack], object]] = {
    "no data": lambda pack: Path(pack.folder, DATA).unlink(),
    "torn data": lambda pack: os.truncate(f"{pack.folder}/{DATA}", 30),
    "data of nonsense": put(DATA, b"x" * 1000),
}


@pytest.mark.parametrize("damage", [*MENDED, *LOST])
def test_a_damaged_pack_hinders_nothing_else_and_is_mended_or_set_aside(
    store: ClockedFileStore, root: Path, damage: str
) -> None:
    ids = [answered(store) for _ in range(3)]
    archive(store)
    store.clock.advance(1)  # type: ignore[attr-defined]
    other = answered(store)
    archive(store)
    before = all_of(store)
    pack = next(iter(packs(store.layout)))
    {**MENDED, **LOST}[damage](pack)
    assert store.read(other).state == "completed"
    for id in ids:
        try:
            assert store.read(id) == before[id].snapshot
        except (Damaged, NotFound) as wrong:
            assert wrong.message.isprintable()
    (problem,) = found(store)
    assert (problem.level, problem.code, problem.path) == ("problem", "archive_damaged", pack.folder)
    (told,) = store.repair([problem])
    if damage in MENDED:
        assert told.repaired and all_of(store) == before and found(store) == []
    else:
        assert told.repaired and told.repaired.startswith("0 tasks of it could be read") and found(store) == []
        assert [Path(pack.folder).name] == [path.name for path in (root / "quarantine").glob("*/*,*,*")]
        assert other in shelved(store)
        again = submit(store)
        assert store.read(again).state == "queued"


def test_an_archived_task_is_done_once_more_though_nothing_is_added_to_its_history(store: ClockedFileStore) -> None:
    id = answered(store)
    archive(store)
    first, new = retries.again(store, id)
    assert new and store.read(first.id).state == "queued"
    assert retries.again(store, id) == (store.read(first.id).task, False)  # while that one is open
    respond(store, first.id)
    second, new = retries.again(store, id)
    assert new and second.id != first.id and second.retry_of == id


def test_doctor_names_an_archive_that_was_interrupted_long_ago_and_what_is_foreign(store: ClockedFileStore) -> None:
    answered(store)
    archive(store)
    (pack,) = packs(store.layout)
    Path(pack.folder, UNFINISHED).touch()
    Path(store.layout.archive, "notes").mkdir()
    assert [finding.code for finding in found(store)] == ["foreign_file"]
    os.utime(pack.folder, (1, 1))
    assert sorted(finding.code for finding in found(store)) == ["archive_unfinished", "foreign_file"]
    archive(store)
    assert [finding.code for finding in found(store)] == ["foreign_file"]


def test_a_reboot_and_a_rebuild_leave_the_archive_as_it_is(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(store)
    archive(store)
    before = all_of(store)
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", "another")
    later = ClockedFileStore(store.address, store.clock)
    later.prepare()
    assert all_of(later) == before
    assert [one for one in later.scan() if isinstance(one, Snapshot)] == []
