"""What the sweeps by system call share: which calls are tried, two commands at a time, and what was found.

A whole sweep tries every call after the program has first touched its project, store, config or output, and of those
before (the start of the interpreter, which knows nothing of a queue) every 25th; `--count 1` tries them all. A sample
takes a third of the commands, and a few calls of each, chosen by the seed.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

from commands import CASES, Case
from experiment import Plan
from scene import Scene, plain
from strace import Call
from trial import Trial

BEFORE_THE_PROJECT = 25
SAMPLE_OF_CASES, SAMPLE_OF_CHANGES, SAMPLE_OF_OTHERS = 3, 3, 1
PROCESSES = 2


@dataclass
class Found:
    """What the sweep of one command found."""

    case: str
    calls: int = 0
    tried: int = 0
    states: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    litter: dict[str, str] = field(default_factory=dict)
    _first: dict[bytes, str] = field(default_factory=dict)
    _times: Counter[bytes] = field(default_factory=Counter)

    def broken(self, how: str, what: list[str]) -> None:
        """Keep what went wrong, with how to do it again; what goes wrong in one way is told once."""
        for line in what:
            same = plain(line.encode())
            self._first.setdefault(same, f"{self.case}: {line} - {how}")
            self._times[same] += 1

    @property
    def problems(self) -> list[str]:
        """Each way in which a promise was broken, and how often."""
        return [f"{line} ({self._times[same]} times)" for same, line in self._first.items()]


Try = Callable[[Trial, Found, list[Call]], None]


def sweep(plan: Plan, attempt: Try, key: str, *, files_only: bool = False) -> Iterator[Found]:
    """Try every command, two at a time; what was found, as each is done. `files_only`: its own calls on files alone."""
    cases = sampled(plan)
    cases.sort(key=lambda case: (not case.steps, case.companion is None))  # the longest first
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(PROCESSES, os.cpu_count() or 1), mp_context=context) as pool:
        futures = [
            pool.submit(_one, attempt, case.name, replace(plan, work=plan.work / f"{key}-{number}"), files_only)
            for number, case in enumerate(cases)
        ]
        for number, future in enumerate(as_completed(futures), start=1):
            found = future.result()
            broken = f", {len(found.problems)} broken promises" if found.problems else ""
            plan.say(f"{key} {number}/{len(cases)} {found.case}: {found.tried} tried, {found.states} states{broken}")
            yield found


def sampled(plan: Plan) -> list[Case]:
    """The commands to be tried."""
    if plan.whole:
        return list(CASES)
    return random.Random(f"cases {plan.seed}").sample(CASES, len(CASES) // SAMPLE_OF_CASES)


def points(calls: list[Call], case: str, plan: Plan, *, files_only: bool = False) -> list[Call]:
    """The calls to be tried of a command."""
    calls = calls[1:]  # execve is not the program's
    if files_only:
        calls = [call for call in calls if call.own and call.of_files]
    if plan.whole:
        step = plan.count or BEFORE_THE_PROJECT
        return [call for number, call in enumerate(calls) if call.own or number % step == 0]
    chance = random.Random(f"{case} {plan.seed}")
    changes = [call for call in calls if call.own and call.changes]
    others = [call for call in calls if call.own and not call.changes]
    return chance.sample(changes, min(len(changes), plan.count or SAMPLE_OF_CHANGES)) + chance.sample(
        others, SAMPLE_OF_OTHERS
    )


def _one(attempt: Try, name: str, plan: Plan, files_only: bool) -> Found:
    found = Found(name)
    trial = Trial(next(case for case in CASES if case.name == name), Scene(plan.work))
    attempt(trial, found, points(trial.calls, name, plan, files_only=files_only))
    found.states, found.repeated, found.litter = trial.states, trial.repeated, trial.litter
    return found


def once(attempt: Try, name: str, call: str, nth: str, error: str = "") -> int:
    """One attempt at one call of one command, as a broken promise names it; exit code 1 if it breaks one."""
    case, found = next(case for case in CASES if case.name == name), Found(name)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(case, Scene(Path(folder) / "scene"))
        attempt(trial, found, [one for one in trial.calls if (one.name, one.nth) == (call, int(nth))])
    print(*found.outcomes, *(f"{name} - removed by {by}" for name, by in trial.litter.items()), sep="\n")
    print(*found.problems, sep="\n")
    return 1 if found.problems else 0
