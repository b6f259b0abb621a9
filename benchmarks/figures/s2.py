"""S2: finding the next task with many ready ones over few: `peek_next` and `claim_next` inside one process.

`depth`, which respond prints, counts them all: it is shown, and nothing is asked of it. 0.1.1 takes part with its
command `wait --lane`, which is what finds the next there.
"""

from __future__ import annotations

import json

from bench import Bench, Figure, Row
from measure import median, percentile, ratio, run

LIMIT, LIMIT_MS = 2.0, 1.0
LANE = "inside"
FEW, LARGEST_EARLIER = 1_000, 10_000


def measure(bench: Bench) -> Figure:
    """Alternating between the two stores in one process."""
    many = bench.choose(10_000, 100_000)
    figure = Figure("S2", f"Find the next, with {many:,} ready over {FEW:,}")
    few_store, many_store = (bench.space(bench.this, f"s2-{count}") for count in (FEW, many))
    few_store.fill(FEW, lane=LANE, state="queued")
    rebuilt = many_store.fill(many, lane=LANE, state="queued")
    printed = bench.this.inside(
        bench.disk, "inside.py", "find", str(bench.choose(40, 200)), few_store.state, many_store.state
    )
    for name, (few, large) in json.loads(printed).items():
        asked = name == "find"
        times, low, high = ratio(large, few)
        figure.rows.append(Row(f"{name}, {many:,} over {FEW:,}", "x", times, None, LIMIT if asked else None, low, high))
        spread = percentile(large, 0.25), percentile(large, 0.75)
        limit = LIMIT_MS if asked else None
        figure.rows.append(Row(f"{name}, {many:,} ready", "ms", median(large), None, limit, *spread))
        figure.samples |= {f"{name}, {FEW} ms": few, f"{name}, {many} ms": large}
    _commands(bench, figure, few_store, many_store)
    figure.rows.append(Row(f"rebuild of the markers of {many:,} tasks", "s", rebuilt, note="once after a reboot"))
    for space in (few_store, many_store):
        space.remove()
    return figure


def _commands(bench: Bench, figure: Figure, *ours) -> None:  # type: ignore[no-untyped-def]
    theirs = [bench.space(bench.earlier, f"s2-{count}") for count in (FEW, LARGEST_EARLIER)]
    for space, count in zip(theirs, (FEW, LARGEST_EARLIER), strict=True):
        space.fill(count, lane=LANE, state="queued")
    cpu: list[list[float]] = [[], [], [], []]
    for _ in range(bench.choose(5, 15)):
        for place, space in enumerate((*theirs, *ours)):
            argv = [space.build.command, "wait", "--lane", LANE, "--timeout", "5", "--json"]
            cpu[place].append(run(argv, folder=space.folder, env=space.build.env).cpu)
    times, low, high = ratio(cpu[3], cpu[2])
    note = f"CPU of wait --lane; 0.1.1: {LARGEST_EARLIER:,} over {FEW:,}"
    figure.rows.append(Row("command, many over few", "x", times, ratio(cpu[1], cpu[0])[0], LIMIT, low, high, note))
    for space in theirs:
        space.remove()
