"""S4: a claim with many tasks beside it that may not be claimed, over a claim in an empty lane.

Blocked, delayed, on hold by themselves, and for a vendor that is on hold, as many of each. What is claimed is always
the only task that may be. In one process, alternating between the two stores.
"""

from __future__ import annotations

import json

from bench import Bench, Figure, Row
from measure import median, percentile, ratio

LIMIT, LIMIT_MS = 2.0, 1.0


def measure(bench: Bench) -> Figure:
    """Alternating between the two stores in one process."""
    many = bench.choose(1_000, 10_000)
    figure = Figure(
        "S4", f"Claim the only task that may be, beside {many:,} blocked, delayed, held, and for a held vendor"
    )
    empty, full = (bench.space(bench.this, f"s4-{name}") for name in ("empty", "full"))
    bench.this.inside(bench.disk, "inside.py", "crowd", str(many), full.state)
    printed = bench.this.inside(bench.disk, "inside.py", "claim", str(bench.choose(40, 300)), empty.state, full.state)
    for name, (few, large) in json.loads(printed).items():
        times, low, high = ratio(large, few)
        figure.rows.append(Row(f"{name}, crowded over empty", "x", times, None, LIMIT, low, high))
        spread = percentile(large, 0.25), percentile(large, 0.75)
        figure.rows.append(Row(f"{name}, crowded", "ms", median(large), None, LIMIT_MS, *spread))
        figure.samples |= {f"{name}, empty ms": few, f"{name}, crowded ms": large}
    for space in (empty, full):
        space.remove()
    return figure
