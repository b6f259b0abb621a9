"""CONTRACT.md is enough to write another program for the same store: foreign.py was, and takes part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes import Queue

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FOREIGN = Path(__file__).with_name("foreign.py")
OURS = """
import sys
from agent_lanes import Queue
queue = Queue.open(store=sys.argv[1])
while task := queue.claim("l", owner="ours"):
    task.respond("ours")
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/sys/kernel/random/boot_id").exists(), reason="foreign.py knows Linux only"
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that agent-lanes has made."""
    root = tmp_path / "state"
    assert Queue.open(store=str(root)).claim("l") is None
    return root


@pytest.fixture
def foreign(store: Path) -> Run:
    def run(*words: str, lease_seconds: str = "600") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", str(FOREIGN), str(store), *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "FOREIGN_LEASE_SECONDS": lease_seconds},
        )

    return run


def test_what_a_foreign_program_submits_is_found_and_answered(store: Path, foreign: Run, agent_lanes: Run) -> None:
    id = foreign("submit", "l", "what is it?").stdout.strip()
    taken = json.loads(agent_lanes("--store", store, "claim", "--lane", "l", "--json").stdout)
    assert (taken["task_id"], taken["task"]["prompt"], taken["task"]["sequence"]) == (id, "what is it?", 1)
    agent_lanes("--store", store, "respond", id, "--claim-token", taken["claim_token"], "--body", "a kettle")
    assert json.loads((store / "tasks" / id / "response.json").read_text())["body"] == "a kettle"


def test_what_a_foreign_program_claims_is_claimed_for_everybody(store: Path, foreign: Run, agent_lanes: Run) -> None:
    id = agent_lanes("--store", store, "submit", "--lane", "l", "--prompt", "p").stdout.strip()
    assert foreign("claim", "l", "stranger").stdout.split()[0] == id
    shown = json.loads(agent_lanes("--store", store, "status", id).stdout)["task"]
    assert (shown["state"], shown["claim_owner"], shown["epoch"]) == ("claimed", "stranger", 1)
    assert agent_lanes("--store", store, "claim", id).returncode == 4
    assert "status=idle" in agent_lanes("--store", store, "claim", "--lane", "l").stdout


def test_a_foreign_token_is_as_good_as_ours(store: Path, foreign: Run, agent_lanes: Run) -> None:
    agent_lanes("--store", store, "submit", "--lane", "l", "--prompt", "p")
    id, token = foreign("claim", "l", "stranger").stdout.split()
    assert agent_lanes("--store", store, "renew", id, "--claim-token", token).returncode == 0
    assert agent_lanes("--store", store, "release", id, "--claim-token", token).returncode == 0
    again = foreign("claim", "l", "stranger").stdout.split()
    assert again[0] == id and again[1] != token
    assert foreign("respond", id, token, "late").returncode == 4
    assert foreign("respond", *again, "in time").returncode == 0
    assert agent_lanes("--store", store, "wait", id).stdout == "in time"


def test_a_foreign_lease_that_runs_out_is_taken_over(store: Path, foreign: Run, agent_lanes: Run) -> None:
    agent_lanes("--store", store, "submit", "--lane", "l", "--prompt", "p")
    id, token = foreign("claim", "l", "stranger", lease_seconds="0.2").stdout.split()
    taken = json.loads(agent_lanes("--store", store, "claim", "--lane", "l", "--wait", "60", "--json").stdout)
    assert (taken["task_id"], taken["task"]["epoch"]) == (id, 2)
    assert foreign("respond", id, token, "too late").returncode == 4


def test_foreign_and_own_workers_drain_a_lane_without_doing_anything_twice(store: Path, foreign: Run) -> None:
    queue = Queue.open(store=str(store))
    ids = [queue.submit("l", prompt=str(number)) for number in range(40)]
    workers = [
        subprocess.Popen(words)
        for words in (
            [sys.executable, "-S", str(FOREIGN), str(store), "drain", "l", "stranger-1"],
            [sys.executable, "-S", str(FOREIGN), str(store), "drain", "l", "stranger-2"],
            [sys.executable, "-c", OURS, str(store)],
        )
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    for id in ids:
        assert queue.wait(id, timeout_seconds=0).epoch == 1
        history = [event.type for event in queue.events(id)]
        assert (history.count("claimed"), history.count("response")) == (1, 1)
    left = [path for path in (store / "ready").rglob("*") if path.is_file() and path.name != ".sequence"]
    assert left + [path for path in (store / "timers").rglob("*") if path.is_file()] == []
    assert list((store / "tmp").iterdir()) == []
