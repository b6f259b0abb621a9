"""Which history of all clients is legal: a total-queue check, as Jepsen's, with leases and epochs added.

    problems(operations, records)    what every client wrote down, and what the store holds in the end

The store must have been drained: every task answered. Times of an operation are when it was called and when it had
returned, so it took place somewhere in between: only what cannot be explained by any such moment is a problem.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from agent_lanes.core.task import BY_REQUEST, EXHAUSTED, Event
from crowd import legal, steering
from crowd.journal import FAIL, INFO, OK, Operation
from crowd.tasks import HELD, PUT_BACK, SLACK, Done, Record

LINES = {"renew": "renewed", "release": "released", "fail": "attempt_failed"}
NAMED = {"event": ("note", "message"), "hold": ("on_hold", "reason"), "resume": ("resumed", "by")}
"""Lines of history that tell which operation wrote them, and by what."""
ENDS_A_CLAIM = ("released", "attempt_failed", "response", "cancelled")


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
    tasks = {id: Done(record, by_task.get(id, [])) for id, record in records.items()}
    for id, task in tasks.items():
        for check in (_answer, _waits, _epochs, _stale, _leases, _history, *steering.CHECKS):
            found += (f"task {id}: {problem}" for problem in check(task))
        found += (f"task {id}: {problem}" for problem in steering.dependencies(task.record, records))
    found += steering.unique_keys(operations, tasks)
    return found + list(steering.held_lanes(operations))


def _know_repetitions(operations: list[Operation]) -> None:
    """Note on each claim when it was first asked for with its request id, and whether another try may have made it."""
    first: dict[str, Operation] = {}
    unsure = {one.request_id for one in operations if one.f == "claim" and one.type == INFO}
    for one in operations:
        if one.f == "claim" and one.request_id is not None:
            one.values["asked"] = first.setdefault(one.request_id, one).begin
            one.values["again"] = one.request_id in unsure


def _submits(submits: list[Operation], records: dict[str, Record]) -> Iterator[str]:
    """Nothing acknowledged is lost, nothing is there twice, nothing is there that nobody submitted."""
    by_prompt: dict[str, list[Operation]] = defaultdict(list)
    for one in submits:
        by_prompt[one.prompt].append(one)
    stored: dict[str, list[str]] = defaultdict(list)
    for id, record in records.items():
        stored[record.prompt].append(id)
    for prompt, tries in by_prompt.items():
        acknowledged = {one.id for one in tries if one.type == OK and not _another_has_its_key(one, records)}
        ids = set(stored.pop(prompt, ()))
        if len(ids) > 1:
            yield f"submit {prompt!r} made {len(ids)} tasks: {sorted(ids)}"
        if not acknowledged <= ids:
            yield f"submit {prompt!r} was acknowledged as {sorted(acknowledged)}; in the store: {sorted(ids)}"
        if ids and all(one.type == FAIL for one in tries):
            yield f"submit {prompt!r} failed, and its task is there: {sorted(ids)}"
    for prompt, ids in stored.items():
        yield f"nobody submitted {prompt!r}: {ids}"


def _another_has_its_key(one: Operation, records: dict[str, Record]) -> bool:
    """Whether a submit was told of the open task that has its unique key already."""
    key, given = (one.terms or {}).get("unique_key"), records.get(one.id)
    if key is None or given is None or given.prompt == one.prompt:
        return False
    return (given.lane, given.unique_key) == (one.lane, key)


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
                event.type in ENDS_A_CLAIM and event.epoch == first.epoch
                for event in record.events
                if event.created_at <= second.created_at + SLACK
            )
            if not ended and second.created_at - first.created_at < calls[0].lease * 1e6 - SLACK:
                yield f"request id {request_id} made two claims within one lease: {first.epoch} of {record.id}"


def _answer(task: Done) -> Iterator[str]:
    """There is exactly one answer, and it is one that somebody gave, not one that was refused; or the queue's own."""
    record = task.record
    if record.body is None:
        yield "never answered"
        return
    if record.cause in (None, BY_REQUEST) and not _given(task):
        refused = any(_says(one) == record.body for f in ("respond", "cancel") for one in task.failed(f))
        yield f"its answer was {'refused' if refused else 'given by nobody'}: {record.body!r}"
    for one in task.all("respond", ok=True):
        if (one.body, one.status) != (record.body, record.status):
            yield f"an answer that was accepted is not the one in the store: {one}"
    for one in task.all("cancel", ok=True):
        if record.status != "cancelled":
            yield f"it was cancelled, and is {record.status}: {one}"
    for one in task.all("fail", ok=True):
        if one.final and (record.cause, record.body, record.epoch) != (EXHAUSTED, one.reason, one.epoch):
            yield f"the failure of the last attempt is not the answer in the store: {one}"


