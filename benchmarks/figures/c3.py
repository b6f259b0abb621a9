"""C3: system calls of one command beyond those of `python -c pass`; with few tasks stored, and with many."""

from __future__ import annotations

from bench import Bench, Figure, Row
from syscalls import total

from figures.commands import NAMES, life

LIMIT, GROWTH_LIMIT = 600, 1.05


def measure(bench: Bench) -> Figure:
    """The median of three, although they hardly differ."""
    figure = Figure("C3", "System calls of one command beyond python -c pass")
    many = bench.choose(1_000, 10_000)
    counts = {build.key: [_counts(bench, build, stored) for stored in (0, many)] for build in bench.builds}
    for name in NAMES:
        (few, large), (few_earlier, large_earlier) = [[at[name] for at in counts[key]] for key in ("this", "earlier")]
        figure.rows.append(Row(name, "calls", few, few_earlier, LIMIT))
        grown, grown_earlier = large / few, large_earlier / few_earlier
        figure.rows.append(Row(f"{name}, {many:,} stored over none", "x", grown, grown_earlier, GROWTH_LIMIT))
    return figure


def _counts(bench: Bench, build, stored: int) -> dict[str, int]:  # type: ignore[no-untyped-def]
    space = bench.space(build, f"c3-{stored}")
    if stored:
        space.fill(stored)
    bare = total([build.python, "-c", "pass"], folder=space.folder, env=build.env)[0]
    found: dict[str, list[int]] = {}

    def call(name: str, argv: list[str]) -> str:
        count, out = total(argv, folder=space.folder, env=build.env)
        found.setdefault(name, []).append(count - bare)
        return out

    for _ in range(3):
        life(space, call)
    space.remove()
    return {name: sorted(all)[1] for name, all in found.items()}
