"""W1: from the name that a task or an answer gets (rename or link) to the first byte of the wait that was blocked.

    answer, a bare link    the file is prepared; the time starts before the link (0.1.1: the rename)
    answer, by respond     the real command; the time starts before its own link
    task, by submit        the real command; the time starts before its own rename

Beside them stands a floor: a bare Python process that sleeps on a pipe and is woken by a byte, in the same rounds.
In memory an fsync costs nothing, so that is the figure with fsync left out. On the disk, `wait ID` makes the answer
durable before it reports it, which is an fsync within the time that is measured.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bench import Bench, Figure, Row
from builds import HERE
from measure import median, percentile
from stores import Workspace, answer_file
from waits import Wait, floor

if TYPE_CHECKING:
    from collections.abc import Callable

P50_LIMIT, P99_LIMIT = 2.0, 15.0
SIZES = (0, 1_000, 10_000)


def measure(bench: Bench) -> Figure:
    """Builds, kinds and places take turns; 0.1.1, whose samples take seconds in a large store, does fewer."""
    figure = Figure("W1", "From the name to the first byte of the blocked wait")
    for stored in bench.sizes(*SIZES):
        kinds: dict[str, Callable[[], float]] = {}
        spaces = []
        for build in bench.builds:
            for place in ("memory", "disk") if bench.memory else ("disk",):
                space = bench.space(build, f"w1-{stored}", memory=place == "memory")
                space.fill(stored)
                spaces.append(space)
                for what, sample in SAMPLES.items():
                    kinds[f"{build.key} {what}, {place}"] = lambda space=space, sample=sample: sample(space)  # type: ignore[misc]
        kinds["floor"] = lambda: floor(bench.this, bench.disk)
        bench.say(f"W1: {stored:,} stored")
        taken = _rounds(kinds, bench.choose(20, 100), bench.choose(5, 25) if stored < 10_000 else 10)
        _rows(figure, stored, taken)
        for space in spaces:
            space.remove()
    return figure


def _rounds(kinds: dict[str, Callable[[], float]], many: int, few: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(many):
        for kind, sample in kinds.items():
            if not kind.startswith("earlier") or turn < few:
                taken[kind].append(sample())
    return taken


def _rows(figure: Figure, stored: int, taken: dict[str, list[float]]) -> None:
    for kind, ours in taken.items():
        figure.samples[f"{kind}, {stored} stored ms"] = ours
        figure.point(kind, stored, p50=median(ours), p99=percentile(ours, 0.99))
        if kind.startswith("earlier"):
            continue
        what = kind.removeprefix("this ")
        theirs = taken.get(f"earlier {what}", [])
        for share, limit in ((0.5, P50_LIMIT), (0.99, P99_LIMIT)):
            at, at_earlier = percentile(ours, share), percentile(theirs, share) if theirs else None
            note = f"{len(theirs)} and {len(ours)} samples"
            asked = limit if what.endswith("memory") else None
            spread = (percentile(ours, 0.25), percentile(ours, 0.75)) if share == 0.5 else (None, None)
            name = f"{what}, {stored:,} stored: p{100 * share:.0f}"
            figure.rows.append(Row(name, "ms", at, at_earlier, asked, *spread, note))


def _linked(space: Workspace) -> float:
    id = space.submit("review")
    prepared = f"{space.folder}/prepared.json"
    with open(prepared, "wb") as file:
        file.write(answer_file(space, id))
    waiting = Wait(space, "wait", id, "--quiet").until_blocked()
    name = f"{space.state}/tasks/{id}/response.json"
    started = time.monotonic_ns()
    if space.build.is_this:
        os.link(prepared, name)
        os.unlink(prepared)
    else:
        os.rename(prepared, name)
    return _until_first_byte(waiting, started)


def _responded(space: Workspace) -> float:
    id = space.submit("review")
    waiting = Wait(space, "wait", id, "--quiet").until_blocked()
    return _stamped(space, waiting, f"/tasks/{id}/response.json", "respond", id, "--body", "ok")[0]


def _submitted(space: Workspace) -> float:
    waiting = Wait(space, "wait", "--lane", "woken", "--quiet").until_blocked()
    files = ("--request-from", "request.md", "--response-to", "answers/answer.md")
    taken, out = _stamped(space, waiting, "/tasks/", "submit", "--lane", "woken", *files)
    space.run("respond", out.split()[0], "--body", "ok")
    return taken


SAMPLES = {"answer, a bare link": _linked, "answer, by respond": _responded, "task, by submit": _submitted}


def _stamped(space: Workspace, waiting: Wait, part: str, *words: str) -> tuple[float, str]:
    """Run a command that wakes the wait; ms from the first name that it gave with `part` in it, and its output."""
    log = f"{space.folder}/stamps"
    waker = Wait(space, *words, before=(space.build.python, f"{HERE}/stamp.py", log))
    at = waiting.first_byte()
    out = waker.rest()
    waiting.rest()
    with open(log) as file:
        named = next(int(line.split()[0]) for line in file if part in line)
    return (at - named) / 1e6, out


def _until_first_byte(waiting: Wait, started: int) -> float:
    taken = (waiting.first_byte() - started) / 1e6
    waiting.rest()
    return taken
