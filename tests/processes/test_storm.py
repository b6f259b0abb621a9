"""Many at once, and workers that are killed: every task that was acknowledged gets exactly one answer."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from agent_lanes import Queue
from processes.history import problems

SUBMITTERS, TASKS_EACH, WORKERS, KILLS = 20, 8, 6, 60
LANE = "storm"
SEED = os.environ.get("AGENT_LANES_SEED", "2026")


class Crowd:
    """The workers of a storm; each has files for what it says, which outlive it."""

    def __init__(self, store: Path, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.started = 0
        self.alive: list[subprocess.Popen[bytes]] = []

    def start_one(self) -> None:
        """One more worker."""
        self.started += 1
        name = f"worker-{self.started}"
        words = [sys.executable, str(Path(__file__).with_name("worker.py"))]
        words += [str(self.store), LANE, name, f"{SEED} {name}"]
        with (self.folder / f"{name}.out").open("wb") as out, (self.folder / f"{name}.err").open("wb") as err:
            self.alive.append(subprocess.Popen(words, stdout=out, stderr=err))

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """kill -9."""
        worker.kill()
        worker.wait()
        self.alive.remove(worker)

    def said(self, kind: str) -> str:
        """All that all of them said on stdout (`out`) or stderr (`err`)."""
        return "".join(path.read_text() for path in sorted(self.folder.glob(f"*.{kind}")))


@pytest.fixture
def crowd(tmp_path: Path) -> object:
    """No worker yet; none is left when the test ends."""
    folder = tmp_path / "said"
    folder.mkdir()
    people = Crowd(tmp_path / "store", folder)
    yield people
    for worker in list(people.alive):
        people.kill(worker)


@pytest.mark.slow
def test_every_acknowledged_task_gets_exactly_one_answer_although_workers_are_killed(
    crowd: Crowd, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    for _ in range(WORKERS):
        crowd.start_one()
    submitters = [_submitter(number, crowd.store, tmp_path) for number in range(SUBMITTERS)]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 0.4))  # so that kills hit every stage of the work
        crowd.kill(chance.choice(crowd.alive))
        crowd.start_one()
    acknowledged = _acknowledged(submitters)
    queue = Queue.open(str(crowd.store))
    answers = {id: queue.wait(id, timeout_seconds=120).body for id in acknowledged}

    assert sorted(body.partition(",")[0] for body in answers.values()) == sorted(acknowledged.values())
    assert all(body.startswith(acknowledged[id] + ",") for id, body in answers.items())
    told = Counter(line.split()[1] for line in crowd.said("out").splitlines() if line.startswith("answered"))
    assert set(told) <= set(answers)
    assert set(told.values()) <= {1}, f"two workers were told that they answered: {told.most_common(3)}"
    assert {id: found for id in answers if (found := problems(queue.events(id)))} == {}
    assert len(queue.list()) == len(answers)
    assert crowd.said("err") == ""


@pytest.mark.slow
def test_after_a_storm_of_kills_no_hint_is_left_behind(crowd: Crowd, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    queue = Queue.open(str(crowd.store))
    ids = [queue.submit(LANE, prompt=str(number)) for number in range(12)]
    for _ in range(3):
        crowd.start_one()
    for _ in range(10):
        time.sleep(chance.uniform(0, 0.4))
        crowd.kill(chance.choice(crowd.alive))
        crowd.start_one()
    for id in ids:
        queue.wait(id, timeout_seconds=120)
    for worker in list(crowd.alive):
        crowd.kill(worker)
    assert queue.claim(LANE, wait_seconds=3) is None  # longer than any lease that a killed worker left
    assert [path for folder in ("ready", "timers", "held") for path in _markers(crowd.store / folder)] == []
    assert queue.list(active_only=True) == []


def _markers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _submitter(number: int, store: Path, tmp_path: Path) -> tuple[list[str], subprocess.Popen[str]]:
    prompts = [f"task {number}-{turn}" for turn in range(TASKS_EACH)]
    submit = f"{sys.executable} -P -m agent_lanes --store '{store}' submit --lane {LANE}"
    script = "".join(f"{submit} --prompt '{text}' || exit\n" for text in prompts)
    pipe = subprocess.PIPE
    return prompts, subprocess.Popen(["sh", "-c", script], cwd=tmp_path, stdout=pipe, stderr=pipe, text=True)


def _acknowledged(submitters: list[tuple[list[str], subprocess.Popen[str]]]) -> dict[str, str]:
    """Every id that submit printed, and its prompt."""
    found: dict[str, str] = {}
    for prompts, process in submitters:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        found |= dict(zip(out.split(), prompts, strict=True))
    assert len(found) == SUBMITTERS * TASKS_EACH
    return found
