"""A history of one task, written by hand: what clients did, one second each, and what the store holds in the end."""

from __future__ import annotations

from typing import Any

from crowd import checker
from crowd.checker import Record
from crowd.journal import INFO, NEVER, OK, Operation

from agent_lanes.core.task import Event

SECOND = 1_000_000
ID, PROMPT, BODY = "a", "think", "thought"


class Story:
    """`did` adds an operation and the line of history that it leaves; `problems` is what the checker finds."""

    def __init__(self) -> None:
        self.at = 0
        self.operations: list[Operation] = []
        self.record = Record(ID, PROMPT, body=BODY, status="completed", epoch=1)
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

    def submit(self, type: str = OK) -> Story:
        """With a key."""
        values = {} if type == OK else {"id": None}
        self.did("submit", type, prompt=PROMPT, key="k", **values)
        return self

    def claim(self, epoch: int = 1, **values: Any) -> Story:
        """With a lease of ten seconds."""
        token, owner = f"token {epoch}", values.pop("owner", f"owner {epoch}")
        given = {"epoch": epoch, "token": token, "owner": owner, "lease": 10, "request_id": None}
        self.did("claim", **{**given, **values})
        self.line("claimed", epoch, owner=owner)
        return self

    def held(self, f: str, epoch: int = 1, type: str = OK, **values: Any) -> Story:
        """A renewal, a release, an event, by whoever has this epoch."""
        self.did(f, type, epoch=epoch, lease=10, **values)
        if type == OK:
            line = {"renew": "renewed", "release": "released", "event": "note"}[f]
            self.line(line, epoch, values.get("message", ""))
        return self

    def respond(self, epoch: int = 1, type: str = OK, body: str = BODY) -> Story:
        """An answer."""
        self.did("respond", type, epoch=epoch, body=body, status="completed")
        if type == OK:
            self.line("response", epoch)
            self.record.epoch = epoch
        return self

    def wait(self, body: str = BODY) -> Story:
        """A waiter."""
        self.did("wait", client="zoe", body=body, status="completed")
        return self

    def later(self, seconds: float) -> Story:
        """Nothing happens for a while."""
        self.at += round(seconds * SECOND)
        return self

    def problems(self) -> list[str]:
        """What the checker finds."""
        return checker.problems(sorted(self.operations, key=lambda one: one.begin), self.records)
