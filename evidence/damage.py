"""K4: every file and folder of a store, with every kind of damage that disks, people and programs do to it.

The store holds a task in every state, and whatever else a store can hold. One thing in it is damaged; then every
command that a user has is called, obeying the modes of files even as root. Of each:

- no traceback, no hang, an exit code of the contract;
- what is shown of all other tasks is what it was; all of them that can be taken are offered, and answered; a new task
  goes the whole way; no fact of theirs changes. Where the names are gone by which tasks are found, `doctor` says so,
  and they are offered once it has repaired that;
- a task that cannot be read, or is not what it was, is named by `doctor`;
- after `doctor --repair` all goes on, what was damaged lies in the store still, and `doctor` finds no problem.

What may be affected is the task whose file it is, and those that wait for it.

python evidence/damage.py PART ...      only the files in whose path one of these parts stands
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from damaging import everything
from damaging.judge import Judge
from damaging.kinds import FILE_KINDS, FOLDER_KINDS, Kind
from experiment import Plan, Table
from scene import Scene

HEAD = (
    "file",
    "damages",
    "as before",
    "its own task only",
    "not found until repaired",
    "refused",
    "named by doctor",
    "set aside, or mended",
    "broken",
)
CAPABILITIES_3, DAC_OVERRIDE, DAC_READ_SEARCH = 0x20080522, 1 << 1, 1 << 2
SAMPLE_EVERY = 23


@dataclass
class Found:
    """What came of the damages to the files of one name."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: dict[str, list[str]] = field(default_factory=dict)


def run(plan: Plan) -> Table:
    """See the module."""
    return table(plan, ("",))


def table(plan: Plan, parts: tuple[str, ...]) -> Table:
    """The experiment, for the files in whose path one of these parts stands."""
    with ProcessPoolExecutor(1) as pool:  # a process that may give up its rights
        found, notes = pool.submit(_looked, plan, parts).result()
    out = Table(HEAD, notes=notes)
    for name, one in sorted(found.items()):
        counts = [
            one.outcomes[word] for word in ("tried", "as before", "own", "until repaired", "refused", "named", "mended")
        ]
        out.rows.append((name, *counts, len(one.problems)))
        out.problems += [
            f"{name}: {problem} [{len(where)} times; {where[0]}]" for problem, where in one.problems.items()
        ]
    return out


def _looked(plan: Plan, parts: tuple[str, ...]) -> tuple[dict[str, Found], list[str]]:
    notes: list[str] = []
    if os.geteuid() == 0:
        _obey_modes()
    scene = Scene(plan.work / "scene")
    stand = everything.store(scene)
    judge = Judge(scene, stand)
    found: dict[str, Found] = {}
    tried = [(path, kind) for path, kind in _damages(judge.paths()) if any(part in path for part in parts)]
    for number, (path, kind) in enumerate(tried):
        if not plan.whole and number % SAMPLE_EVERY:
            continue
        one = found.setdefault(judge.class_of(path), Found())
        applied, outcomes, problems = judge.look(path, kind)
        if not applied:
            continue
        one.outcomes["tried"] += 1
        one.outcomes.update(outcomes)
        for problem in problems:
            one.problems.setdefault(judge.plain(problem), []).append(f"{kind.name}: {judge.plain(path)}")
        if number % 50 == 0:
            plan.say(f"K4 {number}/{len(tried)}: {path}, {kind.name}")
    return found, notes


def _obey_modes() -> None:
    """Root without the capabilities to read and write whatever it wants is a user like any other. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) == 0:
        for number in range(3):  # effective, permitted, inheritable; of the first 32 capabilities
            sets[number] &= ~(DAC_OVERRIDE | DAC_READ_SEARCH)
        if libc.capset(header, sets) == 0:
            return
    raise OSError(ctypes.get_errno(), "capset")


def _damages(paths: dict[str, bool]) -> Iterator[tuple[str, Kind]]:
    for path, folder in sorted(paths.items()):
        for kind in FOLDER_KINDS if folder else FILE_KINDS:
            yield path, kind


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as scratch:
        result = table(Plan(True, Path(scratch)), tuple(sys.argv[1:]) or ("",))
    print(result.markdown(), *result.notes, *(f"BROKEN: {problem}" for problem in result.problems), sep="\n")
