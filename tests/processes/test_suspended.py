"""A holder that is stopped for longer than its lease has lost the task, and is told so when it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes import Queue
from agent_lanes.core.task import Snapshot

LANE, LEASE = "suspended", "1"
Holder = Callable[[], "tuple[subprocess.Popen[str], str, str]"]


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """A queue with one task."""
    made = Queue.open(str(tmp_path / "store"))
    made.submit(LANE, prompt="think")
    return made


@pytest.fixture
def holder(queue: Queue) -> object:
    """Starts a process that claims the task and keeps it: (process, id, token). It is gone when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], str, str]:
        words = [sys.executable, str(Path(__file__).with_name("holder.py")), queue.store, LANE, LEASE]
        pipe = subprocess.PIPE
        process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        assert process.stdout is not None
        _, id, token = process.stdout.readline().split()
        return process, id, token

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_holder_that_runs_keeps_its_task_beyond_the_first_lease(queue: Queue, holder: Holder) -> None:
    process, id, _ = holder()
    first = _lease_end(queue.read(id))
    while _lease_end(queue.read(id)) < first + 1_000_000:  # it is renewed until it ends a whole lease later
        assert process.poll() is None
        time.sleep(0.01)
    assert queue.claim(LANE) is None
    assert process.communicate("\n")[0] == ""
    assert process.returncode == 0
    assert queue.wait(id, timeout_seconds=0).body == "the first answer"


def test_a_suspended_holder_whose_lease_ran_out_is_refused_afterwards(queue: Queue, holder: Holder) -> None:
    process, id, _ = holder()
    os.kill(process.pid, signal.SIGSTOP)
    taken = queue.claim(LANE, owner="second", wait_seconds=60)
    assert taken is not None
    assert (taken.id, taken.snapshot.epoch) == (id, 2)
    os.kill(process.pid, signal.SIGCONT)
    assert process.communicate("\n") == ("lost_claim\n", "")
    assert process.returncode == 4
    taken.respond("the second answer")
    assert queue.wait(id, timeout_seconds=0).body == "the second answer"
    assert [event.type for event in queue.events(id)].count("response") == 1


def test_a_suspended_holder_whose_task_was_answered_meanwhile_is_refused(queue: Queue, holder: Holder) -> None:
    process, id, _ = holder()
    os.kill(process.pid, signal.SIGSTOP)
    taken = queue.claim(LANE, owner="second", wait_seconds=60)
    assert taken is not None
    taken.respond("the second answer")
    os.kill(process.pid, signal.SIGCONT)
    assert process.communicate("\n") == ("already_answered\n", "")
    assert process.returncode == 4
    assert queue.wait(id, timeout_seconds=0).body == "the second answer"


def test_a_suspended_holder_whose_task_nobody_took_may_still_answer(queue: Queue, holder: Holder) -> None:
    process, id, _ = holder()
    os.kill(process.pid, signal.SIGSTOP)
    while not queue.status(id)["lease_expired"]:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGCONT)
    assert process.communicate("\n") == ("", "")
    assert process.returncode == 0
    assert queue.wait(id, timeout_seconds=0).body == "the first answer"


def test_commands_with_the_lost_token_end_with_exit_code_4(queue: Queue, holder: Holder) -> None:
    process, id, token = holder()
    os.kill(process.pid, signal.SIGSTOP)
    assert queue.claim(LANE, owner="second", lease_seconds=600, wait_seconds=60) is not None
    for words in (("renew", id), ("release", id), ("respond", id, "--body", "late")):
        command = [sys.executable, "-P", "-m", "agent_lanes", "--store", queue.store, *words, "--claim-token", token]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 4
        assert "second" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert queue.read(id).epoch == 2


def _lease_end(snapshot: Snapshot) -> int:
    assert snapshot.claim is not None
    return snapshot.claim.lease.expires_at
