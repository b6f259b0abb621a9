"""S1: finding and claiming the next task, with many finished tasks stored over none.

Inside one process for this build; as commands for both (0.1.1 finds with `wait --lane` and claims with `claim ID`).
The large store grows from step to step; the empty one is measured again beside it at each step. 0.1.1 takes part up
to 10,000 stored tasks.
"""

from __future__ import annotations

import json

from bench import Bench, Figure, Row
from measure import median, ratio, run
from stores import Workspace

LIMIT = 1.3
LARGEST_EARLIER = 10_000
LANE = "inside"


def measure(bench: Bench) -> Figure:
    """One step a size."""
    figure = Figure("S1", "Find and claim, with many finished tasks stored over none")
    empty = {build.key: bench.space(build, "s1-none") for build in bench.builds}
    large = {build.key: bench.space(build, "s1-many") for build in bench.builds}
    for stored in bench.sizes(100, 1_000, 10_000, 100_000, 1_000_000):
        keys = [build.key for build in bench.builds if build.is_this or stored <= LARGEST_EARLIER]
        for key in keys:
            bench.say(f"S1: storing {stored:,} tasks for {key}")
            large[key].fill(stored - large[key].stored)
        _step(bench, figure, stored, [(empty[key], large[key]) for key in keys])
    if not bench.full:
        figure.rows.append(Row("1,000,000 stored", "x", None, note="only with --sizes full"))
    bench.say("S1: removing the stores")
    for space in (*empty.values(), *large.values()):
        space.remove()
    return figure


def _step(bench: Bench, figure: Figure, stored: int, pairs: list[tuple[Workspace, Workspace]]) -> None:
    ours = pairs[-1]
    printed = bench.this.inside(
        ours[0].folder, "inside.py", "claim", str(bench.choose(60, 300)), *(at.state for at in ours)
    )
    none, many = json.loads(printed)["claim"]
    figure.samples |= {f"in process, none beside {stored} ms": none, f"in process, {stored} ms": many}
    rounds = bench.choose(7, 15)
    taken: dict[tuple[str, int], list[float]] = {}
    for turn in range(rounds):
        for pair in pairs:
            for place in (0, 1) if turn % 2 else (1, 0):
                taken.setdefault((pair[0].build.key, place), []).append(_find_and_claim(pair[place]))
    times, low, high = ratio(many, none)
    limit = LIMIT if stored >= 100_000 or not bench.full else None
    note = f"{median(many):.2f} over {median(none):.2f} ms"
    figure.rows.append(Row(f"in process, {stored:,} over none", "x", times, None, limit, low, high, note))
    times, low, high = ratio(taken["this", 1], taken["this", 0])
    theirs = ratio(taken["earlier", 1], taken["earlier", 0])[0] if ("earlier", 1) in taken else None
    note = f"{1000 * median(taken['this', 1]):.1f} over {1000 * median(taken['this', 0]):.1f} ms of CPU"
    figure.rows.append(Row(f"commands, {stored:,} over none", "x", times, theirs, limit, low, high, note))
    for (key, place), all in taken.items():
        figure.samples[f"{key} command cpu, {stored if place else f'none beside {stored}'} ms"] = [
            1000 * v for v in all
        ]
        if place:
            figure.point(key, stored, cpu_ms=1000 * median(all))
    figure.point("in process", stored, wall_ms=median(many))


def _find_and_claim(space: Workspace) -> float:
    """CPU seconds of finding and claiming the one task that waits."""
    build, id = space.build, space.submit(LANE)
    if build.is_this:
        done = run([build.command, "claim", "--lane", LANE, "--json"], folder=space.folder, env=build.env)
        claim, cpu = json.loads(done.out), done.cpu
    else:
        found = run([build.command, "wait", "--lane", LANE, "--json"], folder=space.folder, env=build.env)
        offered = json.loads(found.out)["task"]["id"]
        done = run([build.command, "claim", offered, "--json"], folder=space.folder, env=build.env)
        claim, cpu = json.loads(done.out), found.cpu + done.cpu
    if claim["task_id"] != id:
        raise RuntimeError(f"{build.key}: claimed {claim['task_id']}, not {id}")
    space.run("respond", id, "--claim-token", claim["claim_token"], "--body", "ok")
    return cpu
