"""The two locks: what a held one stops, what it does not, and what happens when its folder is replaced."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, in_threads, note, respond, submit

from agent_lanes.backends.files import counter, gate, lock
from agent_lanes.backends.files.lock import Lock
from agent_lanes.core import transitions
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import Moment
from agent_lanes.core.transitions import Change
from agent_lanes.errors import Busy, NotFound
from agent_lanes.services.queue import QueueService
from backends.files.conftest import opened


@contextmanager
def held(path: Path, operation: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Somebody else holds the flock: another open file, as another process would have."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 s are over at once; how long they are is no matter of behaviour."""
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(counter, "PATIENCE_SECONDS", 0.05)


def test_a_task_that_is_locked_makes_a_claimer_go_on_to_the_next_at_once(
    store: ClockedFileStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sleep(seconds: float) -> None:
        raise AssertionError("a claimer waits for a lock")

    first, second = submit(store), submit(store)
    monkeypatch.setattr(lock.time, "sleep", no_sleep)
    queue = QueueService(store)
    with held(root / "tasks" / first):
        taken = queue.claim_next("default")
        assert taken is not None
        assert taken.id == second
        assert queue.claim_next("default") is None
    taken = queue.claim_next("default")
    assert taken is not None
    assert taken.id == first


def test_a_locked_task_whose_lease_ran_out_does_not_hold_up_the_others(store: ClockedFileStore, root: Path) -> None:
    expired, second = submit(store), submit(store)
    claim(store, expired, lease_seconds=1)
    store.clock.advance(1)  # type: ignore[attr-defined]
    with held(root / "tasks" / expired):
        taken = QueueService(store).claim_next("default")
    assert taken is not None
    assert taken.id == second


@pytest.mark.usefixtures("impatient")
def test_whoever_needs_a_locked_task_is_told_who_holds_it(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    folder = root / "tasks" / id
    holder = subprocess.Popen(["flock", "-F", str(folder), "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()  # it has the lock
        for change in (lambda: claim(store, id), lambda: note(store, id, "m"), lambda: respond(store, id)):
            with pytest.raises(Busy, match=rf"task {id}: locked for .* by process {holder.pid} "):
                change()
    finally:
        holder.kill()
        holder.communicate()
    assert store.read(id) == Snapshot(task=store.read(id).task)
    assert list((root / "tmp").iterdir()) == []
    assert claim(store, id).state == "claimed"  # a holder that dies gives the lock back


def test_one_who_is_not_patient_is_told_at_once(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    with held(root / "tasks" / id), pytest.raises(Busy, match="locked"):
        claim(store, id, patient=False)
    assert store.read(id).claim is None


def test_one_who_is_patient_gets_the_lock_when_it_is_given_back(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    with held(root / "tasks" / id):
        thread = threading.Thread(target=lambda: claim(store, id))
        thread.start()
        thread.join(0.02)
        assert store.read(id).claim is None
    thread.join(30)
    assert store.read(id).state == "claimed"


@pytest.mark.usefixtures("impatient")
def test_a_locked_task_delays_nobody_else(store: ClockedFileStore, root: Path) -> None:
    locked, other = submit(store), submit(store)
    with held(root / "tasks" / locked):
        assert claim(store, other).state == "claimed"
        assert respond(store, other, "t").state == "completed"
        assert submit(store)
        assert locked in [found.id for found in store.scan(active_only=True)]  # type: ignore[union-attr]


@pytest.mark.usefixtures("impatient")
def test_while_the_store_is_being_rebuilt_changes_are_told_to_come_again_and_readers_read(
    store: ClockedFileStore, root: Path
) -> None:
    id = submit(store)
    with held(root / "gate"):
        changes = (lambda: submit(store), lambda: claim(store, id), lambda: respond(store, id))
        for change in (*changes, lambda: QueueService(store).claim_next("default")):
            with pytest.raises(Busy, match="the store: locked"):
                change()
        assert store.read(id).state == "queued"
        assert list(store.candidates("default", None)) == [id]
        assert not store.finished(id)
        assert len(list(store.scan())) == 1
    assert claim(store, id).state == "claimed"


@pytest.mark.usefixtures("impatient")
def test_while_the_store_is_being_rebuilt_a_lane_whose_leases_ran_out_is_busy_not_idle(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    claim(store, submit(store), lease_seconds=1)
    clock.advance(2)
    with held(root / "gate"), pytest.raises(Busy, match="the store: locked"):
        QueueService(store).claim_next("default")


def test_who_comes_while_a_repair_waits_for_the_store_gives_way_to_it(store: ClockedFileStore, root: Path) -> None:
    """Otherwise it would wait for as long as one holds the gate shared, whoever that is at the moment."""
    submit(store)
    with held(root / "gate", fcntl.LOCK_SH):
        repair = threading.Thread(target=store.repair, args=([],))
        repair.start()
        while (root / "gate").read_bytes() != gate.CLOSING:
            assert repair.is_alive()
        assert store._gate.entered() is None
    assert submit(store)
    repair.join()
    assert (root / "gate").read_bytes() == store._gate.content


@pytest.mark.usefixtures("impatient")
def test_a_repair_that_gets_no_turn_keeps_nobody_out(store: ClockedFileStore, root: Path) -> None:
    submit(store)
    with held(root / "gate", fcntl.LOCK_SH):
        with pytest.raises(Busy):
            store.repair([])
        assert submit(store)


def test_who_waits_to_bring_the_store_up_goes_on_once_another_has_although_others_pass(
    store: ClockedFileStore, root: Path
) -> None:
    """Waiting for the gate exclusively would last as long as one holds it shared, whoever that is at the moment."""
    submit(store)
    content = (root / "gate").read_bytes()
    (root / "gate").write_bytes(b"")
    with held(root / "gate", fcntl.LOCK_SH):
        threading.Timer(0.05, (root / "gate").write_bytes, [content]).start()
        assert submit(store)


def test_a_repair_that_was_killed_while_it_wanted_the_store_keeps_nobody_out(
    store: ClockedFileStore, root: Path
) -> None:
    submit(store)
    (root / "gate").write_bytes(gate.CLOSING)
    assert submit(store)
    assert (root / "gate").read_bytes() == store._gate.content


def test_the_gate_held_shared_lets_every_change_pass(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    with held(root / "gate", fcntl.LOCK_SH):
        claim(store, id)
        respond(store, id, "t")
        submit(store)


@pytest.mark.usefixtures("impatient")
def test_a_locked_counter_makes_submits_to_its_lane_busy_and_no_others(store: ClockedFileStore, root: Path) -> None:
    submit(store)
    with held(root / "ready/default/.sequence"):
        with pytest.raises(Busy, match="lane default: its counter is locked"):
            submit(store)
        submit(store, "other")
    submit(store)


def test_readers_take_no_lock(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    claim(store, id)
    respond(store, id, "t")
    queued = submit(store)
    with held(root / "gate"), held(root / "tasks" / id), held(root / "tasks" / queued):
        assert store.read(id).state == "completed"
        assert store.finished(id)
        store.confirm(id)
        assert len(list(store.events(id))) == 3
        assert store.last_event(id) is not None
        assert len(list(store.scan())) == 2
        assert list(store.candidates("default", None)) == [queued]
        assert (store.depth("default"), store.next_due("default")) == (1, None)
        assert QueueService(store).peek_next("default") == store.read(queued)


# --- the thing itself ----------------------------------------------------------------------------------------


def test_two_threads_exclude_each_other_as_two_processes_do(tmp_path: Path) -> None:
    inside = 0
    most = 0

    def enter(number: int) -> None:
        nonlocal inside, most
        for _ in range(20):
            with Lock(str(tmp_path), "it"):
                inside += 1
                most = max(most, inside)
                os.sched_yield()
                inside -= 1

    in_threads(4, enter)
    assert (most, inside) == (1, 0)


def test_a_folder_that_was_replaced_while_waiting_for_its_lock_is_noticed(tmp_path: Path) -> None:
    """The lock that was got belongs to a folder without a name: the one that has the name is locked instead."""
    folder, old = tmp_path / "task", tmp_path / "old"
    folder.mkdir()
    locked: list[Lock] = []
    with held(folder):
        waiter = Lock(str(folder), "it")
        waiting = threading.Thread(target=lambda: locked.append(waiter.__enter__()))
        waiting.start()
        while waiter.descriptor < 0:
            os.sched_yield()
        folder.rename(old)
        folder.mkdir()
    waiting.join(30)
    assert os.fstat(locked[0].descriptor).st_ino == folder.stat().st_ino
    with pytest.raises(Busy), Lock(str(folder), "it", patient=False):
        pass
    with Lock(str(old), "it", patient=False):
        pass
    waiter.__exit__(None, None, None)


def test_a_folder_that_vanished_while_waiting_for_its_lock_is_not_found(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    outcome: list[object] = []

    def wait() -> None:
        try:
            with waiter:
                outcome.append("locked")
        except NotFound as gone:
            outcome.append(gone)

    waiter = Lock(str(folder), "it")
    with held(folder):
        waiting = threading.Thread(target=wait)
        waiting.start()
        while waiter.descriptor < 0:
            os.sched_yield()
        folder.rmdir()
    waiting.join(30)
    assert isinstance(outcome[0], NotFound)


def test_a_lock_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    with Lock(str(tmp_path), "it"):
        assert len(opened(tmp_path)) == 1
    with Lock(str(tmp_path), "it"), pytest.raises(Busy), Lock(str(tmp_path), "it", patient=False):
        pass
    with pytest.raises(NotFound), Lock(str(tmp_path / "none"), "it"):
        pass
    assert opened(tmp_path) == []


# --- deciding again ------------------------------------------------------------------------------------------


def test_decide_is_run_again_when_the_task_changed_meanwhile(store: ClockedFileStore, open_store: object) -> None:
    """Nobody waits for a decision: it is made before the lock is taken, and again if somebody was faster."""
    id = submit(store)
    seen: list[int] = []

    def decide(before: Snapshot, now: Moment) -> Change:
        seen.append(before.epoch)
        if len(seen) <= 2:
            claim(store, id, f"t{len(seen)}", lease_seconds=1)
            store.clock.advance(1)  # type: ignore[attr-defined]
        return transitions.claim(before, owner="late", token="late", lease_seconds=1, now=now.replace(boot_id="other"))

    snapshot, _ = store.update(id, decide)
    assert seen == [0, 1, 2]
    assert (snapshot.epoch, snapshot.claim and snapshot.claim.owner) == (3, "late")


def test_an_answer_that_came_meanwhile_ends_the_decision_of_another(store: ClockedFileStore, root: Path) -> None:
    from agent_lanes.errors import Refused

    id = submit(store)

    def decide(before: Snapshot, now: Moment) -> Change:
        change = transitions.claim(before, owner="late", token="late", lease_seconds=1, now=now)
        if before.response is None:
            respond(store, id)
        return change

    with pytest.raises(Refused, match="task is completed"):
        store.update(id, decide)
    assert store.read(id).claim is None
    assert list((root / "tmp").iterdir()) == []


def test_a_task_that_vanished_meanwhile_is_not_found(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)

    def decide(before: Snapshot, now: Moment) -> Change:
        shutil.rmtree(root / "tasks" / id)
        return transitions.claim(before, owner="late", token="late", lease_seconds=1, now=now)

    with pytest.raises(NotFound):
        store.update(id, decide)
    assert list((root / "tmp").iterdir()) == []
