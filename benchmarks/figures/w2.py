"""W2: CPU of one idle blocked wait, in seconds a minute, by the process's own CPU clock; and what it calls meanwhile.

All waits of one size run at the same time: those of this build do next to nothing and those of 0.1.1, of which two
run at once, leave the machine enough. Afterwards strace counts the system calls of each wait for as long as one slow
re-check: flock is not among them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from bench import Bench, Figure, Row
from measure import cpu_of
from stores import Workspace
from syscalls import while_idle
from waits import Wait

Waits = dict[tuple[str, str], Wait]
LIMIT = 0.02
SIZES = (0, 1_000, 10_000)
TRACED_SECONDS = 25  # longer than the slow re-check


def measure(bench: Bench) -> Figure:
    """One size after the other, both builds at once."""
    seconds = bench.choose(30, 120)
    figure = Figure("W2", f"CPU of one idle blocked wait, seconds a minute, over {seconds} s")
    locks = locks_earlier = 0
    for stored in bench.sizes(*SIZES):
        spaces = [bench.space(build, f"w2-{stored}") for build in bench.builds]
        for space in spaces:
            space.fill(stored)
        waits = {
            (space.build.key, what): Wait(space, *words).until_blocked()
            for space in spaces
            for what, words in _waits(space).items()
        }
        bench.say(f"W2: {stored:,} stored, {len(waits)} waits for {seconds} s")
        used, calls = _cpu(waits, seconds), _calls(waits)
        for (key, what), cpu in used.items():
            waits[key, what].end()
            figure.point(f"{key} {what}", stored, cpu=cpu)
            if key == "this":
                theirs = used.get(("earlier", what), used["earlier", "wait --lane"])
                note = f"{sum(calls[key, what].values())} system calls in {TRACED_SECONDS} s"
                figure.rows.append(Row(f"{what}, {stored:,} stored", "s/min", cpu, theirs, LIMIT, note=note))
        locks += sum(found.get("flock", 0) for (key, _), found in calls.items() if key == "this")
        locks_earlier += sum(found.get("flock", 0) for (key, _), found in calls.items() if key == "earlier")
        for space in spaces:
            space.remove()
    what = f"flock calls of all of them in {TRACED_SECONDS} s"
    figure.rows.append(Row(what, "calls", locks, locks_earlier, 0))
    return figure


def _waits(space: Workspace) -> dict[str, tuple[str, ...]]:
    kinds = {"wait ID": ("wait", space.submit("other")), "wait --lane": ("wait", "--lane", "review")}
    claim = {"claim --lane --wait": ("claim", "--lane", "review", "--wait", "3600")}
    return kinds | claim if space.build.is_this else kinds


def _cpu(waits: Waits, seconds: float) -> dict[tuple[str, str], float]:
    """CPU seconds a minute of each."""
    before, started = {which: cpu_of(wait.pid) for which, wait in waits.items()}, time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - started) / 60
    return {which: (cpu_of(wait.pid) - before[which]) / minutes for which, wait in waits.items()}


def _calls(waits: Waits) -> dict[tuple[str, str], dict[str, int]]:
    """The system calls of each, all traced at the same time."""
    with ThreadPoolExecutor(len(waits)) as pool:
        traced = pool.map(lambda wait: while_idle(wait.pid, TRACED_SECONDS), waits.values())
        return dict(zip(waits, traced, strict=True))
