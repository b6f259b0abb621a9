"""K3-FORGET: power loss, on a file system that forgets what was not synced.

Each transition is done by real commands on a file system of our own (disk/forgetful.py, FUSE), which is as strict as
POSIX: an fsync of a file keeps its content, an fsync of a folder the names in it, and nothing else keeps anything.
After every call that changes something the command is stopped, and what a power cut would leave is recalled: without
the contents, without the names, and without both, as far as they were not synced. Each of these is judged by real
commands in another boot (disk/judge.py), as a kill at that moment and the cut together would be.

python evidence/forget.py NAME ...       only the transitions whose names begin so
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from disk import mounts, trace
from disk.freeze import Freezer, Frozen
from disk.judge import Case, Judge
from disk.oblivion import Oblivion
from disk.program import InProcess
from disk.setups import peer
from disk.stories import STORIES, Story
from disk.unsynced import CONTENTS, EVERYTHING, NAMES
from disk.world import World
from experiment import Plan, Table
from power import CHANCE, LONGEST_PROBLEM, MEMORY, NEXT_BOOT

FORGOTTEN = (EVERYTHING, CONTENTS, NAMES)
SAMPLE = ("first submit", "submit with a key", "respond completed", "wait with a response path")


@dataclass
class Found:
    """What came of one transition."""

    story: str
    stops: int = 0
    looked_at: Counter[str] = field(default_factory=Counter)
    problems: dict[str, list[str]] = field(default_factory=dict)
    """What is wrong, without what chance gave: every state in which it was found."""


def run(plan: Plan) -> Table:
    """See the module."""
    return table(plan, [story for story in STORIES if plan.whole or story.name in SAMPLE])


def table(plan: Plan, stories: list[Story]) -> Table:
    """The experiment, for some transitions."""
    out = Table(("transition", "stops", *(f"without {what}" for what in FORGOTTEN), "broken"))
    place = tempfile.mkdtemp(prefix="agent-lanes-k3-", dir=MEMORY if os.access(MEMORY, os.W_OK) else plan.work)
    try:
        if missing := trace.available() or why_missing(place):
            out.notes.append(f"nothing was looked at: {missing}")
            return out
        if peer() is None:
            stories = [story for story in stories if "v01" not in story.setup.__name__]
            out.notes.append("left out, for AGENT_LANES_PEER names no agent-lanes 0.1.1: upgrades")
        for found in _looked(plan, stories, place):
            out.rows.append(
                (found.story, found.stops, *(found.looked_at[what] for what in FORGOTTEN), len(found.problems))
            )
            for problem, where in found.problems.items():
                out.problems.append(f"{found.story}: {problem} [{len(where)} states; {where[0]}]"[:LONGEST_PROBLEM])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return out


def _looked(plan: Plan, stories: list[Story], place: str) -> Iterator[Found]:
    with ProcessPoolExecutor(plan.workers, initializer=mounts.private) as pool:
        for found in pool.map(look, [story.name for story in stories], [place] * len(stories)):
            plan.say(f"{found.story}: {sum(found.looked_at.values())} states, {len(found.problems)} broken promises")
            yield found


def why_missing(place: str) -> str:
    """Why there can be no such file system here; asked where nothing stays mounted."""
    if os.geteuid() != 0:
        return "it needs root"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    with ProcessPoolExecutor(1, initializer=mounts.private) as pool:
        try:
            return pool.submit(_missing, place).result()
        except Exception as wrong:  # the process could not begin: no mount namespace of its own
            return str(wrong)


def _missing(place: str) -> str:
    probe = Oblivion(Path(place) / "probe")
    try:
        probe.mount()
        probe.unmount()
    except OSError as wrong:
        return f"it cannot be mounted here: {wrong}"
    return ""


def look(name: str, place: str) -> Found:
    """Tell one story, then judge everything that a power cut may leave of it."""
    story = next(story for story in STORIES if story.name == name)
    work = Path(tempfile.mkdtemp(dir=place))
    disk, home = Oblivion(work), work / "home"
    home.mkdir()
    try:
        freezer, world = _told(story, disk, home)
        found = Found(name, freezer.stops)
        seen: set[str] = set()
        for frozen in freezer.frozen:
            _judge(disk, world, frozen, found, seen)
        return found
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _told(story: Story, disk: Oblivion, home: Path) -> tuple[Freezer, World]:
    disk.mount()
    try:
        folder = disk.mounted / "work"
        folder.mkdir()
        freezer = Freezer(disk, folder, home, nudge=False)
        world = World(folder, home, freezer)
        story.setup(world)
        if story.settled:
            story.before(world)
        disk.settle()
        freezer.freezing = True
        if not story.settled:
            story.before(world)
        story.change(world)
    finally:
        disk.unmount()
    return freezer, world


def _judge(disk: Oblivion, world: World, frozen: Frozen, found: Found, seen: set[str]) -> None:
    promised, possible = world.ledger.promised(frozen.moment), world.ledger.possible()
    case = Case(world.folder, world.store, world.flags, promised, possible, world.first)
    for what, tree in frozen.image.trees.items():
        key = f"{len(promised)} {sorted(tree.items())}"
        if key in seen:
            continue
        seen.add(key)
        found.looked_at[what] += 1
        disk.put(tree)
        with InProcess(world.folder, world.home, NEXT_BOOT) as program:
            for problem in Judge(program, case)():
                where = f"without {what}: {frozen.what}"
                found.problems.setdefault(CHANCE.sub("*", problem), []).append(where)


if __name__ == "__main__":
    names = tuple(sys.argv[1:]) or ("",)
    with tempfile.TemporaryDirectory() as scratch:
        result = table(Plan(True, Path(scratch)), [story for story in STORIES if story.name.startswith(names)])
    print(result.markdown(), *result.notes, *(f"BROKEN: {problem}" for problem in result.problems), sep="\n")
