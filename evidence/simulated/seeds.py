"""One seed: a fresh folder, the clients, the ending; and what came of it. `python -m simulated.seeds FIRST COUNT`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from random import Random

from agent_lanes.backends.files import lock, watches
from simulated import mutants
from simulated.core_mutants import broken
from simulated.ending import Ending
from simulated.fate import Decision, Fate, Key
from simulated.listed import lister
from simulated.roles import KINDS, Board
from simulated.said import Judge
from simulated.scenario import Scenario, deal
from simulated.shell import Shell
from simulated.system import simulated
from simulated.truth import Truth
from simulated.watch import SimulatedWatch
from simulated.world import World

ROOT = "/proc/self/cwd"
"""The folder of every run, for its clients: so that no name of chance is in the paths that they see."""
CHEAP = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where an fsync costs nothing
HINTS = ("ready", "timers", "held", "signals", "claims")


@dataclass
class Report:
    """What came of a run."""

    seed: int
    problems: list[str]
    trace: str
    steps: int
    commands: int
    tasks: int
    commits: int
    simulated_seconds: float
    counts: dict[str, int]
    story: list[str] = field(default_factory=list)
    decided: dict[Key, Decision] = field(default_factory=dict)


def run(scenario: Scenario, script: dict[Key, Decision] | None = None, mutant: str | None = None) -> Report:
    """Run a scenario from beginning to end."""
    before, folder = os.getcwd(), tempfile.mkdtemp(prefix="agent-lanes-sim-", dir=CHEAP)
    os.chdir(folder)
    try:
        return _run(scenario, script, mutant)
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def _run(scenario: Scenario, script: dict[Key, Decision] | None, mutant: str | None) -> Report:
    fate, root = Fate(scenario, script), ROOT
    world = World(scenario, fate, root)
    home, state = f"{root}/project", f"{root}/state"
    os.mkdir(home)
    board = Board(home, state, scenario.rounds)
    truth = Truth(world, state)
    truth.listed = lister(world, state)
    judge = Judge(world, truth, board.edited)
    ending = Ending(world, truth, board)
    world.on_close = lambda client, place: truth.after(client, "close", place)
    world.on_reboot = lambda: lose_hints(world, state)

    def scripted(name: str) -> object:
        kind = KINDS[name.partition("-")[0]]
        return lambda client: kind(Shell(client, truth, judge), board)

    with ExitStack() as stack:
        stack.enter_context(surroundings(world, truth, state))
        stack.enter_context(broken(mutant))
        stack.enter_context(simulated(world, home, truth.after, mutants.system(mutant)))
        world.run({name: scripted(name) for name in scenario.roles})  # type: ignore[misc]
        fate.faults = False
        world.run({"last": lambda client: ending.script(Shell(client, truth, judge))})
    commits = sum(len(task.commits) for task in truth.tasks.values())
    return Report(
        scenario.seed, world.problems, world.trace.hexdigest(), world.steps, judge.judged, len(truth.tasks), commits,
        round(world.elapsed / 1e6, 1), world.counts, list(world.story), fate.decided,
    )  # fmt: skip


@contextmanager
def surroundings(world: World, truth: Truth, state: str) -> Iterator[None]:
    """The environment of the commands, and the watches of the kernel in their simulated form."""
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AGENT_LANES_")]:
        del os.environ[name]
    os.environ.update({"AGENT_LANES_STORE": state, "AGENT_LANES_BOOT_ID": world.boot_id})
    watch, holder = watches.KernelWatch, lock.holder_of
    bound = type("Watch", (SimulatedWatch,), {"world": world, "truth": truth})
    watches.KernelWatch = bound  # type: ignore[misc, assignment]
    lock.holder_of = lambda descriptor: "another client"
    try:
        yield
    finally:
        watches.KernelWatch, lock.holder_of = watch, holder  # type: ignore[misc]
        os.environ.clear()
        os.environ.update(kept)


def lose_hints(world: World, state: str) -> None:
    """A power cut: nobody syncs hints, so any of them may be gone. Facts are the business of K3."""
    random = Random(f"reboot {world.scenario.seed} {world.boot}")
    world.quiet = True
    try:
        share = random.choice((0.0, 0.3, 1.0))
        for name in HINTS:
            for path, folders, files in os.walk(f"{state}/{name}"):
                folders.sort()
                for file in sorted(files):
                    if random.random() < share:
                        os.unlink(f"{path}/{file}")
    finally:
        world.quiet = False


def with_ordered_sets(module: str, words: list[str]) -> None:
    """Begin anew where the order of sets of texts is chance, too: the same seed would not be the same run."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, "-m", module, *words], {**os.environ, "PYTHONHASHSEED": "0"})


def main(words: list[str]) -> int:
    """Run seeds, a JSON line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--mutant", choices=sorted(mutants.MUTANTS))
    parser.add_argument("--until-problem", action="store_true", help="end with the first seed that shows a problem")
    parser.add_argument("--story", action="store_true", help="tell it on stderr")
    args = parser.parse_args(words)
    with_ordered_sets(__spec__.name, words)
    for seed in range(args.first, args.first + args.count, args.step):
        report = run(deal(seed), mutant=args.mutant)
        print(json.dumps({**asdict(report), "story": [], "decided": len(report.decided)}), flush=True)
        if args.story:
            print("\n".join(report.story), file=sys.stderr)
        if report.problems and args.until_problem:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