def _given(task: Done) -> list[Operation]:
    """The operations that may have given the answer."""
    record = task.record
    if record.cause == BY_REQUEST:
        return [one for one in task.all("cancel") if one.reason == record.body]
    given = [one for one in task.all("respond", "fail") if one.epoch == record.epoch]
    return [one for one in given if _says(one) == record.body]


def _says(one: Operation) -> str:
    return str(one.body if one.f == "respond" else one.reason)


def _waits(task: Done) -> Iterator[str]:
    """All who waited saw the one answer, and not before it was given."""
    record = task.record
    begun = min((one.begin for one in _given(task)), default=0)
    for one in task.all("wait", ok=True):
        if (one.body, one.status) != (record.body, record.status):
            yield f"a waiter saw another answer than {record.body!r}: {one}"
        elif one.end < begun:
            yield f"a waiter saw the answer before it was given: {one}"


def _epochs(task: Done) -> Iterator[str]:
    """Each claim has an epoch of its own, higher than all before it; none comes after the answer."""
    claims = sorted(task.all("claim", ok=True), key=lambda one: one.end)
    tokens: dict[int, str] = {}
    highest, highest_end, waiting = 0, 0, sorted(claims, key=lambda one: one.begin)
    answered = min((one.end for one in task.ended()), default=None)
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


def _stale(task: Done) -> Iterator[str]:
    """Nothing that a holder does takes place once another has claimed, or once it was put back or has ended."""
    claims, answers = task.all("claim", ok=True), task.ended()
    back = {one.epoch: one for one in sorted(task.put_back(), key=lambda one: -one.end)}
    for one in task.all(*HELD, ok=True):
        for claim in claims:
            if claim.epoch > one.epoch and claim.end < one.begin:
                yield f"a stale holder's {one.f} took place: {one}; after {claim}"
        before = back.get(one.epoch)
        if before is not None and one.f not in PUT_BACK and before.end < one.begin:
            yield f"{one.f} took place after the {before.f} of its claim: {one}"
        if (one.f in ("renew", "release") or (one.f == "fail" and not one.final)) and any(
            answer.end < one.begin for answer in answers
        ):
            yield f"{one.f} took place after the answer: {one}"


def _leases(task: Done) -> Iterator[str]:
    """Nobody claims before the lease of the holder before has run out, unless that one had put it back."""
    claims, back = task.claims(), {one.epoch for one in task.all(*PUT_BACK)}
    for first, second in pairwise(sorted(claims)):
        early = task.lease_ends(first) - claims[second].end
        if first not in back and early > 0:
            yield f"claimed {early / 1e6:.3f} s before the lease of epoch {first} was over"


def _history(task: Done) -> Iterator[str]:
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
    if sum(count for (type, _), count in told.items() if type in ("response", "cancelled")) > 1:
        yield "history: more than one answer"
    for f, line in LINES.items():
        unsure = {one.epoch for one in task.all(f) if one.type == INFO}
        for epoch in {one.epoch for one in (*task.all(f), *task.failed(f))}:
            certain = _count(task.all(f, ok=True), epoch)
            possible = _count(task.all(f), epoch)
            if f in PUT_BACK:  # repeated, it is confirmed
                certain, possible = 0 if epoch in unsure else min(certain, 1), min(possible, 1)
            if not certain <= told[line, epoch] <= possible:
                yield f"history: {told[line, epoch]} lines {line} of epoch {epoch}, {certain} to {possible} took place"
    for f, (line, name) in NAMED.items():
        lines = Counter(
            event.message if name == "message" else event.data.get(name) for event in events if event.type == line
        )
        for one in (*task.all(f), *task.failed(f)):
            least, most = {OK: (1, 1), FAIL: (0, 0)}.get(one.type, (0, 1))
            if not least <= lines[one.values[name]] <= most:
                yield f"history: {lines[one.values[name]]} lines of {one}"


def _count(operations: Iterable[Operation], epoch: Any) -> int:
    return sum(one.epoch == epoch for one in operations)
