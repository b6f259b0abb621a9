"""Which history is legal of work that manages itself: attempts, times, holds, dependencies, unique keys, held lanes.

Instants of history are those of the wall clock, at which each change was decided on, after all that it depends on
had been read; those of journals count from the boot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from agent_lanes.core.task import COMPLETED, DEPENDENCY, EXHAUSTED, EXPIRED, Event
from agent_lanes.core.times import parse_iso
from crowd.journal import INFO, OK, Operation
from crowd.tasks import ENDING, PUT_BACK, SLACK, Done, Record

SECOND = 1_000_000


def attempts(task: Done) -> Iterator[str]:
    """There are never more than its most, and it is a dead letter only after the last of them."""
    record, claims = task.record, task.record.lines("claimed")
    most = record.max_attempts
    for event in claims:
        if most is not None and _attempt(event) > most:
            yield f"attempt {_attempt(event)} of at most {most}"
    if record.cause == EXPIRED:
        yield "it has expired, and had no deadline"
    if record.cause != EXHAUSTED:
        return
    if most is None:
        yield "its attempts are used up, and had no limit"
    elif claims and claims[-1].epoch == record.epoch and _attempt(claims[-1]) < most:
        yield f"dead after attempt {_attempt(claims[-1])} of {most}"
    failed = any(event.epoch == record.epoch for event in record.lines("attempt_failed"))
    early = _lease_ends(record) - record.answered_at
    if not failed and early > SLACK:
        yield f"dead {early / SECOND:.3f} s before the lease of its last attempt was over"


def _attempt(event: Event) -> int:
    return int(str(event.data["attempt"]))


def _lease_ends(record: Record) -> int:
    """When the last lease of the last claim ran out, as history tells."""
    granted = [event for event in record.lines("claimed", "renewed") if event.epoch == record.epoch]
    seconds = [float(str(event.data["lease_seconds"])) for event in granted if event.type == "claimed"]
    return granted[-1].created_at + round(seconds[0] * SECOND) if seconds else 0


def times(task: Done) -> Iterator[str]:
    """Nobody claims it before its time, nor during the pause after a failed attempt."""
    earliest = task.record.not_before
    for event in task.record.events:
        if event.type == "attempt_failed" and event.data.get("not_before"):
            earliest = parse_iso(str(event.data["not_before"]))
        elif event.type == "claimed":
            if event.created_at < earliest - SLACK:
                yield f"claimed {(earliest - event.created_at) / SECOND:.3f} s before its time"
            earliest = 0


def holds(task: Done) -> Iterator[str]:
    """Nobody claims it while it is on hold, and nobody puts it on hold while it is claimed."""
    if not any(one.type == INFO for one in task.all("hold", "resume")):  # else a line may be lost
        until = 0
        for event in task.record.events:
            if event.type == "on_hold":
                until = parse_iso(str(event.data["until"]))
            elif event.type == "resumed":
                until = 0
            elif event.type == "claimed" and event.created_at < until - SLACK:
                early = (until - event.created_at) / SECOND
                yield f"claimed in epoch {event.epoch}, {early:.3f} s before its hold ends"
    claims, back = task.claims(), {one.epoch for one in task.all(*PUT_BACK)}
    for one in task.all("hold", ok=True):
        for epoch, claim in claims.items():
            if epoch not in back and claim.end < one.begin and one.end < task.lease_ends(epoch):
                yield f"put on hold while epoch {epoch} had it: {one}"


CHECKS = (attempts, times, holds)
"""Those that look at one task alone."""


def dependencies(record: Record, records: dict[str, Record]) -> Iterator[str]:
    """Nobody claims it before all that it depends on have completed (ended, where that will do)."""
    others = [records[id] for id in record.depends_on if id in records]
    yield from (f"it depends on {id}, which is not in the store" for id in record.depends_on if id not in records)
    for event in record.lines("claimed"):
        for other in others:
            if not other.answered_at or event.created_at < other.answered_at - SLACK:
                yield f"claimed before {other.id}, on which it depends, had ended"
            elif record.on_failure == "fail" and other.status != COMPLETED:
                yield f"claimed, though {other.id}, on which it depends, is {other.status}"
    if record.cause == DEPENDENCY:
        failed = [other for other in others if other.status != COMPLETED]
        if record.on_failure != "fail" or not failed:
            yield "ended for its dependencies, and none of them is why"
        elif record.answered_at < min(other.answered_at for other in failed) - SLACK:
            yield "ended for its dependencies before any of them had failed"


def unique_keys(operations: list[Operation], tasks: dict[str, Done]) -> Iterator[str]:
    """Of a lane and a key there is one open task at any moment, and who asks for another is told of that one."""
    known: dict[str, int] = {}
    by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
    for id, task in tasks.items():
        if task.record.unique_key is not None:
            by_key[task.record.lane, task.record.unique_key].append(id)
    for one in operations:
        if one.f != "submit" or one.type != OK or one.id not in tasks:
            continue
        known[one.id] = min(one.end, known.get(one.id, one.end))
        if tasks[one.id].record.prompt != one.prompt:
            over = [end for end in tasks[one.id].ended() if end.end < one.begin]
            if over:
                yield f"task {one.id} had ended, and still had its unique key: {one}; after {over[0]}"
    for (lane, key), ids in by_key.items():
        spans = [(known[id], _open_until(tasks[id]), id) for id in ids if id in known]
        for (begin, end, id), (other_begin, other_end, other) in combinations(spans, 2):
            if max(begin, other_begin) < min(end, other_end):
                yield f"tasks {id} and {other} of lane {lane}, both with the unique key {key!r}, were open at once"


def _open_until(task: Done) -> int:
    """The last moment at which it certainly was open."""
    if task.record.cause in (EXHAUSTED, DEPENDENCY, EXPIRED):  # by the queue itself, in whoever's call
        return max((one.begin for one in task.all("claim", ok=True)), default=0)
    return min((one.begin for one in task.all(*ENDING) if one.f != "fail"), default=0)


def held_lanes(operations: list[Operation]) -> Iterator[str]:
    """Nobody who asks once a lane is on hold gets anything of it, before that is over."""
    steps = _steps(operations)
    for claim in operations:
        if claim.f == "claim" and claim.type == OK and claim.id is not None:
            hold = _held_throughout(steps[claim.lane], claim.asked or claim.begin, claim.end)
            if hold is not None:
                yield f"claimed while its lane was on hold: {claim}; {hold}"


def idle_while_held(operations: list[Operation]) -> int:
    """How many claims were given nothing because their lane was on hold."""
    steps = _steps(operations)
    idle = [one for one in operations if one.f == "claim" and one.type == OK and one.id is None]
    return sum(_held_throughout(steps[one.lane], one.begin, one.end) is not None for one in idle)


def _steps(operations: list[Operation]) -> dict[str, list[Operation]]:
    """What may have held each lane, or let it go on."""
    steps: dict[str, list[Operation]] = defaultdict(list)
    for one in operations:
        if one.f in ("hold_lane", "resume_lane") and one.type in (OK, INFO):
            steps[one.lane].append(one)
    return steps


def _held_throughout(steps: list[Operation], begin: int, end: int) -> Operation | None:
    """A hold of the lane that stands from before `begin` to after `end`, whatever else may have come after it."""
    for hold in steps:
        if hold.f != "hold_lane" or hold.type != OK or hold.end >= begin:
            continue
        since = [one for one in steps if one.end >= hold.begin and one.begin <= end]
        if all(one.f == "hold_lane" and one.begin + one.seconds * SECOND - SLACK > end for one in since):
            return hold
    return None
