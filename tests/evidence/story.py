"""A history of one task, written by hand: what clients did, one second each, and what the store holds in the end."""

from __future__ import annotations

from typing import Any

from crowd import checker
from crowd.journal import INFO, NEVER, OK, Operation
from crowd.tasks import Record

from agent_lanes.core.task import BY_REQUEST, EXHAUSTED, Event
from agent_lanes.core.times import iso

SECOND = 1_000_000
ID, PROMPT, BODY, LANE = "a", "think", "thought", "work"
LEASE = 10


class Story:
    """`did` adds an operation and the line of history that it leaves; `problems` is what the checker finds."""

    def __init__(self) -> None:
        self.at, self.attempt = 0, 1
        self.operations: list[Operation] = []
        self.record = Record(ID, PROMPT, body=BODY, status="completed", epoch=1, lane=LANE)
        self.records = {ID: self.record}
        self.line("created", 0)

    def did(self, f: str, type: str = OK, *, client: str = "ann", **values: Any) -> Operation:
        """An operation that took nearly one second."""
        begin, self.at = self.at, self.at + SECOND
        one = Operation(f, client, begin, NEVER if type == INFO else self.at - 1, type, {"id": ID, **values})
        self.operations.append(one)
        return one

    def line(self, type: str, epoch: int = 1, message: str = "", **data: Any) -> None:
        """A line of the task's history."""
        events = self.record.events
        number = len(events) + 1
        events.append(Event(type=type, message=message, created_at=self.at, data=data, epoch=epoch, number=number))

    def submit(self, type: str = OK, *, max_attempts: int | None = None, **terms: Any) -> Story:
        """With a key."""
        values = {} if type == OK else {"id": None}
        self.record.max_attempts, self.record.unique_key = max_attempts, terms.get("unique_key")
        self.did("submit", type, prompt=PROMPT, key="k", lane=LANE, terms=terms, **values)
        return self

    def claim(self, epoch: int = 1, **values: Any) -> Story:
        """With a lease of ten seconds."""
        token, owner = f"token {epoch}", values.pop("owner", f"owner {epoch}")
        attempt, self.attempt = values.pop("attempt", self.attempt), self.attempt + 1
        given = {"epoch": epoch, "token": token, "owner": owner, "lease": LEASE, "request_id": None, "lane": LANE}
        self.did("claim", **{**given, **values})
        self.line("claimed", epoch, owner=owner, lease_seconds=LEASE, attempt=attempt)
        return self

    def held(self, f: str, epoch: int = 1, type: str = OK, **values: Any) -> Story:
        """A renewal, a release, an event, by whoever has this epoch."""
        self.did(f, type, epoch=epoch, lease=LEASE, **values)
        if type == OK:
            self.attempt -= f == "release"
            line = {"renew": "renewed", "release": "released", "event": "note"}[f]
            self.line(line, epoch, values.get("message", ""))
        return self

    def respond(self, epoch: int = 1, type: str = OK, body: str = BODY) -> Story:
        """An answer."""
        self.did("respond", type, epoch=epoch, body=body, status="completed")
        if type == OK:
            self.line("response", epoch)
            self.record.epoch, self.record.answered_at = epoch, self.at
        return self

    def fail(self, epoch: int = 1, type: str = OK, *, pause: float = 0, last: bool = False) -> Story:
        """An attempt failed; the last one ends the task."""
        reason = f"failed {epoch}"
        self.did("fail", type, epoch=epoch, reason=reason, **({"final": last} if type == OK else {}))
        if type == OK:
            later = {} if last else {"not_before": iso(self.at + round(pause * SECOND))}
            self.line("attempt_failed", epoch, reason=reason, **later)
        return self.ended(EXHAUSTED, reason, epoch) if last else self

    def ended(self, cause: str, body: str, epoch: int = 0) -> Story:
        """By the queue itself."""
        self.line("response", epoch, cause=cause)
        return self._ends("failed", cause, body, epoch)

    def cancel(self, epoch: int = 0, type: str = OK) -> Story:
        """By somebody."""
        self.did("cancel", type, client="bob", by="bob", reason="enough")
        self.line("cancelled", epoch)
        return self._ends("cancelled", BY_REQUEST, "enough", epoch)

    def _ends(self, status: str, cause: str, body: str, epoch: int) -> Story:
        record = self.record
        record.status, record.cause, record.body, record.epoch = status, cause, body, epoch
        record.answered_at = self.at
        return self

    def hold(self, seconds: float, epoch: int = 0, type: str = OK) -> Story:
        """For so long from now on."""
        until, reason = self.at + round(seconds * SECOND), f"held at {self.at}"
        self.did("hold", type, client="bob", seconds=seconds, reason=reason)
        self.line("on_hold", epoch, until=iso(until), reason=reason)
        return self

    def resume(self, epoch: int = 0, type: str = OK) -> Story:
        """It is offered again."""
        by = f"bob at {self.at}"
        self.did("resume", type, client="bob", by=by)
        if type == OK:
            self.line("resumed", epoch, by=by)
        return self

    def lane(self, f: str, type: str = OK, **values: Any) -> Story:
        """`hold_lane`, with `seconds`, or `resume_lane`."""
        self.did(f, type, client="bob", id=None, lane=LANE, **values)
        return self

    def after(self, other: str = "b", *, status: str = "completed", at: int = 0, on_failure: str = "fail") -> Story:
        """It depends on another task, which ended at that time (0: now) as that."""
        self.record.depends_on, self.record.on_failure = (other,), on_failure
        one = Record(other, "first", body=BODY, status=status, epoch=1, answered_at=at or self.at, lane=LANE)
        one.events = [*self.record.events[:1], *_lines(("claimed", 1), ("response", 1))]
        self.records[other] = one
        given = {"id": other, "epoch": 1, "token": "t", "lease": LEASE, "lane": LANE}
        for f, more in (("submit", {"prompt": "first"}), ("claim", {}), ("respond", {"body": BODY, "status": status})):
            self.operations.append(Operation(f, "ann", 0, 1, OK, {**given, **more}))
        return self

    def wait(self, body: str = BODY, status: str = "completed") -> Story:
        """A waiter."""
        self.did("wait", client="zoe", body=body, status=status)
        return self

    def later(self, seconds: float) -> Story:
        """Nothing happens for a while."""
        self.at += round(seconds * SECOND)
        return self

    def problems(self) -> list[str]:
        """What the checker finds."""
        return checker.problems(sorted(self.operations, key=lambda one: one.begin), self.records)


def _lines(*lines: tuple[str, int]) -> list[Event]:
    data = {"attempt": 1, "lease_seconds": LEASE}
    return [
        Event(type=type, message="", created_at=0, data=data if type == "claimed" else {}, epoch=epoch, number=number)
        for number, (type, epoch) in enumerate(lines, 2)
    ]
