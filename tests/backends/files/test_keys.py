"""keys/ and claims/: what is reserved before a task is, and whoever dies between."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import Clock, ClockedFileStore, make, submit

from agent_lanes.backends.files import atomic, keys
from agent_lanes.backends.files.hints import Hints
from agent_lanes.core.task import Snapshot, Task
from agent_lanes.core.times import SECOND
from agent_lanes.errors import Damaged, StorageFailed, Unconfirmed
from agent_lanes.ports import Birth
from agent_lanes.services.queue import QueueService
from backends.files.conftest import Open
from backends.files.sweep import at_call, die
from backends.files.test_examine import found, repaired
from backends.files.test_hints import taken
from backends.files.test_layout import ready_markers
from backends.files.test_processes import together

RESERVED = "20261121T023929158949Z-reserved-0123456789ab"
PLACE = keys.Reservation(id=RESERVED, sequence=3, lane="default")


def submit_once(store: ClockedFileStore) -> str:
    return store.create("default", born, None, "k").id


def born(birth: Birth) -> Task:
    """As the services make it: under the reserved id, where there is one."""
    task = make(idempotency_key="k")(birth)
    return task if birth.id is None else task.replace(id=birth.id)


def ids(store: ClockedFileStore) -> list[str]:
    return [found.id for found in store.scan() if isinstance(found, Snapshot)]


def test_a_reservation_whose_task_never_came_is_completed_under_the_reserved_id(
    store: ClockedFileStore, root: Path
) -> None:
    store.prepare()
    assert keys.reserve(store.layout, "k", PLACE) == PLACE
    assert ids(store) == []
    assert submit_once(store) == RESERVED
    assert submit_once(store) == RESERVED
    assert ids(store) == list(store.candidates("default", None)) == [RESERVED]
    assert os.listdir(root / "tmp") == []


def test_a_reservation_is_never_replaced(store: ClockedFileStore, root: Path) -> None:
    store.prepare()
    keys.reserve(store.layout, "k", PLACE)
    assert keys.reserve(store.layout, "k", PLACE.replace(id="another")) == PLACE
    assert keys.reserved(store.layout, "k") == PLACE
    assert keys.reserved(store.layout, "l") is None
    [file] = (root / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(root / "tmp") == []


def test_a_reservation_for_another_lane_gives_the_id_and_not_the_place(store: ClockedFileStore) -> None:
    store.prepare()
    keys.reserve(store.layout, "k", PLACE.replace(sequence=900, lane="elsewhere"))
    assert submit_once(store) == RESERVED
    assert store.read(RESERVED).task.sequence == 1


def test_a_call_that_meets_anothers_reservation_makes_it_durable_before_its_task(
    store: ClockedFileStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut could take the reservation and leave the task, and the next call would make a second one."""
    store.prepare()
    keys.reserve(store.layout, "k", PLACE)  # by a process that was killed right after the link
    synced, sync = list[str](), atomic.sync_folder

    def noted(path: str) -> None:
        synced.append(os.path.relpath(path, root).partition("/")[0])
        sync(path)

    monkeypatch.setattr(atomic, "sync_folder", noted)
    submit_once(store)
    assert synced == ["keys", "tasks", "tasks"]


@pytest.mark.parametrize("content", [b"", b"\0" * 20, b"../../etc/passwd\n1 l\n", b"\xff\n", b"x" * 5000, b"id\nx l\n"])
def test_a_key_whose_record_is_damaged_is_refused_and_makes_no_second_task(
    store: ClockedFileStore, root: Path, content: bytes
) -> None:
    id = submit_once(store)
    [record] = (root / "keys").iterdir()
    record.write_bytes(content)
    with pytest.raises(Damaged, match="idempotency_key: its record is damaged"):
        submit_once(store)
    assert ids(store) == [id]


