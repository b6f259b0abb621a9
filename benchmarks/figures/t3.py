"""T3: 8 processes draining one lane, over 1; every task taken once is checked in each run."""

from __future__ import annotations

from bench import Bench, Figure, Row
from measure import median, ratio
from queues.stage import ABOUT, MANY

LEAST = 1.0


def measure(bench: Bench) -> Figure:
    """The rates at 1, 2, 4, 8 processes; those of the peers are the lines of a chart."""
    figure = Figure("T3", "Draining one lane with several processes, over one; none lost, none double")
    crowds = bench.crowds()
    for name, rates in (("claim and respond", crowds.take), ("submit", crowds.put)):
        for many in MANY[1:]:
            times, low, high = ratio(rates["this", many], rates["this", 1])
            theirs = ratio(rates["earlier-http", many], rates["earlier-http", 1])[0]
            asked = LEAST if (name, many) == ("claim and respond", 8) else None
            note = f"{median(rates['this', many]):,.0f} over {median(rates['this', 1]):,.0f} /s"
            row = Row(f"{name}, {many} processes over 1", "x", times, theirs, None, low, high, note, asked)
            figure.rows.append(row)
        for (kind, many), all in sorted(rates.items()):
            figure.point(f"{kind} {name}", many, rate=median(all))
            figure.samples[f"{name}, {ABOUT[kind][0]}, {many}"] = all
    return figure
