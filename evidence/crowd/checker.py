"""Which history of all clients is legal: a total-queue check, as Jepsen's, with leases and epochs added.

    problems(operations, records)    what every client wrote down, and what the store holds in the end

The store must have been drained: every task answered. Times of an operation are when it was called and when it had
returned, so it took place somewhere in between: only what cannot be explained by any such moment is a problem.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from agent_lanes.core.task import Event
from crowd import legal
from crowd.journal import FAIL, INFO, OK, Operation

HELD = ("renew", "release", "event", "respond")
LINES = {"renew": "renewed", "release": "released"}
SLACK = 2_000  # microseconds by which NTP may bend the wall clock of two lines of history


@dataclass
class Record:
    """A task as the store holds it in the end."""

    id: str
    prompt: str
    body: str | None = None
    status: str | None = None
    epoch: int = 0
    events: list[Event] = field(default_factory=list)


def problems(operations: list[Operation], records: dict[str, Record]) -> list[str]:
    """Every broken promise, in one line each; nothing, if all were kept."""
    _know_repetitions(operations)
    by_task: dict[str, list[Operation]] = defaultdict(list)
    for one in operations:
        if one.f != "submit" and one.id is not None:
            by_task[one.id].append(one)
    found = list(_submits([one for one in operations if one.f == "submit"], records))
    found += _requests([one for one in operations if one.f == "claim"], records)
    for id in by_task.keys() - records.keys():
        found.append(f"task {id} is not in the store: {by_task[id][0]}")
    for id, record in records.items():
        task = _Task(record, by_task.get(id, []))
        for check in (_answer, _waits, _epochs, _stale, _leases, _history):
            found += (f"task {id}: {problem}" for problem in check(task))
    return found


def _know_repetitions(operations: list[Operation]) -> None:
    """Note on each claim when it was first asked for with its request id, and whether another try may have made it."""
    first: dict[str, Operation] = {}
    unsure = {one.request_id for one in operations if one.f == "claim" and one.type == INFO}
    for one in operations:
        if one.f == "claim" and one.request_id is not None:
            one.values["asked"] = first.setdefault(one.request_id, one).begin
            one.values["again"] = one.request_id in unsure


class _Task:
    """All that was done to one task."""

    def __init__(self, record: Record, operations: list[Operation]) -> None:
        self.record = record
        self._by: dict[str, list[Operation]] = defaultdict(list)
        for one in operations:
            self._by[one.f].append(one)

    def all(self, *fs: str, ok: bool = False) -> list[Operation]:
        """What may have taken place; only what certainly did, with `ok`."""
        found = [one for f in fs for one in self._by[f]]
        return [one for one in found if one.type == OK or (not ok and one.type != FAIL)]

    def failed(self, f: str) -> list[Operation]:
        return [one for one in self._by[f] if one.type == FAIL]


def _submits(submits: list[Operation], records: dict[str, Record]) -> Iterator[str]:
    """Nothing acknowledged is lost, nothing is there twice, nothing is there that nobody submitted."""
    by_prompt: dict[str, list[Operation]] = defaultdict(list)
    for one in submits:
        by_prompt[one.prompt].append(one)
    stored: dict[str, list[str]] = defaultdict(list)
    for id, record in records.items():
        stored[record.prompt].append(id)
    for prompt, tries in by_prompt.items():
        acknowledged = {one.id for one in tries if one.type == OK}
        ids = set(stored.pop(prompt, ()))
        if len(ids) > 1:
            yield f"submit {prompt!r} made {len(ids)} tasks: {sorted(ids)}"
        if not acknowledged <= ids:
            yield f"submit {prompt!r} was acknowledged as {sorted(acknowledged)}; in the store: {sorted(ids)}"
        if ids and all(one.type == FAIL for one in tries):
            yield f"submit {prompt!r} failed, and its task is there: {sorted(ids)}"
    for prompt, ids in stored.items():
        yield f"nobody submitted {prompt!r}: {ids}"


def _requests(claims: list[Operation], records: dict[str, Record]) -> Iterator[str]:
    """A request id has one claim at a time: asked for again it is the same, until that one's lease is over."""
    by_request: dict[str, list[Operation]] = defaultdict(list)
    lines: dict[str, list[tuple[Event, Record]]] = defaultdict(list)
    for one in claims:
        if one.request_id is not None:
            by_request[one.request_id].append(one)
    for record in records.values():
        for event in record.events:
            if event.type == "claimed":
                lines[str(event.data.get("owner"))].append((event, record))
    for request_id, calls in by_request.items():
        made = sorted(lines[calls[0].owner], key=lambda line: line[0].created_at)
        for (first, record), (second, _) in pairwise(made):
            ended = any(
                event.type in ("released", "response") and event.epoch == first.epoch
                for event in record.events
                if event.created_at <= second.created_at + SLACK
            )
            if not ended and second.created_at - first.created_at < calls[0].lease * 1e6 - SLACK:
                yield f"request id {request_id} made two claims within one lease: {first.epoch} of {record.id}"


