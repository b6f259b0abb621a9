"""Backends with a clock that the test moves, and what a test does with them in one word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from agent_lanes.backends.files.store import FileStore
from agent_lanes.core import names, transitions
from agent_lanes.core.task import COMPLETED, Response, Snapshot, Task
from agent_lanes.core.times import SECOND, Moment
from agent_lanes.ports import Backend, Birth

BOOT = "boot-of-the-test"


class Clock:
    """Both clocks of a machine, one boot, moved by hand."""

    def __init__(self) -> None:
        self.moment = Moment(wall=1_790_000_000 * SECOND, boot_id=BOOT, boottime=5_000 * SECOND)

    def __call__(self) -> Moment:
        return self.moment

    def advance(self, seconds: float) -> None:
        micros = round(seconds * SECOND)
        self.moment = self.moment.replace(wall=self.moment.wall + micros, boottime=self.moment.boottime + micros)


class ClockedFileStore(FileStore):
    """The file backend under that clock."""

    def __init__(self, root: str, clock: Callable[[], Moment], **options: Any) -> None:
        super().__init__(root, **options)
        self.clock = clock

    def now(self) -> Moment:
        return self.clock()


def make(lane: str = "default", **fields: Any) -> Callable[[Birth], Task]:
    """What `create` is given: a task of that lane, which takes its time, chance and place from its birth."""

    def born(birth: Birth) -> Task:
        plain = Task(
            id=birth.id or names.new_task_id(birth.now.wall, "contract", birth.chance),
            workspace_id="w",
            workspace_root="/",
            correlation_id="contract",
            source_agent="orchestrator",
            lane=lane,
            created_at=birth.now.wall,
            sequence=birth.sequence,
            metadata={},
        )
        return plain.replace(**fields)

    return born


def submit(backend: Backend, lane: str = "default", vendor: str | None = None, **fields: Any) -> str:
    """A new task of that lane, for that vendor; its id."""
    metadata = {} if vendor is None else {"required_vendor": vendor}
    return backend.create(lane, make(lane, **{"metadata": metadata, **fields})).id


def claim(backend: Backend, id: str, token: str = "t", lease_seconds: float = 100, **options: Any) -> Snapshot:
    """Claim a task by its id, with that token."""
    return backend.update(
        id,
        lambda before, now: transitions.claim(
            before, owner="o-" + token, token=token, lease_seconds=lease_seconds, now=now
        ),
        **options,
    )[0]


def renew(backend: Backend, id: str, token: str = "t", lease_seconds: float = 100) -> Snapshot:
    """Renew that claim."""
    return backend.update(
        id, lambda before, now: transitions.renew(before, token=token, lease_seconds=lease_seconds, now=now)
    )[0]


def release(backend: Backend, id: str, token: str = "t") -> Snapshot:
    """Release that claim."""
    return backend.update(id, lambda before, now: transitions.release(before, token=token, reason="", now=now))[0]


def park(backend: Backend, id: str) -> Snapshot:
    """Stop offering a task."""
    return backend.update(id, lambda before, now: transitions.park(before, reason="it changed", now=now))[0]


def note(backend: Backend, id: str, message: str, token: str | None = None) -> Snapshot:
    """Add a line to the history; with a token, as the holder."""
    return backend.update(
        id, lambda before, now: transitions.note(before, type="note", message=message, data={}, now=now, token=token)
    )[0]


def respond(backend: Backend, id: str, token: str | None = None, status: str = COMPLETED, body: str = "b") -> Snapshot:
    """Answer a task."""
    answer = Response(task_id=id, reviewer="r", status=status, body=body, created_at=0, metadata={})
    return backend.update(
        id,
        lambda before, now: transitions.respond(
            before, response=answer, token=token, token_sha256=token and "hash-" + token, now=now
        ),
    )[0]


def in_threads(count: int, do: Callable[[int], object]) -> list[object]:
    """What `do(0)` ... `do(count - 1)` return or raise, all begun together."""
    begin, results = threading.Barrier(count), list[object]([None] * count)

    def run(number: int) -> None:
        begin.wait(30)
        try:
            results[number] = do(number)
        except Exception as wrong:
            results[number] = wrong

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
