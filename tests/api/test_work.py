"""work(): claims a task, keeps its lease alive while the block runs, and puts back what was left unanswered."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes import Queue
from agent_lanes.errors import LostClaim, StorageFailed

SHORT = 0.3  # seconds: renewed every tenth of one
PATIENCE = 60.0


class Trouble(Exception):
    """What the block raises."""


@pytest.fixture(params=["memory:", "folder"])
def queue(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue."""
    monkeypatch.chdir(tmp_path)
    return Queue.open("memory:" if request.param == "memory:" else str(tmp_path / "state"))


def kinds(queue: Queue, id: str) -> list[str]:
    return [event.type for event in queue.events(id)]


def until(happened: Callable[[], bool], what: str) -> None:
    """Look until it has happened; fail after a minute, so that no defect hangs the tests."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, f"{what} did not happen"
        threading.Event().wait(0.01)


def test_the_lease_is_kept_alive_while_the_block_runs(queue: Queue) -> None:
    """Several leases long; every renewal is seen in the history, none is timed."""
    id = queue.submit("default", prompt="p")
    with queue.work("default", lease_seconds=SHORT) as task:
        assert task is not None
        until(lambda: kinds(queue, id).count("renewed") >= 7, "seven renewals")
        assert not task.lost
        claim = queue.read(id).claim
        assert claim is not None
        assert (claim.epoch, claim.token, claim.lease.seconds) == (1, task.token, SHORT)
        task.respond("fine")
    assert queue.wait(id).body == "fine"


def test_the_keeper_ends_with_the_block(queue: Queue) -> None:
    queue.submit("default", prompt="p")
    before = threading.enumerate()
    with queue.work("default", lease_seconds=SHORT) as task:
        assert task is not None
        (keeper,) = [thread for thread in threading.enumerate() if thread not in before]
        task.respond("fine")
    assert not keeper.is_alive()


def test_an_answered_task_is_not_released(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    with queue.work("default") as task:
        assert task is not None
        task.respond("fine")
    assert kinds(queue, id) == ["created", "claimed", "response"]


def test_a_task_that_the_block_leaves_unanswered_is_released(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    with queue.work("default") as task:
        assert task is not None
    claim = queue.read(id).claim
    assert claim is not None
    assert (queue.read(id).state, claim.reason) == ("queued", "left unanswered")


@pytest.mark.parametrize("trouble", [Trouble("no disk"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_a_block_that_raises_puts_its_task_back_and_the_error_comes_out(queue: Queue, trouble: BaseException) -> None:
    id = queue.submit("default", prompt="p")
    with pytest.raises(type(trouble)) as raised, queue.work("default"):
        raise trouble
    assert raised.value is trouble
    claim = queue.read(id).claim
    assert claim is not None
    assert queue.read(id).state == "queued"
    assert claim.reason == f"{type(trouble).__name__}: {trouble}"
    again = queue.claim("default")
    assert again is not None
    assert again.id == id


def test_an_error_whose_text_cannot_be_kept_still_comes_out(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    with pytest.raises(Trouble), queue.work("default"):
        raise Trouble("half a character: é\ud800")
    claim = queue.read(id).claim
    assert claim is not None
    assert (queue.read(id).state, claim.reason) == ("queued", "Trouble: half a character: é\\ud800")


def test_an_error_of_the_block_is_not_hidden_by_a_store_that_is_gone(tmp_path: Path) -> None:
    queue = Queue.open(str(tmp_path / "state"))
    queue.submit("default", prompt="p")
    with pytest.raises(Trouble), queue.work("default"):
        shutil.rmtree(tmp_path / "state")
        raise Trouble


def test_a_block_that_raises_after_its_answer_leaves_the_answer(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    with pytest.raises(Trouble), queue.work("default") as task:
        assert task is not None
        task.respond("fine")
        raise Trouble
    assert queue.wait(id).body == "fine"


def test_no_task_is_none_and_the_block_runs(queue: Queue) -> None:
    with queue.work("default") as task:
        assert task is None
    with pytest.raises(Trouble), queue.work("default") as task:
        raise Trouble


def test_work_waits_for_a_task_when_asked_to(queue: Queue) -> None:
    thread = threading.Thread(target=lambda: queue.submit("default", prompt="p"))
    thread.start()
    with queue.work("default", wait_seconds=PATIENCE) as task:
        assert task is not None
        task.respond("fine")
    thread.join()


def test_a_claim_that_another_takes_over_is_told_as_lost(queue: Queue) -> None:
    """As after a sleep of the machine: the lease ran out, another claimed the task, then the keeper renews."""
    id = queue.submit("default", prompt="p")
    with queue.work("default", lease_seconds=SHORT) as task:
        assert task is not None
        queue.release(id, task.token)
        queue.claim_task(id, owner="another")
        until(lambda: task.lost, "the loss of the claim")
        with pytest.raises(LostClaim):
            task.respond("late")
        with pytest.raises(LostClaim):
            task.event("late, too")
    claim = queue.read(id).claim
    assert claim is not None
    assert (claim.owner, claim.held) == ("another", True)  # leaving the block does not release another's claim


def test_a_call_that_finds_the_claim_lost_tells_so_too(queue: Queue) -> None:
    id = queue.submit("default", prompt="p")
    task = queue.claim("default")
    assert task is not None and not task.lost
    queue.release(id, task.token)
    queue.claim_task(id, owner="another")
    with pytest.raises(LostClaim):
        task.event("back again")
    assert task.lost


def test_a_claim_whose_task_is_gone_is_told_as_lost(tmp_path: Path) -> None:
    queue = Queue.open(str(tmp_path / "state"))
    id = queue.submit("default", prompt="p")
    with pytest.raises(Trouble), queue.work("default", lease_seconds=SHORT) as task:
        assert task is not None
        shutil.rmtree(tmp_path / "state/tasks" / id)
        until(lambda: task.lost, "the loss of the claim")
        raise Trouble


def test_a_renewal_that_fails_for_a_while_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the store is told to refuse, the keeper goes on, and the claim is kept once there is room."""
    from agent_lanes.backends.files.store import FileStore

    queue = Queue.open(str(tmp_path / "state"))
    id = queue.submit("default", prompt="p")
    failures = threading.Semaphore(0)
    original = FileStore.update

    def full(self: FileStore, *args: object, **options: object) -> object:
        failures.release()
        raise StorageFailed("no space left on device")

    with queue.work("default", lease_seconds=SHORT) as task:
        assert task is not None
        monkeypatch.setattr(FileStore, "update", full)
        for _ in range(3):
            assert failures.acquire(timeout=PATIENCE)
        monkeypatch.setattr(FileStore, "update", original)
        until(lambda: "renewed" in kinds(queue, id), "a renewal")
        assert not task.lost
        task.respond("fine")
