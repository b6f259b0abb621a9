"""R1: a whole hand-over through five processes, as scripts written for 0.1 make it.

    submit -> `wait --lane` that was blocked prints it -> claim -> respond -> `wait ID` that was blocked ends

The wall time is from the start of submit to the end of `wait ID`, which is started as soon as the id is known. With
`claim --lane --wait` this build needs only four processes: that is measured too.
"""

from __future__ import annotations

import json
import subprocess
import time

from bench import Bench, Figure, Row
from measure import median, new_file_and_fsync, percentile
from stores import Workspace
from waits import Wait

P_PART, F_PART = 9, 6


def measure(bench: Bench) -> Figure:
    """Builds take turns; P and F are measured in each round."""
    figure = Figure("R1", "Submit to answer through five processes, wall, in P")
    spaces = {build.key: bench.space(build, "r1") for build in bench.builds}
    taken: dict[str, list[float]] = {"earlier": [], "this": [], "four": [], "P": [], "F": []}
    for _ in range(bench.choose(7, 31)):
        taken["P"].append(bench.this.empty_python(bench.disk).cpu)
        taken["F"].append(new_file_and_fsync(bench.disk))
        taken["earlier"].append(five(spaces["earlier"]))
        taken["this"].append(five(spaces["this"]))
        taken["four"].append(four(spaces["this"]))
    p, f = median(taken["P"]), median(taken["F"])
    limit = (P_PART * p + F_PART * f) / p
    note = f"must: {P_PART} P + {F_PART} F; P {1000 * p:.1f} ms, F {1000 * f:.2f} ms"
    for key, what in (("this", "five processes"), ("four", "with claim --lane --wait: four")):
        ours, spread = median(taken[key]) / p, (percentile(taken[key], 0.25) / p, percentile(taken[key], 0.75) / p)
        figure.rows.append(Row(what, "P", ours, median(taken["earlier"]) / p, limit, *spread, note))
    figure.samples = {f"{key} ms": [1000 * value for value in all] for key, all in taken.items()}
    return figure


def five(space: Workspace) -> float:
    """Seconds of one hand-over as scripts for 0.1 make it."""
    waiting = Wait(space, "wait", "--lane", "review", "--json").until_blocked()
    started = time.perf_counter()
    id = space.submit("review")
    orchestrator = Wait(space, "wait", id, "--quiet")
    offered = json.loads(waiting.rest())["task"]["id"]
    token = space.claim(offered)
    space.run("respond", offered, "--claim-token", token, "--body", "ok")
    return _answered(orchestrator, id == offered, started)


def four(space: Workspace) -> float:
    """The same with `claim --lane --wait`, which is `wait --lane` and `claim` in one."""
    worker = Wait(space, "claim", "--lane", "review", "--wait", "60", "--json").until_blocked()
    started = time.perf_counter()
    id = space.submit("review")
    orchestrator = Wait(space, "wait", id, "--quiet")
    taken = json.loads(worker.rest())
    space.run("respond", taken["task_id"], "--claim-token", taken["claim_token"], "--body", "ok")
    return _answered(orchestrator, id == taken["task_id"], started)


def _answered(orchestrator: Wait, same: bool, started: float) -> float:
    orchestrator.rest()
    ended = time.perf_counter()
    if orchestrator.child.returncode or not same:
        raise subprocess.CalledProcessError(orchestrator.child.returncode, "wait")
    return ended - started