def test_of_two_calls_with_one_key_the_one_that_comes_second_leaves_the_marker_of_the_first(
    store: ClockedFileStore, root: Path
) -> None:
    """Both make the same marker; whoever finds the task there must not take it away."""

    def late(birth: Birth) -> Task:
        if not ids(store):
            submit_once(ClockedFileStore(store.address, store.clock))
        return born(birth)

    store.prepare()
    keys.reserve(store.layout, "k", PLACE)
    assert store.create("default", late, None, "k").id == RESERVED
    assert len(ready_markers(root)) == 1
    assert [taken(store), taken(store)] == [RESERVED, None]


def test_many_processes_with_one_key_make_one_task(store: ClockedFileStore, root: Path) -> None:
    body = """
from backends.files.test_keys import submit_once
print(json.dumps([submit_once(store) for _ in range(5)]))
"""
    results = together(root, 4, body)
    assert len({id for result in results for id in result}) == 1
    assert ids(store) == list(store.candidates("default", None)) == [results[0][0]]
    assert os.listdir(root / "tmp") == []


def test_many_processes_with_one_request_id_get_one_token(store: ClockedFileStore, root: Path) -> None:
    id = store.create("default", make()).id
    body = f"""
taken = QueueService(store).claim({id!r}, owner="ann", request_id="r")
print(json.dumps(taken.claim.token))
"""
    assert len(set(map(json.dumps, together(root, 4, body)))) == 1
    assert store.read(id).epoch == 1


def killed(store: ClockedFileStore, do: Callable[[ClockedFileStore], object], number: int) -> bool:
    """Do it in a process that is killed at that call; False if it lived to the end."""
    child = os.fork()
    if child == 0:
        with at_call(number, die):
            try:
                do(ClockedFileStore(store.address, store.clock))
            finally:
                os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_killed_at_any_call_a_submit_with_a_key_is_one_task_once_it_is_repeated(tmp_path: Path, clock: Clock) -> None:
    number = 0
    while True:
        store = ClockedFileStore(str(tmp_path / str(number)), clock)
        store.prepare()
        lived = not killed(store, submit_once, number)
        assert submit_once(store) == submit_once(store)
        assert len(ids(store)) == 1
        assert [os.path.basename(path)[15:] for path in ready_markers(Path(store.address))] == ids(store)
        assert [taken(store), taken(store)] == [*ids(store), None]
        if lived:
            break
        number += 1
    assert number > 20


@pytest.mark.parametrize("waits_in", ["ready", "delayed", "blocked"])
def test_what_a_submit_killed_at_any_call_leaves_is_told_and_removed_once_no_submit_can_be_in_flight(
    tmp_path: Path, clock: Clock, waits_in: str
) -> None:
    number = 0
    while True:
        store = ClockedFileStore(str(tmp_path / str(number)), clock)
        other = submit(store)
        stated = {
            "ready": {},
            "delayed": {"not_before": clock().wall + 1000 * SECOND},
            "blocked": {"depends_on": (other,)},
        }[waits_in]

        def do(store: ClockedFileStore, stated: dict[str, Any] = stated) -> object:
            return store.create("default", lambda birth: born(birth).replace(**stated), None, "k")

        lived = not killed(store, do, number)
        assert found(store) == []
        for path in [*Path(store.address).rglob("*")]:
            os.utime(path, (0, 0), follow_symlinks=False)
        assert {finding.code for finding in found(store)} <= {"hints_stale", "litter"}
        assert [finding.message for finding in found(store)] == [finding.message for finding in repaired(store)]
        assert found(store) == []
        if lived:
            break
        assert len(Hints(store.layout).all_markers()) == len(ids(store))
        number += 1
    assert number > 20


def test_killed_at_any_call_a_claim_with_a_request_id_is_one_claim_once_it_is_repeated(
    tmp_path: Path, clock: Clock
) -> None:
    def claim(store: ClockedFileStore) -> Snapshot | None:
        return QueueService(store).claim_next("default", owner="ann", request_id="r")

    number = 0
    while True:
        store = ClockedFileStore(str(tmp_path / str(number)), clock)
        first, second = (store.create("default", make()).id for _ in range(2))
        lived = not killed(store, claim, number)
        taken = claim(store)
        assert taken is not None and (taken.id, taken.epoch) == (first, 1)
        assert claim(store) == taken
        assert store.read(second).claim is None
        if lived:
            break
        number += 1
    assert number > 10


