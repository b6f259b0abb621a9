"""SIM: several clients in one process, switched, crashed and aged by a seed; and builds that are broken on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from experiment import Plan, Table
from simulated.mutants import MUTANTS

HERE = Path(__file__).parent
SEEDS = {True: 5000, False: 100}
"""Of the build as it is: whole, and as a sample."""
MOST_SEEDS = 400
"""In which a mutant must be caught."""
SAMPLE_OF_MUTANTS = 6
TWICE = 10
"""Seeds that are run a second time: the same run must come of it."""
FAULTS = {
    "crash": "kills",
    "stall": "stops",
    "jump": "clock steps",
    "reboot": "reboots",
    "exchange": "folders replaced",
}


def run(plan: Plan) -> Table:
    """Many seeds of the build as it is; then each mutant until it is caught."""
    table = Table(("build", "seeds", "commands", "file operations", "what happened to them", "came of it"))
    first, count = int(plan.seed or 0), plan.count or SEEDS[plan.whole]
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        parts = [Seeds(first + n, count - n, plan, step=workers) for n in range(min(workers, count))]
        reports = [report for part in pool.map(list, parts) for report in part]
        _as_it_is(table, reports)
        _the_same_again(table, reports, Seeds(first, min(TWICE, count), plan))
        mutants = MUTANTS if plan.whole else MUTANTS[:SAMPLE_OF_MUTANTS]
        found = pool.map(list, [Seeds(0, MOST_SEEDS, plan, mutant=name) for name in mutants])
        for mutant, part in zip(mutants, found, strict=True):
            _caught(table, mutant, part)
    return table


class Seeds:
    """A process that runs some seeds; the reports as they come."""

    def __init__(self, first: int, count: int, plan: Plan, *, step: int = 1, mutant: str | None = None) -> None:
        self.plan = plan
        self.words = [sys.executable, "-m", "simulated.seeds", str(first), str(count), "--step", str(step)]
        if mutant is not None:
            self.words += ["--mutant", mutant, "--until-problem"]

    def __iter__(self) -> Iterator[dict]:
        environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}
        pipe = subprocess.PIPE
        with subprocess.Popen(self.words, stdout=pipe, stderr=pipe, env=environment, text=True) as process:
            assert process.stdout is not None and process.stderr is not None
            noise: list[str] = []
            reader = threading.Thread(target=lambda: noise.extend(process.stderr or ()))
            reader.start()
            for line in process.stdout:
                report = json.loads(line)
                if report["seed"] % 250 == 0:
                    self.plan.say(f"SIM: seed {report['seed']}")
                yield report
            reader.join()
        if process.returncode not in (0, 1):
            raise RuntimeError(f"{' '.join(self.words)} ended with {process.returncode}: {''.join(noise)[-2000:]}")


def _as_it_is(table: Table, reports: list[dict]) -> None:
    happened = Counter[str]()
    for report in reports:
        happened.update(report["counts"])
    faults = ", ".join(f"{happened[kind]:,} {name}" for kind, name in FAULTS.items())
    broken = [report for report in reports if report["problems"]]
    came = f"{len(broken)} seeds broke a promise" if broken else "nothing was broken"
    sums = [f"{sum(report[name] for report in reports):,}" for name in ("commands", "steps")]
    table.rows.append(("as it is", len(reports), *sums, f"{happened['next']:,} switches, {faults}", came))
    for report in broken:
        again = f"cd evidence && python -m simulated.shrink {report['seed']}"
        table.problems.append(f"seed {report['seed']}: {report['problems'][0]} (made small by: {again})")
    seconds = sum(report["simulated_seconds"] for report in reports)
    tasks, commits = (sum(report[name] for report in reports) for name in ("tasks", "commits"))
    table.notes.append(f"{tasks:,} tasks, {commits:,} commits, {seconds / 3600:,.0f} hours of simulated time")


def _the_same_again(table: Table, reports: list[dict], again: Seeds) -> None:
    traces = {report["seed"]: report["trace"] for report in reports}
    differ = [report["seed"] for report in again if report["trace"] != traces[report["seed"]]]
    table.problems += [f"seed {seed} did not give the same run twice" for seed in differ]
    table.notes.append(f"{TWICE} seeds run twice: {'they differ' if differ else 'the same runs, step by step'}")


def _caught(table: Table, mutant: str, reports: list[dict]) -> None:
    last = reports[-1]
    steps, commands = (f"{sum(report[name] for report in reports):,}" for name in ("steps", "commands"))
    if last["problems"]:
        came = f"caught by seed {last['seed']}"
    else:
        came = "not caught"
        table.problems.append(f"the simulation does not notice a build in which {mutant}")
    table.rows.append((mutant, len(reports), commands, steps, "", came))
