"""Processes that are stopped (SIGSTOP, a closed laptop): beyond their lease, or while they hold a lock."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time

from holding.locks import stopped_with
from holding.place import BUSY, DONE, LANE, REFUSED, Case, Place, expect

KEEPER = """
import sys
from agent_lanes import AgentLanesError, Queue
task = Queue.open(sys.argv[1]).claim("work", owner="first", lease_seconds=0.5, wait_seconds=60)
print(task.id, flush=True)
with task.kept_alive():
    sys.stdin.readline()
    try:
        task.event("back again")
    except AgentLanesError as wrong:
        print(wrong.code, flush=True)
    try:
        task.respond("by the first")
        print("answered", flush=True)
    except AgentLanesError as wrong:
        print(wrong.code, wrong, flush=True)
print("lost" if task.lost else "kept", flush=True)
"""


def _keeper(place: Place) -> tuple[subprocess.Popen[bytes], str]:
    """A holder that keeps its lease alive until it is told, by a line, to answer."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(place.store)],
        cwd=place.project,
        env=place.environment,
        stdin=pipe,
        stdout=pipe,
    )
    place.started.append(process)
    assert process.stdout is not None
    return process, process.stdout.readline().decode().strip()


def _reclaimed(place: Place) -> str:
    id = place.submit()
    process, taken = _keeper(place)
    expect(taken == id, f"claimed {taken}")
    os.kill(process.pid, signal.SIGSTOP)
    _, token = place.claim_when_free("second")
    os.kill(process.pid, signal.SIGCONT)
    told = process.communicate(b"\n")[0].decode().split("\n")
    expect(told[0] == "lost_claim" and told[1].startswith("lost_claim") and "second" in told[1], f"told {told}")
    expect(told[2] == "lost", f"told {told}")
    place.call("respond", id, "--claim-token", token, "--body", "by the second")
    expect(place.answer(id) == "by the second", "the answer is not that of the second")
    return f"refused: {told[1]}; its keeper says lost"


def _alone(place: Place) -> str:
    id = place.submit()
    process, _ = _keeper(place)
    os.kill(process.pid, signal.SIGSTOP)
    place.lapse(id)
    os.kill(process.pid, signal.SIGCONT)
    told = process.communicate(b"\n")[0].decode().split()
    expect(told == ["answered", "kept"], f"told {told}")
    expect(place.answer(id) == "by the first", "the answer is not that of the first")
    return "answered; nobody was told anything else"


def _waiter(place: Place) -> str:
    id = place.submit()
    waiting = place.blocked("wait", id, "--timeout", "60")
    os.killpg(waiting.pid, signal.SIGSTOP)
    place.call("respond", id, "--body", "meanwhile")
    os.killpg(waiting.pid, signal.SIGCONT)
    expect(place.end(waiting, DONE).out == b"meanwhile", "the waiter got something else")
    return "it prints the answer as soon as it goes on"


def _everybody(place: Place) -> str:
    id = place.submit()
    first, _ = _keeper(place)
    waiting = place.blocked("wait", id, "--timeout", "60")
    claiming = place.blocked("claim", "--lane", LANE, "--wait", "60", "--owner", "second", "--lease-seconds", "600")
    for pid in (first.pid, waiting.pid, claiming.pid):
        os.kill(pid, signal.SIGSTOP)
    place.lapse(id)
    for pid in (claiming.pid, waiting.pid, first.pid):
        os.kill(pid, signal.SIGCONT)
    values = place.end(claiming, DONE).values if not _answers_first(first) else {}
    if values:
        place.call("respond", id, "--claim-token", values["claim_token"], "--body", "by the second")
    said = place.end(waiting, DONE).out.decode()
    expect(said in ("by the first", "by the second"), f"the waiter got {said!r}")
    expect(place.answer(id) == said, "two answers")
    return f"one of the two goes on, the other is refused; the waiter sees the one answer ({said!r} this time)"


def _answers_first(process: subprocess.Popen[bytes]) -> bool:
    return b"answered" in process.communicate(b"\n")[0]


