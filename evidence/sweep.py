"""What the sweeps by system call share: which calls are tried, who tries them, and what was found.

A whole sweep leaves out only what cannot show anything new; `--count 1` tries even that.

- K1: the disk after a kill depends on nothing but the calls that changed it before. So the kill comes before each call
  that changes something, and before every 25th of the others, to see whether that is so. Where another process works
  beside the command, the moment matters, too: there it comes before every fifth of its own.
- K2: the calls of the program on files, from where it has first touched its project, store, config or output; not
  those on Python's own library. Of calls that differ in nothing but ids, times and chance (the look at each of ten
  tasks) the first two and the last. What several command lines of one command do alike is tried in the first of them
  that does it; and of the program's own modules, which many commands load alike, each command tries an eighth.

A sample takes a third of the commands, and a few calls of each, chosen by the seed.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from zlib import crc32

from commanding.case import Case
from commands import CASES
from experiment import Plan
from scene import Scene, plain
from strace import Call
from trial import Trial

import agent_lanes

OF_THOSE_THAT_CHANGE_NOTHING, AND_SOMEBODY_IS_BESIDE = 25, 5
FIRST_OF_ALIKE = 2
WHAT_COUNTS = re.compile(r'"[^"]*"|<[^>]*>|\bO_[A-Z]+')  # of a call's arguments: paths, contents and flags
LIBRARY = re.compile(rf"[\"<](/lib/|/usr/|{re.escape(sys.base_prefix)}/)|/site-packages/")
MODULES = f"{Path(agent_lanes.__file__).parent}/"
SHARE_OF_MODULES = 8
SAMPLE_OF_CASES, SAMPLE_OF_CHANGES, SAMPLE_OF_OTHERS = 3, 3, 1


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


Shape = tuple[str, ...]
Try = Callable[[Trial, Found, list[Call]], None]


def sweep(plan: Plan, attempt: Try, key: str, *, files_only: bool = False) -> Iterator[Found]:
    """Try every command; what was found, as each is done. `files_only`: its own calls on files alone."""
    cases = sampled(plan)
    cases.sort(key=lambda case: (not case.steps, case.companion is None))  # the longest first
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.workers, mp_context=context) as pool:
        futures = [
            pool.submit(_some, attempt, names, replace(plan, work=plan.work / f"{key}-{number}"), files_only)
            for number, names in enumerate(_shares(cases, together=files_only))
        ]
        numbers = count(1)
        for future in as_completed(futures):
            for found, number in zip(future.result(), numbers, strict=False):
                broken = f", {len(found.problems)} broken promises" if found.problems else ""
                plan.say(
                    f"{key} {number}/{len(cases)} {found.case}: {found.tried} tried, {found.states} states{broken}"
                )
                yield found


def _shares(cases: list[Case], *, together: bool) -> list[list[str]]:
    """The names of what one process tries in a row: one line, or with `together` all lines of one command."""
    shares: dict[str, list[str]] = {}
    for case in cases:
        shares.setdefault(case.command if together else case.name, []).append(case.name)
    return sorted(shares.values(), key=len, reverse=True) if together else list(shares.values())


def sampled(plan: Plan) -> list[Case]:
    """The commands to be tried."""
    if plan.whole:
        return list(CASES)
    return random.Random(f"cases {plan.seed}").sample(CASES, len(CASES) // SAMPLE_OF_CASES)


def points(trial: Trial, plan: Plan, known: set[Shape], *, files_only: bool = False) -> list[Call]:
    """The calls to be tried of a command; `known` are those that others of its lines have tried: these are added."""
    calls, case = trial.calls, trial.case
    calls = calls[1:]  # execve is not the program's
    if files_only:
        calls = [call for call in calls if call.own and call.of_files and not LIBRARY.search(call.text)]
    if plan.whole and plan.count == 1:
        return calls
    if plan.whole:
        return _unlike(calls, trial, known) if files_only else _changing(calls, beside=case.companion is not None)
    chance = random.Random(f"{case.name} {plan.seed}")
    changes = [call for call in calls if call.own and call.changes]
    others = [call for call in calls if call.own and not call.changes]
    return chance.sample(changes, min(len(changes), plan.count or SAMPLE_OF_CHANGES)) + chance.sample(
        others, SAMPLE_OF_OTHERS
    )


def _changing(calls: list[Call], *, beside: bool) -> list[Call]:
    def step(call: Call) -> int:
        return AND_SOMEBODY_IS_BESIDE if beside and call.own else OF_THOSE_THAT_CHANGE_NOTHING

    return [call for number, call in enumerate(calls) if call.changes or number % step(call) == 0]


def _unlike(calls: list[Call], trial: Trial, known: set[Shape]) -> list[Call]:
    """Of those that look alike, the first ones and the last; none of those that are known."""
    alike: dict[Shape, list[int]] = {}
    for number, call in enumerate(calls):
        alike.setdefault(_shape(call, trial.scene.root), []).append(number)
    new = {shape: numbers for shape, numbers in alike.items() if shape not in known and _its_share(shape, trial.case)}
    known.update(new)
    kept = {number for numbers in new.values() for number in (*numbers[:FIRST_OF_ALIKE], numbers[-1])}
    return [calls[number] for number in sorted(kept)]


def _shape(call: Call, root: Path) -> Shape:
    """What a call is, but for ids, times, chance, and where its scene lies."""
    return (call.name, *WHAT_COUNTS.findall(plain(call.text.replace(str(root), "").encode()).decode()))


def _its_share(shape: Shape, case: Case) -> bool:
    """Whether a call is to be tried in this command: those on the program's own modules stand in many."""
    text = repr(shape)
    return MODULES not in text or crc32(f"{case.command} {text}".encode()) % SHARE_OF_MODULES == 0


def _some(attempt: Try, names: list[str], plan: Plan, files_only: bool) -> list[Found]:
    known = set[Shape]()
    return [
        _one(attempt, name, replace(plan, work=plan.work / str(number)), files_only, known)
        for number, name in enumerate(names)
    ]


def _one(attempt: Try, name: str, plan: Plan, files_only: bool, known: set[Shape]) -> Found:
    found = Found(name)
    try:
        trial = Trial(next(case for case in CASES if case.name == name), Scene(plan.work))
    except AssertionError as wrong:  # the others go on
        found.broken("nothing was tried", [str(wrong)])
        return found
    attempt(trial, found, points(trial, plan, known, files_only=files_only))
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
