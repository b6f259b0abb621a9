"""S3: what is going on, asked of a store with many finished tasks and ten active ones."""

from __future__ import annotations

import json

from bench import Bench, Figure, Row
from measure import median, ratio, run

LIMIT = 3.0
ACTIVE = 10
LARGEST_EARLIER = 10_000
CALLS = {
    "status --all --active-only": ("status", "--all", "--active-only", "--json"),
    "list --active-only": ("list", "--active-only", "--json"),
}


def measure(bench: Bench) -> Figure:
    """0.1.1 takes part with up to 10,000 finished tasks, which is said."""
    stored = bench.choose(2_000, 50_000)
    figure = Figure("S3", f"CPU of asking for {ACTIVE} active tasks among {stored:,} finished, in P")
    spaces = {}
    for build in bench.builds:
        space = spaces[build.key] = bench.space(build, "s3")
        space.fill(stored if build.is_this else min(stored, LARGEST_EARLIER))
        for _ in range(ACTIVE):
            space.submit("review")
    cpu: dict[tuple[str, str], list[float]] = {}
    for turn in range(bench.choose(7, 21)):
        for key, space in spaces.items():
            if key == "earlier" and turn >= 5:
                continue
            cpu.setdefault((key, "P"), []).append(space.build.empty_python(space.folder).cpu)
            for name, words in CALLS.items():
                done = run([space.build.command, *words], folder=space.folder, env=space.build.env)
                if len(json.loads(done.out)["tasks"]) != ACTIVE:
                    raise RuntimeError(f"{key} {name}: {json.loads(done.out)['count']} tasks, not {ACTIVE}")
                cpu.setdefault((key, name), []).append(done.cpu)
    for name in CALLS:
        ours, low, high = ratio(cpu["this", name], cpu["this", "P"])
        theirs = ratio(cpu["earlier", name], cpu["earlier", "P"])[0]
        note = f"0.1.1 with {min(stored, LARGEST_EARLIER):,} finished"
        figure.rows.append(Row(name, "P", ours, theirs, LIMIT, low, high, note))
    figure.rows.append(Row("P itself", "ms", 1000 * median(cpu["this", "P"]), 1000 * median(cpu["earlier", "P"])))
    figure.samples = {f"{key} {name} ms": [1000 * value for value in all] for (key, name), all in cpu.items()}
    for space in spaces.values():
        space.remove()
    return figure
