"""SIM as CI takes it: some seeds of the build as it is, some mutants; and that the simulation is what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import simulation
from experiment import Plan

EVIDENCE = Path(simulation.__file__).parent
BROKEN = "a task is changed without its lock"


def module(*words: str) -> subprocess.CompletedProcess[str]:
    """A module of the simulation as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(EVIDENCE)}
    return subprocess.run([sys.executable, "-m", *words], env=environment, capture_output=True, text=True, timeout=900)


@pytest.mark.slow
def test_seeds_break_no_promise_come_out_the_same_twice_and_broken_builds_are_caught(tmp_path: Path) -> None:
    table = simulation.run(Plan(whole=False, work=tmp_path, count=60))
    assert table.problems == []
    as_it_is, *mutants = table.rows
    assert as_it_is[1] == 60 and " kills" in str(as_it_is[4])
    assert len(mutants) == simulation.SAMPLE_OF_MUTANTS
    assert all(str(row[-1]).startswith("caught by seed ") for row in mutants)


def test_seeds_differ_from_one_another() -> None:
    parts = simulation.Seeds(0, 4, Plan(whole=False, work=Path()))
    assert len({report["trace"] for report in parts}) == 4


def test_a_killed_client_does_nothing_before_its_next_command() -> None:
    story = module("simulated.seeds", "1", "1", "--story").stderr.splitlines()
    dead, deaths = set[str](), 0
    for line in story:
        _, name, what, *_ = line.split(maxsplit=3)
        if what == "CRASH":
            dead.add(name)
            deaths += 1
        elif name in dead:
            assert what == "=" and " = None " in line, line
            dead.remove(name)
    assert deaths > 3


def test_a_seed_that_breaks_a_promise_is_made_smaller_and_told(tmp_path: Path) -> None:
    *_, last = simulation.Seeds(0, simulation.MOST_SEEDS, Plan(whole=False, work=tmp_path), mutant=BROKEN)
    assert last["problems"]
    done = module("simulated.shrink", str(last["seed"]), BROKEN)
    first, *rest = done.stdout.splitlines()
    assert done.returncode == 1
    assert first.startswith(f"seed {last['seed']}, ")
    assert len(first.partition(", of these clients: ")[2].split(", ")) < 8
    assert sum(line.startswith("  ") and " at its step " in line for line in rest) < last["decided"] / 2
    assert any("!!!" in line for line in rest)
