"""K1: kill -9 at every system call of every command that writes.

The program is killed when it is about to make a call, so that the call is never made. Then, of what lies on the disk:

- it is legal (invariants.py), and no answer and no acknowledged task is gone;
- the same call made again ends as it should, and says so where it had been done;
- everything can be driven to its one answer by somebody who knows nothing (ending.py), whether or not the call is
  made again, and no claim lasts longer than its lease;
- nothing is left but what an undisturbed run leaves; what is, is removed by what the table names, after an hour.
"""

from __future__ import annotations

import os
import re
import signal
import sys

from companions import Beside
from experiment import Plan, Table
from scene import PROGRAM, Ended, plain
from strace import Call
from sweep import Found, once, sweep
from tracer import killed_at
from trial import BETWEEN, DONE, NOT_DONE, Trial

HEAD = ("command", "calls", "states", "not done", "done", "in between", "the same call again", "left over", "broken")
LIVED = "lived"
ID = re.compile(r"\b\d{8}T\d{12}Z-[\w-]+")
AGAIN = "python evidence/kills.py"


def run(plan: Plan) -> Table:
    """The table; a problem for each broken promise."""
    table = Table(HEAD)
    litter: dict[str, str] = {}
    for found in sweep(plan, kills, "K1"):
        repeated = "; ".join(f"{what} ({count})" for what, count in sorted(found.repeated.items()))
        left = len(found.litter)
        outcomes = [found.outcomes[state] for state in (NOT_DONE, DONE, BETWEEN)]
        table.rows.append((found.case, found.tried, found.states, *outcomes, repeated, left, len(found.problems)))
        table.problems += found.problems
        litter |= found.litter
        if found.outcomes[LIVED]:
            table.notes.append(f"{found.case}: {found.outcomes[LIVED]} calls were not made again, and killed nothing")
    table.rows.sort(key=lambda row: str(row[0]))
    table.notes += [f"left over: {name} - removed by {cleaner}" for name, cleaner in sorted(litter.items())]
    return table


def kills(trial: Trial, found: Found, calls: list[Call]) -> None:
    """Kill one command at each of these calls."""
    for call in calls:
        trial.reset()
        ended = killed(trial, call)
        how = f"killed at {call.name} {call.text[:100]!r} [{AGAIN} {found.case!r} {call.name} {call.nth}]"
        if ended.code != -signal.SIGKILL:
            found.outcomes[LIVED] += 1
            continue
        kept = trial.scene.keep()
        told = trial.wrong(kept)
        state, more = trial.follow(kept)
        if plain(ended.out) == plain(trial.undisturbed.out) and ended.out and state != DONE:
            told.append("it said that it was done, and it is not")
        there = trial.tasks(kept) | trial.tasks(trial.template)  # what is gone is told by wrong()
        told += [f"it said that {id} is there" for id in ID.findall(ended.out.decode()) if id not in there]
        found.tried += 1
        found.outcomes[state] += 1
        found.broken(how, told + more)


def killed(trial: Trial, call: Call) -> Ended:
    """Run the command until it is about to make that call."""
    scene, case = trial.scene, trial.case
    base = scene.root.parent / f"{scene.root.name}."
    stdin, out, err = (base.with_name(base.name + name) for name in ("stdin", "out", "err"))
    stdin.write_bytes(case.stdin)
    beside = Beside(case.companion, scene, trial.store)
    with open(stdin, "rb") as given, open(out, "wb") as told, open(err, "wb") as said, beside:
        code = killed_at(
            call.number,
            call.nth,
            [PROGRAM, *trial.words],
            {**scene.environment, **case.environment},
            scene.project,
            (given.fileno(), told.fileno(), said.fileno()),
            beside.started,
        )
    ended = Ended(code, out.read_bytes(), err.read_bytes())
    for path in (stdin, out, err):
        os.unlink(path)
    return ended


if __name__ == "__main__":
    sys.exit(once(kills, *sys.argv[1:]))
