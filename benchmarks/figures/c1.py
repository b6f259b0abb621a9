"""C1: CPU of one command, in P: the CPU of `python -c pass` with the same interpreter, measured beside it."""

from __future__ import annotations

from bench import Bench, Figure, Row
from measure import median, ratio, run

from figures.commands import NAMES, life

LIMIT = 2.5


def measure(bench: Bench) -> Figure:
    """Seven commands a round, builds taking turns; a store with a few tasks."""
    figure = Figure("C1", "CPU of one command, in P (python -c pass)")
    spaces = [bench.space(build, "c1") for build in bench.builds]
    cpu: dict[tuple[str, str], list[float]] = {}
    for turn in range(bench.choose(7, 31)):
        for space in spaces if turn % 2 else reversed(spaces):
            build = space.build

            def call(name: str, argv: list[str], build=build, space=space) -> str:  # type: ignore[no-untyped-def]
                done = run(argv, folder=space.folder, env=build.env)
                cpu.setdefault((build.key, name), []).append(done.cpu)
                return done.out

            call("P", [build.python, "-c", "pass"])
            life(space, call)
            call("P", [build.python, "-c", "pass"])
    for name in NAMES:
        ours, low, high = ratio(cpu["this", name], cpu["this", "P"])
        theirs, _, _ = ratio(cpu["earlier", name], cpu["earlier", "P"])
        figure.rows.append(Row(name, "P", ours, theirs, LIMIT, low, high))
    for (key, name), taken in cpu.items():
        figure.samples[f"{key} {name} ms"] = [1000 * value for value in taken]
    p = 1000 * median(cpu["this", "P"])
    figure.rows.append(Row("P itself", "ms", p, 1000 * median(cpu["earlier", "P"])))
    return figure