def test_whatever_call_fails_a_submit_with_a_key_leaves_nothing_or_is_completed_later(
    tmp_path: Path, clock: Clock
) -> None:
    def fail(name: str, args: tuple[object, ...]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x")

    for number in range(60):
        store = ClockedFileStore(str(tmp_path / str(number)), clock)
        store.prepare()
        try:
            with at_call(number, fail):
                submit_once(store)
        except (StorageFailed, Unconfirmed):
            pass
        assert submit_once(store) == submit_once(store)
        assert len(ids(store)) == 1


@pytest.mark.parametrize("content", [b"", b"\0" * 20, b"../../etc/passwd\n", b"\xff\n", b"x" * 500])
def test_a_note_of_a_request_id_that_says_nothing_is_as_none(
    store: ClockedFileStore, root: Path, content: bytes
) -> None:
    id = store.create("default", make()).id
    queue = QueueService(store)
    queue.claim(id, owner="ann", request_id="r")
    [note] = (root / "claims").iterdir()
    note.write_bytes(content)
    assert queue.claim_next("default", owner="ann", request_id="r") is None
    assert queue.claim(id, owner="ann", request_id="r").epoch == 1


def test_a_note_of_a_request_id_goes_when_another_takes_the_task_over(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    queue, id = QueueService(store), store.create("default", make()).id
    queue.claim(id, owner="ann", request_id="r", lease_seconds=1)
    clock.advance(1)
    queue.claim(id, owner="bob", request_id="r")
    assert os.listdir(root / "claims") == [os.path.basename(store.layout.claimed_as("bob", "r"))]


def test_the_note_of_a_request_id_that_was_used_for_another_task_since_stays(
    store: ClockedFileStore, clock: Clock
) -> None:
    queue = QueueService(store)
    first, second = (store.create("default", make()).id for _ in range(2))
    queue.claim(first, owner="ann", request_id="r", lease_seconds=1)
    clock.advance(1)
    held = queue.claim(second, owner="ann", request_id="r")
    queue.claim(first, owner="bob")
    assert queue.claim_next("default", owner="ann", request_id="r") == held


def test_a_note_left_by_a_killed_release_is_swept_by_a_rebuild_once_it_is_old(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    queue = QueueService(store)
    held, gone = (store.create("default", make()).id for _ in range(2))
    queue.claim(held, owner="ann", request_id="r")
    claim = queue.claim(gone, owner="bob", request_id="r").claim
    assert claim is not None
    note = Path(store.layout.claimed_as("bob", "r"))
    content = note.read_bytes()
    queue.release(gone, claim.token)
    note.write_bytes(content)  # as if the release had been killed before it dropped the note
    for age, left in ((60, 2), (7200, 1)):
        for path in (root / "claims").iterdir():
            os.utime(path, (store.now().wall / SECOND - age,) * 2)
        (root / "gate").unlink()
        open_store().prepare()
        assert len(os.listdir(root / "claims")) == left
    assert os.listdir(root / "claims") == [os.path.basename(store.layout.claimed_as("ann", "r"))]


def test_a_note_of_a_request_id_goes_when_its_claim_ends(store: ClockedFileStore, root: Path) -> None:
    queue = QueueService(store)
    for end in ("release", "respond"):
        id = store.create("default", make()).id
        claim = queue.claim(id, owner="ann", request_id=end).claim
        assert claim is not None and len(os.listdir(root / "claims")) == 1
        if end == "release":
            queue.release(id, claim.token)
        else:
            queue.respond(id, "fine", token=claim.token)
        assert os.listdir(root / "claims") == []
