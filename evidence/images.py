"""K3-IMAGES: power loss, on images of real file systems.

Each transition is done by real commands on a small ext4, xfs and btrfs in a file. After every call that changes
something the command is stopped, and the file is copied as it is: what the file system has not written yet is not in
it, as after a power cut. Each copy that differs is mounted, which replays its journal, and judged by real commands in
another boot (disk/judge.py). Done once as it comes, and once with another file synced before each copy, which brings
the journal to the disk, but nobody else's data.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from disk import mounts, trace
from disk.freeze import Freezer, Frozen
from disk.judge import Case, Judge
from disk.mounts import FILE_SYSTEMS, Disk
from disk.program import InProcess
from disk.setups import peer
from disk.stories import STORIES, Story
from disk.world import World
from experiment import Plan, Table
from power import CHANCE, LONGEST_PROBLEM, MEMORY, NEXT_BOOT

SAMPLE = ("first submit", "renew", "respond completed", "wait with a response path")


@dataclass(frozen=True)
class Job:
    """One story on one file system."""

    story: str
    system: str
    nudge: bool
    place: str


@dataclass
class Found:
    """What came of it."""

    job: Job
    stops: int = 0
    images: int = 0
    problems: list[str] = field(default_factory=list)


def run(plan: Plan) -> Table:
    """See the module."""
    place = Path(tempfile.mkdtemp(prefix="agent-lanes-k3-", dir=MEMORY if os.access(MEMORY, os.W_OK) else plan.work))
    try:
        return _table(plan, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _table(plan: Plan, place: Path) -> Table:
    out = Table(
        ("transition", "file system", "stops", "images that differ", "opened and kept their promises", "broken")
    )
    if missing := trace.available():
        out.notes.append(f"nothing was looked at: {missing}")
        return out
    systems = []
    for system in FILE_SYSTEMS:
        if why := why_missing(system.name, str(place)):
            out.notes.append(f"left out: {system.name}: {why}")
        else:
            systems.append(system.name)
    stories = [story.name for story in STORIES if plan.whole or story.name in SAMPLE]
    if peer() is None:
        stories = [story.name for story in STORIES if story.name in stories and "v01" not in story.setup.__name__]
        out.notes.append("left out, for AGENT_LANES_PEER names no agent-lanes 0.1.1: upgrades")
    jobs = [
        Job(story, system, nudge, str(place))
        for story in stories
        for system in systems
        for nudge in ((False, True) if plan.whole else (True,))
    ]
    for found in _looked(plan, jobs):
        job = found.job
        how = f"{job.system}, journal brought to the disk" if job.nudge else job.system
        kept = found.images - len(found.problems)
        out.rows.append((job.story, how, found.stops, found.images, kept, len(found.problems)))
        out.problems += [f"{job.story} on {how}: {problem}"[:LONGEST_PROBLEM] for problem in found.problems]
    opened = sum(int(row[3]) for row in out.rows)
    out.notes.append(f"{opened} images mounted and judged")
    return out


def _looked(plan: Plan, jobs: list[Job]) -> Iterator[Found]:
    if not jobs:
        return
    with ProcessPoolExecutor(plan.workers, initializer=mounts.private) as pool:
        for found in pool.map(look, jobs):
            plan.say(f"{found.job.story} on {found.job.system}: {found.images} images")
            yield found


def why_missing(system: str, place: str) -> str:
    """Why this file system is not to be had; asked where nothing stays mounted."""
    if os.geteuid() != 0:
        return "it needs root"
    with ProcessPoolExecutor(1, initializer=mounts.private) as pool:
        try:
            return pool.submit(_missing, system, place).result()
        except Exception as wrong:  # the process could not begin: no mount namespace of its own
            return str(wrong)


def _missing(system: str, place: str) -> str:
    return mounts.missing(next(known for known in FILE_SYSTEMS if known.name == system), Path(place))


def look(job: Job) -> Found:
    """Tell one story on one file system, then judge every image of it."""
    story = next(story for story in STORIES if story.name == job.story)
    system = next(known for known in FILE_SYSTEMS if known.name == job.system)
    work = Path(tempfile.mkdtemp(dir=job.place))
    disk, home = Disk(system, work), work / "home"
    home.mkdir()
    try:
        disk.make()
        freezer, world = _told(story, disk, home, nudge=job.nudge)
        found = Found(job, freezer.stops, len(freezer.frozen))
        for frozen in freezer.frozen:
            found.problems += _judged(disk, world, frozen)
        return found
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _told(story: Story, disk: Disk, home: Path, *, nudge: bool) -> tuple[Freezer, World]:
    disk.mount()
    try:
        folder = disk.mounted / "work"
        folder.mkdir()
        freezer = Freezer(disk, folder, home, nudge=nudge)
        world = World(folder, home, freezer)
        story.setup(world)
        if story.settled:
            story.before(world)
        os.sync()
        freezer.freezing = True
        if not story.settled:
            story.before(world)
        story.change(world)
    finally:
        disk.unmount()
    return freezer, world


def _judged(disk: Disk, world: World, frozen: Frozen) -> list[str]:
    """What is wrong with one image, in one line; nothing if it kept its promises."""
    disk.put(frozen.image)
    try:
        disk.mount()
    except subprocess.CalledProcessError as wrong:
        return [f"{frozen.what}: the file system does not mount: {wrong.stderr.strip()}"]
    try:
        promised, possible = world.ledger.promised(frozen.moment), world.ledger.possible()
        case = Case(world.folder, world.store, world.flags, promised, possible, world.first)
        with InProcess(world.folder, world.home, NEXT_BOOT) as program:
            problems = Judge(program, case)()
    finally:
        disk.unmount()
    return [f"{frozen.what}: {'; '.join(CHANCE.sub('*', problem) for problem in problems)}"] if problems else []
