"""T4: a batch submitted at once over the same number submitted one by one, each as durable as the other."""

from __future__ import annotations

import json

from bench import Bench, Figure, Row
from measure import median, ratio

LEAST = {8: None, 64: 8.0, 512: 12.0}


def measure(bench: Bench) -> Figure:
    """In one process, taking turns; 0.1.1 has no batches."""
    figure = Figure("T4", "A batch submitted at once, over one by one")
    space = bench.space(bench.this, "t4")
    words = [str(bench.choose(5, 15)), space.state, *map(str, LEAST)]
    taken = {int(size): all for size, all in json.loads(bench.this.inside(space.folder, "batches.py", *words)).items()}
    for size, least in LEAST.items():
        beside = taken[1][list(LEAST).index(size) :: len(LEAST)]
        times, low, high = ratio(beside, taken[size])
        note = f"{1000 * median(taken[size]):.3f} ms a task, {1000 * median(beside):.3f} one by one"
        figure.rows.append(Row(f"a batch of {size}", "x", times, None, None, low, high, note, least))
    figure.samples = {f"batch of {size}, ms a task": [1000 * value for value in all] for size, all in taken.items()}
    space.remove()
    return figure
