"""A worker as a program: takes tasks of a lane and answers each, until told otherwise by a signal.

    python worker.py STORE LANE NAME SEED

Says `answered ID` or `refused ID` for each. Sometimes it works for longer than its lease of one second.
"""

from __future__ import annotations

import random
import sys
import time

from agent_lanes import Queue
from agent_lanes.errors import Refused

LEASE_SECONDS = 1.0


def say(*words: str) -> None:
    """A line on stdout, at once."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def main(store: str, lane: str, name: str, seed: str) -> None:
    """Work for ever."""
    chance = random.Random(seed)
    queue = Queue.open(store)
    while True:
        task = queue.claim(lane, owner=name, lease_seconds=LEASE_SECONDS, wait_seconds=600)
        if task is None:
            continue
        answer = f"{task.task.prompt}, answered by {name} in epoch {task.snapshot.epoch}"
        try:
            task.event("at work", data={"worker": name})
            time.sleep(chance.choice([0, 0, 0.05, 0.2, 1.3]))  # the work
            if chance.random() < 0.3:
                task.renew(LEASE_SECONDS)
            if chance.random() < 0.1:
                task.release("somebody else may")
                continue
            task.respond(answer, reviewer=name)
        except Refused:
            say("refused", task.id)
        else:
            say("answered", task.id)


if __name__ == "__main__":
    main(*sys.argv[1:])
