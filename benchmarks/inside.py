"""Timings inside one process of this build, printed as JSON. Run with the build's own interpreter.

    python inside.py claim ROUNDS STORE STORE     milliseconds of one claim_next, alternating between the two stores
    python inside.py find ROUNDS STORE STORE      milliseconds of peek_next, of claim_next and of depth, the same way
    python inside.py crowd COUNT STORE            puts COUNT blocked, delayed and held tasks, and those of a held vendor

`claim` submits one task before each claim and answers it after: what is claimed is always the only one. `find`
releases what it claimed, so that the head of the lane stays the same.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from agent_lanes import Queue

if TYPE_CHECKING:
    from collections.abc import Callable

LANE = "inside"


def main(what: str, rounds: int, stores: list[str]) -> None:
    queues = [Queue.open(store=store) for store in stores]
    samples: dict[str, list[list[float]]] = {}

    def timed(name: str, place: int, do: Callable[[], object]) -> object:
        started = time.perf_counter()
        result = do()
        taken = 1000 * (time.perf_counter() - started)
        samples.setdefault(name, [[], []])[place].append(taken)
        return result

    for turn in range(rounds):
        for place in (0, 1) if turn % 2 else (1, 0):
            queue = queues[place]
            if what == "claim":
                queue.submit(LANE, prompt="one")
                task = timed("claim", place, lambda queue=queue: queue.claim(LANE))
                task.respond("ok")  # type: ignore[attr-defined]
            else:
                service = queue._service
                timed("find", place, lambda service=service: service.peek_next(LANE))
                timed("depth", place, lambda service=service: service.depth(LANE))
                task = timed("claim", place, lambda queue=queue: queue.claim(LANE))
                task.release()  # type: ignore[attr-defined]
    print(json.dumps(samples))


def crowd(count: int, store: str) -> None:
    queue = Queue.open(store=store)
    first = queue.submit("elsewhere", prompt="never answered")
    plain: dict[str, Any] = {"lane": LANE, "prompt": "one"}
    for more in ({"depends_on": (first,)}, {"delay_seconds": 86_400}, {"metadata": {"required_vendor": "held"}}, {}):
        done = queue.submit_many([plain | more for _ in range(count)])
        if not more:
            for one in done:
                queue.hold(one.raise_if_failed())
    queue.hold_lane(vendor="held")


if sys.argv[1] == "crowd":
    crowd(int(sys.argv[2]), sys.argv[3])
else:
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
