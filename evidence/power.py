"""K3: power loss, in a model of what disks may do.

Every transition is done by real commands under strace. From each trace the disks are built that may be found when the
power goes after any of its operations: un-synced data missing, cut, or read as zeros; steps in folders undone, in any
order (the rules, and where they come from: disk/rules.py). Each such disk is written out and opened with real
commands in another boot (disk/judge.py): most of them in this process, some in processes of their own, some
repaired by doctor first. The same with two processes, the first of which is stopped or killed at each of its calls.

How much that is, whole: of one process every moment. Of two, for each call at which the first ends, every moment at
which something new is promised; and PAIR_MOMENTS others a pair, spread evenly over these calls and taken by chance,
since most of them leave what one process alone leaves. At each moment up to STATES or PAIR_STATES by chance beside
those that are never left out (disk/states.py). A disk that is the same under both rules is opened once, as `posix`.

python evidence/power.py NAME ...       only the rows whose names begin so, whole
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random

from disk import trace
from disk.judge import Case, Judge
from disk.pairs import PAIRS, Pair, record_pair, sites
from disk.program import InProcess, InProcesses
from disk.record import Recording, record
from disk.rules import LEVELS
from disk.setups import peer
from disk.states import Moments, State
from disk.stories import STORIES, Story
from experiment import Plan, Table

NEXT_BOOT = "boot-after-the-power-cut"
MEMORY = "/dev/shm"
STATES, PAIR_STATES, PAIR_MOMENTS = 20, 3, 100
SAMPLE_STATES, SAMPLE_MOMENTS, SAMPLE_SITES = 2, 12, 2
SAMPLE = (
    "first submit",
    "submit with a key",
    "renew",
    "respond completed",
    "wait with a response path",
    "hold",
    "submit, taken by another",
    "respond, read by another",
    "first submit, another works",
)
REAL_EVERY, REPAIR_EVERY = 150, 7
LONGEST_PROBLEM = 1500
ROWS = tuple(row.name for row in (*STORIES, *PAIRS))
CHANCE = re.compile(r"\d{8}T\d{12}Z|(?<![0-9a-z])[0-9a-f]{12,32}|agent-lanes-k3-\w+|(?<=\.)\d+(?=\.new)|\d{9,}")


@dataclass(frozen=True)
class Job:
    """One story, or one call of the first process of a pair."""

    row: str
    part: str
    most: int
    quiet: int | None
    seed: str
    place: str


@dataclass
class Found:
    """What came of one."""

    row: str
    operations: int = 0
    moments: int = 0
    complete: int = 0
    states: Counter[str] = field(default_factory=Counter)
    problems: dict[str, list[str]] = field(default_factory=dict)
    """What is wrong, without what chance gave: every state in which it was found."""

    def add(self, other: Found) -> None:
        """Take in another part of the same row."""
        self.operations += other.operations
        self.moments += other.moments
        self.complete += other.complete
        self.states += other.states
        for problem, where in other.problems.items():
            self.problems.setdefault(problem, []).extend(where)


def run(plan: Plan) -> Table:
    """See the module."""
    return table(plan, [row for row in (*STORIES, *PAIRS) if plan.whole or row.name in SAMPLE])


def table(plan: Plan, rows: list[Story | Pair]) -> Table:
    """The experiment, for some rows."""
    out = Table(("transition", "operations", "moments", "with all states", *LEVELS, "broken"))
    if missing := trace.available():
        out.notes.append(f"nothing was looked at: {missing}")
        return out
    if peer() is None:
        rows = [row for row in rows if "v01" not in row.setup.__name__]
        out.notes.append("left out, for AGENT_LANES_PEER names no agent-lanes 0.1.1: upgrades")
    found = {row.name: Found(row.name) for row in rows}
    place = tempfile.mkdtemp(prefix="agent-lanes-k3-", dir=MEMORY if os.access(MEMORY, os.W_OK) else plan.work)
    try:
        with ProcessPoolExecutor(plan.workers) as pool:
            for part in pool.map(look, _jobs(plan, rows, place)):
                found[part.row].add(part)
                plan.say(f"{part.row}: {sum(found[part.row].states.values())} states")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    for name, sums in found.items():
        counts = [sums.states[level] for level in LEVELS]
        out.rows.append((name, sums.operations, sums.moments, sums.complete, *counts, len(sums.problems)))
        for problem, where in sums.problems.items():
            out.problems.append(f"{name}: {problem} [{len(where)} states; {where[0]}]"[:LONGEST_PROBLEM])
    states = sum(sum(sums.states.values()) for sums in found.values())
    out.notes.append(f"{states} states opened, `ordered` without those of `posix`; seed {plan.seed or '1'}")
    return out


def _jobs(plan: Plan, rows: list[Story | Pair], place: str) -> Iterator[Job]:
    seed, sample = plan.seed or "1", None if plan.whole else SAMPLE_MOMENTS
    for row in rows:
        if isinstance(row, Story):
            yield Job(row.name, "", plan.count or (STATES if plan.whole else SAMPLE_STATES), sample, seed, place)
            continue
        work = Path(tempfile.mkdtemp(dir=place))
        found = sites(row, *_folders(work))
        shutil.rmtree(work)
        if not plan.whole:
            found = Random(f"{seed} {row.name}").sample(found, min(SAMPLE_SITES, len(found)))
        for name, number in found:
            most = plan.count or (PAIR_STATES if plan.whole else SAMPLE_STATES)
            yield Job(row.name, f"{name} {number}", most, sample or ceil(PAIR_MOMENTS / len(found)), seed, place)


def look(job: Job) -> Found:
    """Record one story, and open every disk that may be found in it."""
    row = next(row for row in (*STORIES, *PAIRS) if row.name == job.row)
    work = Path(tempfile.mkdtemp(dir=job.place))
    folder, home = _folders(work)
    try:
        if isinstance(row, Pair):
            name, _, number = job.part.partition(" ")
            recording = record_pair(row, (name, int(number)), folder, home)
        else:
            recording = record(row, folder, home)
        return _look(job, recording, folder, home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _look(job: Job, recording: Recording, folder: Path, home: Path) -> Found:
    found = Found(job.row, len(recording.operations) - recording.begin)
    world, steps = recording.world, recording.operations
    count, opened = 0, set[tuple[int, bytes]]()
    with InProcess(folder, home, NEXT_BOOT) as inside:
        outside = InProcesses(folder, home, NEXT_BOOT)
        for level in LEVELS:
            rng = Random(f"{job.seed} {job.row} {job.part} {level}")
            moments = Moments(
                start=recording.start,
                operations=steps,
                all_files=recording.end,
                level=level,
                rng=rng,
                most=job.most,
                speaks=world.ledger.count,
                begin=recording.begin,
                quiet=job.quiet,
                opened=opened,
            )
            for state in moments.states():
                count += 1
                found.states[level] += 1
                state.tree.write(str(folder))
                looked_at = case(recording, state, folder, repair=count % REPAIR_EVERY == 0)
                for problem in Judge(outside if count % REAL_EVERY == 0 else inside, looked_at)():
                    told = f"{level}, {job.part}: {state.story(steps)}".replace(", :", ":")
                    same = CHANCE.sub("*", problem.replace(str(folder), "work"))
                    found.problems.setdefault(same, []).append(told)
            found.moments += moments.points
            found.complete += moments.complete
    return found


def case(recording: Recording, state: State, folder: Path, *, repair: bool) -> Case:
    """What the judge is to look at; with `repair`, doctor comes before everything else."""
    world = recording.world
    first = (*world.first, *((("doctor", "--repair"),) if repair and not world.first else ()))
    promised, possible = world.ledger.promised(state.after), world.ledger.possible()
    return Case(folder, world.store, world.flags, promised, possible, first)


def _folders(work: Path) -> tuple[Path, Path]:
    folder, home = work / "work", work / "home"
    folder.mkdir()
    home.mkdir()
    return folder, home


if __name__ == "__main__":
    names = tuple(sys.argv[1:])
    with tempfile.TemporaryDirectory() as scratch:
        result = table(Plan(True, Path(scratch)), [row for row in (*STORIES, *PAIRS) if row.name.startswith(names)])
    print(result.markdown(), *result.notes, *(f"BROKEN: {problem}" for problem in result.problems), sep="\n")
