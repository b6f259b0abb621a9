"""One interleaved run over all queues: N processes put, then take until nothing is left; every body exactly once.

T2, T3, P1 and P2 are looks at the same run. With one process, all kinds take turns of a few bodies each, so that
what else the machine does meets all of them. With several, a round visits every kind and number of processes once, in
an order of its own; each visit has a queue of its own, so that one kind's past does not slow it down. 0.1.1 reads
every stored task for each find: it gets fewer tasks, which is to its advantage.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from queues.stage import ABOUT, MANY, Stage, Worker, there

if TYPE_CHECKING:
    from bench import Bench

TURN = 8  # bodies
Rates = dict[tuple[str, int], list[float]]


class Crowds:
    """Bodies a second, sample by sample, of every kind and number of processes; those of one process from visits."""

    def __init__(self, bench: Bench) -> None:
        self.put: Rates = {}
        self.take: Rates = {}
        kinds = [kind for kind in ABOUT if there(kind)]
        visits = [(kind, many) for kind in kinds for many in MANY if many in ABOUT[kind][2]]
        for turn in range(bench.choose(3, 7)):
            bench.say(f"queues: round {turn + 1}, {len(visits)} visits")
            random.shuffle(visits)
            for kind, many in visits:
                self._visit(bench, kind, many)

    def _visit(self, bench: Bench, kind: str, many: int) -> None:
        number = bench.choose(32, 64) if kind == "earlier-http" else bench.choose(96, 320)
        stage = Stage(bench, kind, many)
        workers: list[Worker] = []
        try:
            workers = [Worker(stage, address) for address in stage.addresses]
            share = number // many
            tags = [f"{count}" for count in range(many)]
            seconds = _all(workers, [f"put {share} {tag}" for tag in tags])[0]
            self.put.setdefault((kind, many), []).append(share * many / seconds)
            seconds, taken = _all(workers, ["take"] * many)
            self.take.setdefault((kind, many), []).append(share * many / seconds)
        finally:
            for worker in workers:
                worker.end()
            stage.close()
        wanted = sorted(f"{tag}-{count}" for tag in tags for count in range(share))
        if sorted(taken) != wanted:
            double = len(taken) - len(set(taken))
            raise RuntimeError(f"{kind}, {many} processes: {len(set(wanted) - set(taken))} lost, {double} double")


def _all(workers: list[Worker], lines: list[str]) -> tuple[float, list[str]]:
    """Let all begin at once; the seconds until the last is done, and what all of them took."""
    started = time.perf_counter()
    for worker, line in zip(workers, lines, strict=True):
        worker.tell(line)
    taken = [body for worker in workers for body in worker.done()]
    return time.perf_counter() - started, taken


class Turns:
    """The same with one process each, all kinds taking turns of a few bodies."""

    def __init__(self, bench: Bench) -> None:
        self.put: dict[str, list[float]] = {}
        self.take: dict[str, list[float]] = {}
        kinds = [kind for kind in ABOUT if there(kind)]
        stages: list[Stage] = []
        workers: dict[str, Worker] = {}
        try:
            for kind in kinds:
                stages.append(Stage(bench, kind, 1))
                workers[kind] = Worker(stages[-1], stages[-1].addresses[0])
            turns = bench.choose(40, 80)
            bench.say(f"queues: one process each, {turns} turns")
            for turn in range(turns):
                random.shuffle(kinds)
                for kind in kinds:
                    seconds = _all([workers[kind]], [f"put {TURN} {turn}"])[0]
                    self.put.setdefault(kind, []).append(TURN / seconds)
                for kind in kinds:
                    seconds, taken = _all([workers[kind]], [f"take {TURN}"])
                    self.take.setdefault(kind, []).append(TURN / seconds)
                    if len(set(taken)) != TURN:
                        raise RuntimeError(f"{kind}: took {taken}, not {TURN} bodies")
        finally:
            for worker in workers.values():
                worker.end()
            for stage in stages:
                stage.close()
