"""T2: submits a second, and claims with their answers, on the disk: 1 and 4 processes, beside 0.1.1.

This build by its Python API; 0.1.1 documents none and is driven over its HTTP, a server for each process. For
comparison this build over HTTP, too. The tasks are there before they are taken: each take finds, claims, answers.
"""

from __future__ import annotations

from bench import Bench, Figure, Row
from measure import median, ratio

LEAST = {("put", 1): 3.0, ("put", 4): None, ("take", 1): 5.0, ("take", 4): 6.0}
WHAT = {"put": "submit", "take": "claim and respond"}


def measure(bench: Bench) -> Figure:
    """Two rates and their ratio, for each number of processes."""
    figure = Figure("T2", "Submits, and claims with answers, a second")
    turns, crowds = bench.turns(), bench.crowds()
    for (what, many), least in LEAST.items():
        one, several = (turns.put, crowds.put) if what == "put" else (turns.take, crowds.take)
        ours, theirs, http = (
            one[kind] if many == 1 else several[kind, many] for kind in ("this", "earlier-http", "this-http")
        )
        name = f"{WHAT[what]}, {many} process{'es' if many > 1 else ''}"
        figure.rows.append(Row(name, "/s", median(ours), median(theirs), note=f"over HTTP: {median(http):,.0f} /s"))
        times, low, high = ratio(ours, theirs)
        figure.rows.append(Row(f"{name}, over 0.1.1", "x", times, None, None, low, high, least=least))
        figure.samples |= {f"{name}, this": ours, f"{name}, 0.1.1": theirs, f"{name}, this over HTTP": http}
    return figure
