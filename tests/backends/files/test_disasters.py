"""What a power cut, a clean-up script or a permission does to a store, and how it goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from contracts.stores import Clock, ClockedFileStore, claim, make, renew, respond, submit

from agent_lanes.core.task import Snapshot
from agent_lanes.errors import Damaged, LostClaim, StorageFailed
from agent_lanes.services.queue import QueueService
from backends.files.conftest import Open
from backends.files.test_hints import ORPHAN, put_marker, taken
from backends.files.test_layout import markers


def all_markers(root: Path) -> list[str]:
    return [f"{kind}/{name}" for kind in ("ready", "timers", "held") for name in markers(root, kind)]


@pytest.mark.parametrize("state", ["queued", "claimed"])
def test_a_task_that_cannot_be_read_at_a_rebuild_keeps_its_marker_and_is_found_once_it_can(
    store: ClockedFileStore, root: Path, open_store: Open, state: str
) -> None:
    id, other = submit(store), submit(store)
    if state == "claimed":
        claim(store, id)
    record = root / "tasks" / id / "task.json"
    content = record.read_bytes()
    before = [name for name in all_markers(root) if id in name]
    assert len(before) == 1
    record.write_bytes(b"\0" * len(content))
    store = open_store(boot="the next boot")
    assert taken(store) == other
    assert set(before) <= set(all_markers(root))
    record.write_bytes(content)
    assert taken(store) == id


def test_a_rebuild_keeps_the_marker_of_a_submit_that_may_be_in_flight(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    store.prepare()
    young = put_marker(root, "ready", ORPHAN)
    open_store(boot="the next boot").prepare()
    assert young.exists()


@pytest.mark.parametrize("name", ["tmp", "ready", "timers", "held", "signals", "keys", "claims", "indexes", "gate"])
def test_a_folder_that_was_deleted_is_made_again_by_the_next_change_and_every_task_is_found(
    store: ClockedFileStore, root: Path, open_store: Open, clock: Clock, name: str
) -> None:
    first, expired = submit(store), submit(store)
    claim(store, expired, lease_seconds=1)
    if (root / name).is_dir():
        shutil.rmtree(root / name)
    else:
        (root / name).unlink()
    store = open_store()
    new = store.create("default", make(idempotency_key="k"), None, "k").id
    clock.advance(1)
    assert [taken(store) for _ in range(4)] in ([first, expired, new, None], [first, new, expired, None])

    if name in ("tmp", "ready", "timers", "held", "gate"):
        assert (root / name).exists()


@pytest.mark.parametrize("name", ["tmp", "ready", "timers", "held"])
def test_a_folder_deleted_under_a_process_that_found_it_there_long_ago_is_noticed(
    store: ClockedFileStore, root: Path, name: str
) -> None:
    """It looks again only once a name in the state folder has changed."""
    first = submit(store)
    os.utime(root, ns=(1, 1))
    second = submit(store)
    shutil.rmtree(root / name)
    third = submit(store)
    assert (root / name).is_dir()
    assert [taken(store) for _ in range(4)] == [first, second, third, None]


def test_a_folder_that_a_backup_does_not_hold_is_noticed_though_it_brings_the_old_times_along(
    store: ClockedFileStore, root: Path
) -> None:
    first = submit(store)
    os.utime(root, ns=(1, 1))
    second = submit(store)
    shutil.rmtree(root / "ready")
    os.utime(root, ns=(1, 1))
    third = submit(store)
    assert [taken(store) for _ in range(4)] == [first, second, third, None]


@pytest.mark.parametrize("torn", [b"", b"\0" * 300], ids=["empty", "zeros"])
def test_a_claim_torn_by_a_power_cut_is_healed_at_the_first_change_after_the_reboot(
    store: ClockedFileStore, root: Path, open_store: Open, torn: bytes
) -> None:
    id, other = submit(store), submit(store)
    claim(store, id, "old")
    renew(store, id, "old")
    path = root / "tasks" / id / "claim.json"
    path.write_bytes(torn)
    store = open_store(boot="the next boot")
    assert submit(store, lane="elsewhere")
    assert json.loads(path.read_text())["released_at"] is not None
    assert {taken(store), taken(store), taken(store)} == {id, other, None}
    found = store.read(id)
    assert found.epoch > 1
    with pytest.raises(LostClaim):
        respond(store, id, "old")
    assert all(isinstance(entry, Snapshot) for entry in store.scan())


@pytest.mark.parametrize("torn", [b"", b"\0" * 300, b'{\n  "claimed_at": "2026'], ids=["empty", "zeros", "cut"])
def test_who_only_looks_after_a_power_cut_sees_a_torn_claim_as_it_will_be_healed(
    store: ClockedFileStore, root: Path, open_store: Open, torn: bytes
) -> None:
    id = submit(store)
    claim(store, id)
    path = root / "tasks" / id / "claim.json"
    path.write_bytes(torn)
    with pytest.raises(Damaged):
        store.read(id)  # no power cut was between
    store = open_store(boot="the next boot")
    found = store.read(id)
    assert (found.state, found.epoch) == ("queued", 1001)
    assert [entry for entry in store.scan() if isinstance(entry, Damaged)] == []
    assert {finding.level for finding in store.examine()} == {"warning"}
    assert path.read_bytes() == torn
    assert claim(store, id).epoch == 1002


def test_a_claim_damaged_otherwise_is_left_for_doctor(store: ClockedFileStore, root: Path, open_store: Open) -> None:
    id = submit(store)
    claim(store, id)
    path = root / "tasks" / id / "claim.json"
    path.write_bytes(b'{"format": 2}\n')
    store = open_store(boot="the next boot")
    store.prepare()
    assert path.read_bytes() == b'{"format": 2}\n'
    assert not (root / "quarantine").exists()
    assert [finding.code for finding in store.examine() if finding.task_id == id] == ["damaged"]


def test_a_pipe_in_the_place_of_a_lanes_signal_keeps_no_submit_waiting(
    store: ClockedFileStore, root: Path, agent_lanes: Run
) -> None:
    """Opening a pipe to write waits for somebody who reads it."""
    submit(store)
    (root / "signals" / "default").unlink()
    os.mkfifo(root / "signals" / "default")
    done = agent_lanes("submit", "--lane", "default", "--prompt", "p", "--store", root)
    assert (done.returncode, "a wake-up could not be written" in done.stderr) == (0, True)


def test_a_folder_in_the_place_of_a_marker_keeps_no_other_task_of_the_lane_back(
    store: ClockedFileStore, root: Path
) -> None:
    first, second = submit(store), submit(store)
    (marker,) = [root / "ready" / name for name in markers(root, "ready") if first in name]
    marker.unlink()
    marker.mkdir()
    queue = QueueService(store)
    for id in (first, second):
        taken_now = queue.claim_next("default")
        assert taken_now is not None and taken_now.id == id and taken_now.claim is not None
        queue.respond(id, "ok", token=taken_now.claim.token)
    assert queue.claim_next("default") is None


@pytest.mark.parametrize("rebooted", [False, True])
def test_a_file_in_the_place_of_a_task_that_others_wait_for_concerns_that_task_alone(
    store: ClockedFileStore, root: Path, open_store: Open, rebooted: bool
) -> None:
    lost, other = submit(store), submit(store)
    submit(store, depends_on=(lost,))
    shutil.rmtree(root / "tasks" / lost)
    (root / "tasks" / lost).touch()
    store = open_store(boot="the next boot") if rebooted else store
    assert taken(store) == other
    store.repair(list(store.examine()))
    assert store.read(submit(store)).state == "queued"


def test_a_file_in_the_place_of_a_task_that_waits_hinders_no_answer_to_what_it_waits_for(
    store: ClockedFileStore, root: Path
) -> None:
    first = submit(store)
    waiting = submit(store, depends_on=(first,))
    shutil.rmtree(root / "tasks" / waiting)
    (root / "tasks" / waiting).touch()
    assert respond(store, first).response is not None


def test_a_task_that_is_not_known_to_what_it_waits_for_is_told_and_known_again_after_a_repair(
    store: ClockedFileStore, root: Path
) -> None:
    first = submit(store)
    waiting = submit(store, depends_on=(first,))
    shutil.rmtree(root / "dependants")
    told = [finding for finding in store.examine() if finding.code == "hint_missing"]
    assert [waiting in finding.message for finding in told] == [True]
    store.repair(told)
    assert [finding for finding in store.examine() if finding.code == "hint_missing"] == []
    respond(store, first)
    assert taken(store) == waiting


@pytest.mark.parametrize(("name", "why"), [("ready", "there is no ready/"), ("gate", "the gate does not say")])
def test_doctor_says_why_hints_are_to_be_built_anew(store: ClockedFileStore, root: Path, name: str, why: str) -> None:
    submit(store)
    shutil.rmtree(root / name) if name == "ready" else (root / name).write_bytes(b"closing\n")
    told = [one.message for one in store.examine() if one.code == "hints_of_another_boot"]
    assert len(told) == 1 and told[0].startswith(f"the hints are to be built anew: {why}")


@pytest.mark.parametrize("rebooted", [False, True])
def test_a_task_whose_folder_may_not_be_entered_keeps_nothing_back_but_what_waits_for_it(
    store: ClockedFileStore, root: Path, open_store: Open, monkeypatch: pytest.MonkeyPatch, rebooted: bool
) -> None:
    """As one that was submitted with sudo."""
    closed, other = submit(store), submit(store)
    waiting = submit(store, depends_on=(closed,))
    (root / "tasks" / closed).chmod(0o700)  # it is durable
    with monkeypatch.context() as patched:
        forbid(patched, root / "tasks" / closed)
        store = open_store(boot="the next boot") if rebooted else store
        queue = QueueService(store)
        found = queue.claim_next("default")
        assert found is not None and found.id == other and queue.claim_next("default") is None
        assert store.read(waiting).open_dependencies == (closed,)
        store.repair(list(store.examine()))
        assert (root / "tasks" / closed).is_dir()
    respond(store, closed)
    assert taken(store) == waiting


def forbid(patched: pytest.MonkeyPatch, folder: Path) -> None:
    """What the system says to a user who may not enter a folder; root may."""

    def refusing(original: Any) -> Any:
        def call(path: Any, *args: Any, **options: Any) -> Any:
            inside = isinstance(path, str) and path.startswith(f"{folder}/")
            if inside or (path == str(folder) and original is not os.stat):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return original(path, *args, **options)

        return call

    for name in ("open", "stat", "listdir", "scandir"):
        patched.setattr(os, name, refusing(getattr(os, name)))


def test_a_task_that_somebody_else_has_set_aside_by_now_is_repaired_already(
    store: ClockedFileStore, root: Path
) -> None:
    id = submit(store)
    (root / "tasks" / id / "task.json").write_text("{")
    seen = list(store.examine())
    store.repair(seen)
    assert [finding.repaired is None for finding in store.repair(seen) if finding.code == "damaged"] == [False]
    assert len(list((root / "quarantine").iterdir())) == 1


@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_a_full_disk_while_the_store_is_taken_keeps_nobody_out(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A process that goes on must not go on holding the gate."""
    submit(store)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(StorageFailed):
            store.repair([])
    submit(store)
