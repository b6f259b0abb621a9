"""C2: CPU of --help and of calls that are wrong, in P."""

from __future__ import annotations

from bench import Bench, Figure, Row
from measure import median, ratio, run

LIMIT = 2.5
CALLS = {
    "--help": ("--help",),
    "submit --help": ("submit", "--help"),
    "an option that is not there": ("submit", "--lame", "review"),
    "a command that is not there": ("sumbit",),
    "a value that is none": ("renew", "x", "--claim-token", "t", "--lease-seconds", "soon"),
}


def measure(bench: Bench) -> Figure:
    """Builds taking turns. All but help end with an exit code other than 0."""
    figure = Figure("C2", "CPU of help and of wrong calls, in P")
    spaces = [bench.space(build, "c2") for build in bench.builds]
    cpu: dict[tuple[str, str], list[float]] = {}
    for turn in range(bench.choose(7, 21)):
        for space in spaces if turn % 2 else reversed(spaces):
            build = space.build
            cpu.setdefault((build.key, "P"), []).append(build.empty_python(space.folder).cpu)
            for name, words in CALLS.items():
                done = run([build.command, *words], folder=space.folder, env=build.env, check=False)
                if (done.code == 0) != ("help" in name):
                    raise RuntimeError(f"{build.key} {name}: exit code {done.code}")
                cpu.setdefault((build.key, name), []).append(done.cpu)
    for name in CALLS:
        ours, low, high = ratio(cpu["this", name], cpu["this", "P"])
        theirs = ratio(cpu["earlier", name], cpu["earlier", "P"])[0]
        figure.rows.append(Row(name, "P", ours, theirs, LIMIT, low, high))
    figure.rows.append(Row("P itself", "ms", 1000 * median(cpu["this", "P"]), 1000 * median(cpu["earlier", "P"])))
    figure.samples = {f"{key} {name} ms": [1000 * value for value in all] for (key, name), all in cpu.items()}
    return figure
