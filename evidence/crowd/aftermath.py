"""What is left after a storm: the store drained, nothing left over, its history checked, and the figures."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

from agent_lanes import Queue
from agent_lanes.core.task import BY_REQUEST, DEPENDENCY, EXHAUSTED
from crowd import checker, steering
from crowd.doors import PROGRAM
from crowd.journal import INFO, OK, Operation
from crowd.people import Crowd, left_over
from crowd.tasks import HELD, Record
from crowd.upkeep import OF_THE_MACHINE, Upkeep

REFUSED = ("lost_claim", "already_answered", "refused")
HINTS = ("ready", "timers", "held", "claims")
TWO_HOURS = 7200


def drained(store: Path, patience: float) -> list[str]:
    """Wait until every task is answered; those that are not once patience (time.monotonic) is at its end."""
    queue = Queue.open(str(store))
    while active := queue.list(active_only=True):
        if time.monotonic() > patience:
            return [f"never answered: {task['id']} is {task['state']}" for task in active]
        time.sleep(0.2)
    return []


def problems(store: Path, operations: list[Operation], records: dict[str, Record]) -> list[str]:
    """Everything that is wrong with the store and its history, now that nobody is at work."""
    found = checker.problems(operations, records)
    found += [f"a process is left: {line}" for line in left_over(store)]
    found += _swept(store)
    found += [f"a hint is left: {path}" for name in HINTS for path in _files(store / name)]
    found += _healthy(store)
    return found + _exported(store)


def records(store: Path) -> dict[str, Record]:
    """Every task of a store."""
    queue, found = Queue.open(str(store)), dict[str, Record]()
    for path in sorted((store / "tasks").iterdir()):
        snapshot = queue.read(path.name)
        task, answer = snapshot.task, snapshot.response
        prompt = (path / "request.md").read_text() if task.request_stored else task.prompt
        one = found[task.id] = Record(task.id, prompt, events=queue.events(task.id), lane=task.lane)
        one.max_attempts, one.not_before, one.unique_key = task.max_attempts, task.not_before or 0, task.unique_key
        one.depends_on, one.on_failure = task.depends_on, task.on_failure
        if answer is not None:
            one.body, one.status, one.epoch, one.cause = answer.body, answer.status, answer.epoch, answer.cause
            one.answered_at = answer.created_at
    return found


def _files(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _swept(store: Path) -> list[str]:
    """What killed commands left is gone once it is old, and the hints were rebuilt."""
    for name in ("tmp", *HINTS):
        for path in _files(store / name) + [str(path) for path in (store / name).iterdir()]:
            os.utime(path, (time.time() - TWO_HOURS,) * 2)
    (store / "gate").write_bytes(b"")
    _run(store, "claim", "--lane", "after the storm")
    return [f"litter is left: {path}" for path in (store / "tmp").iterdir()]


def _healthy(store: Path) -> list[str]:
    told = json.loads(_run(store, "doctor", "--json", codes=(0, 1)))
    return [f"doctor: {finding}" for finding in told["findings"] if finding["code"] not in OF_THE_MACHINE]


def _exported(store: Path) -> list[str]:
    """All of it goes into a stream."""
    stream = store.parent / "stream.jsonl"
    _run(store, "export", str(stream))
    count = len(list((store / "tasks").iterdir()))
    lines = [json.loads(line) for line in stream.read_text().splitlines()]
    answered = sum(line.get("response") is not None for line in lines)
    return [] if (count, count) == (lines[-1]["tasks"], answered) else [f"export: {answered} answers of {count} tasks"]


def _run(store: Path, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([*PROGRAM, "--store", str(store), *words], capture_output=True, text=True)
    if done.returncode not in codes:
        raise RuntimeError(f"{words}: exit code {done.returncode}: {done.stdout} {done.stderr}")
    return done.stdout


def figures(
    operations: list[Operation], records: dict[str, Record], crowd: Crowd, upkeep: Upkeep, seconds: float
) -> list[tuple[str, str | int]]:
    """The rows of the table."""
    count = Counter((one.f, one.type) for one in operations)
    fails = Counter((one.f, one.code) for one in operations if one.type not in (OK, INFO))
    deeds = Counter(f"{deed.what} {deed.whom}" for deed in crowd.deeds)
    keyed = {one.key for one in operations if one.f == "submit" and one.key}
    tries = Counter(one.key for one in operations if one.f == "submit" and one.key)
    answers = len({one.id for one in operations if one.f == "respond" and one.type == OK})
    stale = sum(n for (f, code), n in fails.items() if f in HELD and code in REFUSED)
    clients = Counter(person.role for person in crowd.gone)
    rows: list[tuple[str, str | int]] = [
        ("seconds", round(seconds)),
        *((f"{role}s", n) for role, n in sorted(clients.items())),
        ("submits acknowledged", count["submit", OK]),
        ("submits of unknown outcome", count["submit", INFO]),
        ("submits repeated with their key", sum(n - 1 for n in tries.values())),
        ("keys", len(keyed)),
        ("claims", sum(one.type == OK and one.id is not None for one in operations if one.f == "claim")),
        ("renewals", count["renew", OK]),
        ("releases", count["release", OK]),
        ("failed attempts", count["fail", OK]),
        *_ended(operations, records),
        ("tasks answered", answers),
        ("tasks answered a second", f"{answers / seconds:.1f}"),
        ("stale holders refused", stale),
        ("tasks put on hold", count["hold", OK]),
        ("tasks resumed", count["resume", OK]),
        ("lanes put on hold", count["hold_lane", OK]),
        ("claims given nothing by a held lane", steering.idle_while_held(operations)),
        ("answers waited for and seen", count["wait", OK]),
        ("operations of unknown outcome", sum(n for (_, type), n in count.items() if type == INFO)),
        ("busy", sum(n for (_, code), n in fails.items() if code == "busy")),
        *sorted(deeds.items()),
        *((f"{what} meanwhile", n) for what, n in sorted(upkeep.done.items())),
    ]
    other = {f"{f}: {code}": n for (f, code), n in fails.items() if code not in (*REFUSED, "busy")}
    return rows + sorted(other.items())


def _ended(operations: list[Operation], records: dict[str, Record]) -> list[tuple[str, str | int]]:
    """On which terms tasks were submitted, and what became of them."""
    causes = Counter(record.cause for record in records.values())
    last = {id: max((event.epoch for event in one.events), default=0) for id, one in records.items()}
    submits = [one for one in operations if one.f == "submit" and one.type == OK and one.id in records]
    return [
        ("tasks with a limit of attempts", sum(one.max_attempts is not None for one in records.values())),
        ("dead letters", causes[EXHAUSTED]),
        ("tasks that depend on others", sum(bool(one.depends_on) for one in records.values())),
        ("ended because another failed", causes[DEPENDENCY]),
        ("cancelled", causes[BY_REQUEST]),
        ("cancelled after a claim", sum(one.cause == BY_REQUEST and last[one.id] > 0 for one in records.values())),
        ("tasks with a unique key", sum(one.unique_key is not None for one in records.values())),
        ("submits told of the open task", sum(records[one.id].prompt != one.prompt for one in submits)),
    ]
