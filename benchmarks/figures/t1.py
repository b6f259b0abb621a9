"""T1: fsyncs of one command, and those of them under an exclusive lock, where others would wait for them."""

from __future__ import annotations

from bench import Bench, Figure, Row
from syscalls import syncs

from figures.commands import life

LIMITS = {"submit": 3, "claim": 1, "renew": 0, "event": 0, "respond": 2}


def measure(bench: Bench) -> Figure:
    """Counted once: they do not vary."""
    figure = Figure("T1", "fsyncs of one command")
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for build in bench.builds:
        space = bench.space(build, "t1")

        def call(name: str, argv: list[str], build=build, space=space) -> str:  # type: ignore[no-untyped-def]
            count, under, out = syncs(argv, folder=space.folder, env=build.env)
            found[build.key, name] = count, under
            return out

        life(space, call)
    for name, limit in LIMITS.items():
        figure.rows.append(Row(name, "fsyncs", found["this", name][0], found["earlier", name][0], limit))
    under, under_earlier = (sum(found[key, name][1] for name in LIMITS) for key in ("this", "earlier"))
    figure.rows.append(Row("all five, while others can be kept waiting", "fsyncs", under, under_earlier, 0))
    figure.rows.append(Row("wait on a finished task", "fsyncs", found["this", "wait"][0], found["earlier", "wait"][0]))
    return figure
