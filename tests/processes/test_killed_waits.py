"""kill -9 of a process that blocks leaves nothing: no lock, no claim, no file, no process."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.process import blocked as is_blocked

from agent_lanes import Queue

LANE = "quiet"
Blocked = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """A queue that has had a task, and whose lane is empty now."""
    made = Queue.open(str(tmp_path / "store"))
    made.respond(made.submit(LANE, prompt="the first"), "done")
    return made


@pytest.fixture
def blocked(queue: Queue) -> Iterator[Blocked]:
    """Starts a command that blocks, and returns once it does: it has set its watch and sleeps."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "agent_lanes", "--store", queue.store, *words]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        started.append(process)
        while not (is_blocked(process.pid) and _sleeps(process.pid)):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "words",
    [("claim", "--lane", LANE, "--wait", "600"), ("wait", "--lane", LANE), ("next", "--lane", LANE), ("wait", "ID")],
    ids=["claim", "wait --lane", "next", "wait ID"],
)
def test_a_killed_wait_leaves_nothing(queue: Queue, blocked: Blocked, words: tuple[str, ...]) -> None:
    other = queue.submit("other", prompt="waits for its answer")
    before = _tree(Path(queue.store))
    process = blocked(*(other if word == "ID" else word for word in words))
    os.kill(process.pid, signal.SIGKILL)
    assert process.communicate() == ("", "")
    assert _tree(Path(queue.store)) == before
    assert queue.listeners() == []  # its sign counts no more, and whoever finds that removes it
    assert [path for path in (Path(queue.store) / "presence").rglob("*") if path.is_file()] == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # its session is empty


def test_a_blocked_process_holds_no_lock(queue: Queue, blocked: Blocked) -> None:
    id = queue.submit("other", prompt="waits for its answer")
    blocked("claim", "--lane", LANE, "--wait", "600")
    blocked("wait", id)
    store = Path(queue.store)
    for path in (store / "gate", store / "tasks" / id, store / "ready" / LANE / ".sequence"):
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)


def test_what_a_killed_claimer_waited_for_goes_to_the_next(queue: Queue, blocked: Blocked) -> None:
    killed, other = (blocked("claim", "--lane", LANE, "--wait", "600") for _ in range(2))
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    id = queue.submit(LANE, prompt="for whoever lives")
    out, err = other.communicate(timeout=60)
    assert (other.returncode, err) == (0, "")
    assert f"task_id={id}" in out


def test_of_many_blocked_claimers_one_gets_the_task_and_the_others_wait_on(queue: Queue, blocked: Blocked) -> None:
    claimers = [blocked("claim", "--lane", LANE, "--wait", "600") for _ in range(4)]
    winners = []
    for number in range(4):
        id = queue.submit(LANE, prompt=f"task {number}")
        while not (ended := [process for process in claimers if process.poll() is not None]):
            time.sleep(0.01)
        assert len(ended) == 1
        claimers.remove(ended[0])
        assert f"task_id={id}" in ended[0].communicate()[0]
        winners.append(id)
    assert [queue.read(id).epoch for id in winners] == [1, 1, 1, 1]


def test_ctrl_c_ends_a_wait_with_130_and_one_line(queue: Queue, blocked: Blocked) -> None:
    process = blocked("wait", "--lane", LANE)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert len(err.splitlines()) == 1


def _sleeps(pid: int) -> bool:
    """Whether every thread of it sleeps."""
    try:
        return all(
            path.read_text().rpartition(")")[2].split()[0] == "S" for path in Path(f"/proc/{pid}/task").glob("*/stat")
        )
    except OSError:
        return False


def _tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder, but for the signs of who listens."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status, is_file = path.stat(), path.is_file()
        if "presence" not in path.relative_to(folder).parts:
            found[str(path)] = (status.st_ino, is_file * status.st_mtime_ns, path.read_bytes() if is_file else b"")
    return found
