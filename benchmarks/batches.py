"""Submitting one by one and many at once, in one process of this build; printed as JSON: seconds for each task.

python batches.py ROUNDS STORE SIZE...
"""

from __future__ import annotations

import json
import sys
import time

from agent_lanes import Queue

LANE = "batch"
ONE_BY_ONE = 32  # of how many the mean is taken beside each batch


def main(rounds: int, store: str, sizes: list[int]) -> None:
    queue = Queue.open(store=store)
    taken: dict[str, list[float]] = {"1": [], **{str(size): [] for size in sizes}}
    for _ in range(rounds):
        for size in sizes:
            started = time.perf_counter()
            for count in range(ONE_BY_ONE):
                queue.submit(LANE, prompt=f"task {count}")
            taken["1"].append((time.perf_counter() - started) / ONE_BY_ONE)
            batch = [{"lane": LANE, "prompt": f"task {count}"} for count in range(size)]
            started = time.perf_counter()
            for one in queue.submit_many(batch):
                one.raise_if_failed()
            taken[str(size)].append((time.perf_counter() - started) / size)
    print(json.dumps(taken))


main(int(sys.argv[1]), sys.argv[2], [int(word) for word in sys.argv[3:]])
