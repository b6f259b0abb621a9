"""A worker that holds one task until it is told, on stdin, to answer it.

    python holder.py STORE LANE LEASE_SECONDS

Keeps its lease alive meanwhile. Says `claimed ID TOKEN`; ends with the exit code of what became of its answer.
"""

from __future__ import annotations

import sys

from agent_lanes import Queue
from agent_lanes.errors import AgentLanesError


def say(*words: str) -> None:
    """A line on stdout, at once."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def main(store: str, lane: str, lease_seconds: str) -> int:
    """Claim, hold, answer."""
    task = Queue.open(store).claim(lane, owner="first", lease_seconds=float(lease_seconds), wait_seconds=60)
    if task is None:
        return 2
    say("claimed", task.id, task.token)
    with task.kept_alive():
        sys.stdin.readline()
        try:
            task.respond("the first answer")
        except AgentLanesError as error:
            say(error.code)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
