"""Whether whoever looks for work finds a task: the names of markers are made here anew, from the contract."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from simulated.truth import Known
from simulated.world import World


def lister(world: World, state: str) -> Callable[[Known], str | None]:
    """Looks at the folders of hints: why nobody finds a task, or None. Names are made here anew, from the contract."""
    needed = [f"{state}/{name}" for name in ("tmp", "ready", "timers", "held")]

    def lacks(task: Known) -> str | None:
        try:
            current = Path(f"{state}/gate").read_text() == f"2 {world.boot_id}\n"
        except FileNotFoundError:
            return None
        if not current or not all(map(os.path.isdir, needed)):
            return None  # until the hints are rebuilt, everybody looks at the facts
        lane = str(task.record["lane"]).replace("/", "%2F")
        route = task.record["metadata"].get("required_vendor", "any")
        sequence = int(task.record["sequence"])
        ready = f"{state}/ready/{lane}/{route}/5{sequence // 512:010x}/5-{sequence:012d}-{task.id}"
        if os.path.exists(ready):
            return None
        claim = task.claim
        if claim and claim["parked"]:
            return None if os.path.exists(f"{state}/held/{lane}/{task.id}") else "it is not in held/"
        held = claim is not None and claim["released_at"] is None and claim["lease_boot_id"] == world.boot_id
        ends = claim["lease_ends_boottime_us"] if held else world.boottime
        timers = [path.name for path in Path(f"{state}/timers/{lane}").glob(f"*/*-{task.id}")]
        if any(int(name[:18]) <= ends for name in timers):
            return None
        return f"not in ready/; it may be claimed from {ends} on, its timers are {timers}"

    return lacks