def _all_busy(place: Place, pid: int, *calls: tuple[str, ...]) -> str:
    """All of these, at the same time, end with exit code 75 and say who is in the way."""
    begin = time.monotonic()
    running = [place.start(*words) for words in calls]
    said = [place.end(process, BUSY).err.decode().strip() for process in running]
    for line in said:
        expect(f"process {pid}" in line and "repeat the call" in line, f"it does not say who: {line}")
    expect(time.monotonic() - begin >= 10, "they did not wait")
    return said[0]


def _task_lock(place: Place) -> str:
    id, other = place.submit(), place.submit()
    _, token = place.claim(id)
    claim = ("--claim-token", token)
    with stopped_with(place.store / "tasks" / id) as pid:
        expect(place.claim()[0] == other, "another task was held up")
        place.call("status", id)
        place.call("list")
        verbs = (("renew", id, *claim), ("release", id, *claim), ("respond", id, *claim, "--body", "b"), ("event", id))
        told = _all_busy(place, pid, *verbs)
    place.call("renew", id, *claim)
    place.call("respond", id, *claim, "--body", "after all")
    return (
        f"exit code {BUSY} after 10 s: {told}; other tasks and every look go on; it goes on once the lock is given back"
    )


def _gate(place: Place) -> str:
    id = place.submit()
    with stopped_with(place.store / "gate") as pid:
        for words in (("status", id), ("list",), ("show", id), ("wait", "--lane", LANE, "--timeout", "0")):
            place.call(*words)
        told = _all_busy(place, pid, ("submit", "--lane", LANE, "--prompt", "p"), ("claim", id), ("event", id))
    place.claim()
    return f"every change: exit code {BUSY} after 10 s: {told}; every look goes on"


def _shared_gate(place: Place) -> str:
    place.submit()
    with stopped_with(place.store / "gate", "LOCK_SH") as pid:
        (place.store / "tasks" / place.submit()).chmod(0o755)
        told = place.end(place.start("doctor", "--repair"), BUSY).err.decode().strip()
        expect(f"process {pid}" in told, f"it does not say who: {told}")
        place.claim()
        place.submit()
    place.call("doctor", "--repair")
    place.healthy()
    return f"doctor --repair: exit code {BUSY} after 10 s: {told}; before and after it every change goes on"


def _counter(place: Place) -> str:
    id = place.submit()
    with stopped_with(place.store / "ready" / LANE / ".sequence"):
        place.submit(lane="another")
        place.claim(id)
        waiting = place.start("submit", "--lane", LANE, "--prompt", "p")
        told = place.end(waiting, BUSY).err.decode().strip()
    place.submit()
    return f"submits to that lane: exit code {BUSY} after 10 s: {told}; its claims, and other lanes, go on"


def _killed_with_lock(place: Place) -> str:
    id = place.submit()
    with stopped_with(place.store / "tasks" / id) as pid:
        waiting = place.start("claim", id)
        os.kill(pid, signal.SIGKILL)
        place.end(waiting, DONE)
    descriptor = os.open(place.store / "tasks" / id, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    return "the lock is gone with it: who waited goes on"


CASES = (
    Case(
        "A holder is stopped beyond its lease (SIGSTOP), another claims, the first goes on",
        f"refused (exit code {REFUSED}), also for events; the thread that keeps the lease alive says that it is lost",
        _reclaimed,
    ),
    Case("The same, and nobody claims", "it may answer", _alone),
    Case("A waiter is stopped while the answer comes", "it gets the answer when it goes on", _waiter),
    Case(
        "Holder, waiter and claimer are all stopped beyond the lease, and go on",
        "either holder may go on, never both; one answer",
        _everybody,
    ),
    Case(
        "A process is stopped while it holds a task's lock",
        "that task alone: busy after 10 s, saying who; everything else goes on",
        _task_lock,
        long=True,
    ),
    Case(
        "A process is stopped while it holds the store exclusively (rebuild, repair)",
        "changes: busy after 10 s, saying who; looks go on",
        _gate,
        long=True,
    ),
    Case(
        "A process is stopped in the middle of a change (it holds the gate shared)",
        "changes go on; a repair is busy after 10 s, saying who, and keeps nobody out afterwards",
        _shared_gate,
        long=True,
    ),
    Case(
        "A process is stopped while it takes the next number of a lane",
        "submits to that lane: busy after 10 s; everything else goes on",
        _counter,
        long=True,
    ),
    Case("A stopped process that holds a task's lock is killed", "the lock is free at once", _killed_with_lock),
)
