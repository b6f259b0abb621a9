"""R2: the round trip of R1 with many finished tasks stored, and with many queued in another lane, over empty.

The cost of a round trip over what is stored is a chart, too; 0.1.1 takes part with few rounds, as each takes it
seconds in a large store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import Bench, Figure, Row
from measure import median, ratio

from figures.r1 import five, four

if TYPE_CHECKING:
    from stores import Workspace

LIMIT = 1.2
LARGEST_EARLIER = 10_000


def measure(bench: Bench) -> Figure:
    """All stores at once, taking turns; the rounds of 0.1.1 only as often as need be."""
    figure = Figure("R2", "Submit to answer with much stored, over empty")
    finished = bench.sizes(1_000, 10_000, 50_000)
    others = bench.choose(1_000, 10_000)
    spaces: dict[tuple[str, str], tuple[Workspace, int]] = {}
    for build in bench.builds:
        for what, stored, state in [
            ("finished", 0, "completed"),
            *(("finished", each, "completed") for each in finished),
            ("queued elsewhere", others, "queued"),
        ]:
            if not build.is_this and stored > LARGEST_EARLIER:
                continue
            space = bench.space(build, f"r2-{what.split()[0]}-{stored}")
            bench.say(f"R2: storing {stored:,} {what} for {build.key}")
            space.fill(stored, lane="review" if state == "completed" else "other", state=state)
            spaces[build.key, f"{stored:,} {what}"] = space, stored
    taken: dict[tuple[str, str], list[float]] = {}
    for turn in range(bench.choose(7, 21)):
        for (key, what), (space, stored) in spaces.items():
            if key == "this":
                taken.setdefault((key, what), []).append(five(space))
                taken.setdefault(("four", what), []).append(four(space))
            elif turn < (3 if stored >= LARGEST_EARLIER else 5):
                taken.setdefault((key, what), []).append(five(space))
    for key, what in spaces:
        if key != "this" or what.startswith("0 "):
            continue
        for name, kind in (("five processes", "this"), ("with claim --lane --wait: four", "four")):
            times, low, high = ratio(taken[kind, what], taken[kind, "0 finished"])
            theirs = taken.get(("earlier", what))
            over = median(theirs) / median(taken["earlier", "0 finished"]) if theirs and kind == "this" else None
            note = f"{1000 * median(taken[kind, what]):.1f} ms"
            figure.rows.append(Row(f"{what}, {name}", "x", times, over, LIMIT, low, high, note))
    for (key, what), (_, stored) in spaces.items():
        if what.endswith("finished"):
            figure.point(key, stored, ms=1000 * median(taken[key, what]))
            if key == "this":
                figure.point("four", stored, ms=1000 * median(taken["four", what]))
    figure.samples = {f"{key}, {what} ms": [1000 * value for value in all] for (key, what), all in taken.items()}
    for space, _ in spaces.values():
        space.remove()
    return figure