def _answer(task: _Task) -> Iterator[str]:
    """There is exactly one answer, and it is one that somebody gave, not one that was refused."""
    record, given = task.record, task.all("respond")
    if record.body is None:
        yield "never answered"
        return
    if not any(one.body == record.body and one.epoch == record.epoch for one in given):
        refused = any(one.body == record.body for one in task.failed("respond"))
        yield f"its answer was {'refused' if refused else 'given by nobody'}: {record.body!r}"
    for one in task.all("respond", ok=True):
        if (one.body, one.status) != (record.body, record.status):
            yield f"an answer that was accepted is not the one in the store: {one}"


def _waits(task: _Task) -> Iterator[str]:
    """All who waited saw the one answer, and not before it was given."""
    record = task.record
    begun = min((one.begin for one in task.all("respond") if one.body == record.body), default=0)
    for one in task.all("wait", ok=True):
        if (one.body, one.status) != (record.body, record.status):
            yield f"a waiter saw another answer than {record.body!r}: {one}"
        elif one.end < begun:
            yield f"a waiter saw the answer before it was given: {one}"


def _epochs(task: _Task) -> Iterator[str]:
    """Each claim has an epoch of its own, higher than all before it; none comes after the answer."""
    claims = sorted(task.all("claim", ok=True), key=lambda one: one.end)
    tokens: dict[int, str] = {}
    highest, highest_end, waiting = 0, 0, sorted(claims, key=lambda one: one.begin)
    answered = min((one.end for one in task.all("respond", ok=True)), default=None)
    for one in claims:
        if tokens.setdefault(one.epoch, one.token) != one.token:
            yield f"epoch {one.epoch} was given twice: {one}"
    ended = iter(claims)
    last = next(ended, None)
    for one in waiting:
        while last is not None and last.end < one.begin:  # these came before it
            if last.epoch > highest:
                highest, highest_end = last.epoch, last.end
            last = next(ended, None)
        if one.epoch < highest or (one.epoch == highest and tokens[one.epoch] != one.token):
            yield f"epoch {one.epoch} was claimed after epoch {highest} (at {highest_end}): {one}"
        if answered is not None and one.begin > answered:
            yield f"claimed after it was answered: {one}"


def _stale(task: _Task) -> Iterator[str]:
    """Nothing that a holder does takes place once another has claimed, or once it was released or answered."""
    claims = task.all("claim", ok=True)
    releases = {one.epoch: one for one in sorted(task.all("release", ok=True), key=lambda one: -one.end)}
    answers = task.all("respond", ok=True)
    for one in task.all(*HELD, ok=True):
        for claim in claims:
            if claim.epoch > one.epoch and claim.end < one.begin:
                yield f"a stale holder's {one.f} took place: {one}; after {claim}"
        released = releases.get(one.epoch)
        if released is not None and one.f != "release" and released.end < one.begin:
            yield f"{one.f} took place after the release of its claim: {one}"
        if one.f in ("renew", "release") and any(answer.end < one.begin for answer in answers):
            yield f"{one.f} took place after the answer: {one}"


def _leases(task: _Task) -> Iterator[str]:
    """Nobody claims before the lease of the holder before has run out, unless that one had released it."""
    claims = {one.epoch: one for one in sorted(task.all("claim", ok=True), key=lambda one: -one.end)}
    releases = {one.epoch for one in task.all("release")}
    for first, second in pairwise(sorted(claims)):
        if first in releases:
            continue
        grants = [one for one in task.all("claim", "renew", ok=True) if one.epoch == first]
        ends = max(one.ends or (one.asked or one.begin) + one.lease * 1e6 for one in grants)
        if claims[second].end < ends:
            yield f"claimed {(ends - claims[second].end) / 1e6:.3f} s before the lease of epoch {first} was over"


def _history(task: _Task) -> Iterator[str]:
    """events.jsonl tells a legal story, and every operation that was acknowledged is in it."""
    events = task.record.events
    yield from (f"history: {problem}" for problem in legal.problems(events))
    told = Counter((event.type, event.epoch) for event in events)
    for f, line in (("claim", "claimed"), ("respond", "response")):
        unsure = {one.epoch for one in task.all(f) if one.type == INFO or one.again}
        for epoch in {one.epoch for one in task.all(f, ok=True)}:
            least = 0 if epoch in unsure else 1  # killed between commit and line, and then confirmed
            if not least <= told[line, epoch] <= 1:
                yield f"history: {told[line, epoch]} lines {line} of epoch {epoch}"
    if sum(count for (type, _), count in told.items() if type == "response") > 1:
        yield "history: more than one answer"
    for f, line in LINES.items():
        for epoch in {one.epoch for one in (*task.all(f), *task.failed(f))}:
            certain = _count(task.all(f, ok=True), epoch)
            possible = _count(task.all(f), epoch)
            certain = min(certain, 1) if f == "release" else certain  # repeated, it is confirmed
            if not certain <= told[line, epoch] <= possible:
                yield f"history: {told[line, epoch]} lines {line} of epoch {epoch}, {certain} to {possible} took place"
    messages = Counter(event.message for event in events if event.type == "note")
    for one in (*task.all("event"), *task.failed("event")):
        least, most = {OK: (1, 1), FAIL: (0, 0)}.get(one.type, (0, 1))
        if not least <= messages[one.message] <= most:
            yield f"history: {messages[one.message]} lines of {one}"


def _count(operations: Iterable[Operation], epoch: Any) -> int:
    return sum(one.epoch == epoch for one in operations)
