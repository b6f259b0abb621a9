"""kill -9 at every system call with which an upgrade changes the store: the next command completes it, nothing is lost.

A first run under strace lists those calls. Then, for each, a fresh copy of the store is upgraded by a process that
is killed when it makes that call; what is there is read, the upgrade completed, and everything counted. A normal
run takes a sample of the calls; AGENT_LANES_SWEEP=all takes every one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent_lanes import Queue
from upgrade.conftest import missing
from upgrade.old_store import V01_FIELDS, OldStore, Program

CALLS = (
    "openat,write,pwrite64,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,fsync,ftruncate,rmdir"
)
CALL = re.compile(r"^\d+ +(\w+)\(")
READ_ONLY = re.compile(r"O_RDONLY|O_PATH")
SAMPLE = 16
ALL = os.environ.get("AGENT_LANES_SWEEP") == "all"
CLAIMABLE = ["first", "codex", "claude", "last", "run_out", "released", "checkpoint", "bare"]


@pytest.fixture(scope="module")
def strace() -> str:
    """strace, if it is there and may trace."""
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode:
        missing("strace is not installed, or may not trace here")
    return found


@pytest.mark.slow
def test_an_upgrade_killed_at_any_system_call_is_completed_by_the_next_command(
    old_store: OldStore, strace: str, tmp_path: Path
) -> None:
    expected = _facts(old_store.store)
    points = _points(strace, old_store, tmp_path)
    assert len(points) > 10 * len(old_store.ids), points
    for number, (call, nth) in enumerate(points):
        if ALL or number % (len(points) // SAMPLE) == 0 or number == len(points) - 1:
            store = old_store.copy(tmp_path / f"killed-{number}")
            program = old_store.program(store)
            killed = _traced(strace, program, old_store, f"inject={call}:signal=KILL:when={nth}", Path(os.devnull))
            assert killed == -signal.SIGKILL, f"{call} number {nth} was not reached"
            assert _facts(store) == expected, f"after a kill at {call} number {nth}"
            program.run("event", old_store.ids["review"], "--message", "after the crash")
            assert _facts(store) == expected, f"completed after a kill at {call} number {nth}"
            _check_upgraded(store, old_store)
            shutil.rmtree(store)


def _points(strace: str, old_store: OldStore, tmp_path: Path) -> list[tuple[str, int]]:
    """Every (system call, how manyeth of its kind) with which an undisturbed upgrade changes the store."""
    store, log = old_store.copy(tmp_path / "undisturbed"), tmp_path / "log"
    old_store.program(store).run("list")  # from here on the compiled config is in the cache, as in every later run
    assert _traced(strace, old_store.program(store), old_store, f"trace={CALLS}", log) == 0
    counts: dict[str, int] = {}
    points = []
    for line in log.read_text().splitlines():
        found = CALL.match(line)
        if found:
            call = found[1]
            counts[call] = counts.get(call, 0) + 1
            if str(store) in line and not (call == "openat" and READ_ONLY.search(line)):
                points.append((call, counts[call]))
    return points


def _traced(strace: str, program: Program, old_store: OldStore, rule: str, log: Path) -> int:
    words = [strace, "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={CALLS}", "-e", rule]
    words += [*program.words, "event", old_store.ids["last"], "--message", "upgrade"]
    quiet = subprocess.DEVNULL
    return subprocess.run(words, cwd=program.folder, env=program.environment, stdout=quiet, stderr=quiet).returncode


def _facts(store: Path) -> dict[str, dict[str, Any]]:
    """What there is of every task."""
    facts = {}
    for task in Queue.open(str(store)).list():
        id = str(task["id"])
        answer = store / "tasks" / id / "response.json"
        body = json.loads(answer.read_text())["body"] if answer.exists() else ""
        facts[id] = {key: task[key] for key in V01_FIELDS} | {"body": body}
    return facts


def _check_upgraded(store: Path, old_store: OldStore) -> None:
    """Every record is of format 2, was upgraded once, and every claimable task is offered in its turn."""
    for id in old_store.ids.values():
        record = json.loads((store / "tasks" / id / "task.json").read_text())
        assert (record["format"], "state" in record) == (2, False)
        was, now = (folder / "tasks" / id for folder in (old_store.store, store))
        history = (now / "events.jsonl").read_bytes()
        assert history.startswith((was / "events.jsonl").read_bytes())
        assert history.count(b'"upgraded"') <= 1
        if (was / "response.json").exists():
            assert (was / "response.json").read_bytes() == (now / "response.json").read_bytes()
    assert json.loads((store / "store.json").read_text())["format"] == 2
    queue = Queue.open(str(store))
    claimed = [queue.claim("default") for _ in range(len(CLAIMABLE) + 1)]
    assert [task and task.id for task in claimed] == [*(old_store.ids[name] for name in CLAIMABLE), None]
