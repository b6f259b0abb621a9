"""Agents at work, as the memory backend knows them: in this process, until somebody says that they have ended."""

from __future__ import annotations

import os

from agent_lanes.backends.memory_lanes import MemoryLanes
from agent_lanes.core.control import run_of
from agent_lanes.core.task import Run
from agent_lanes.errors import Busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.task import Snapshot
    from agent_lanes.core.times import Moment


class MemoryRunLock:
    """See ports.RunLock."""

    descriptor, path = -1, ""

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end


class MemoryRuns(MemoryLanes):
    """Which tasks somebody works on, and answers as they came."""

    def __init__(self) -> None:
        super().__init__()
        self._running: dict[str, Run] = {}
        self.raw_answers: dict[str, bytes] = {}

    if TYPE_CHECKING:

        def now(self) -> Moment:
            """The clocks."""

        def read(self, id: str) -> Snapshot:
            """One task."""

    def begin_run(self, id: str, token: str, *, mark: str, limit_seconds: float) -> MemoryRunLock:
        """See ports.Runs."""
        with self.changed:
            run = run_of(
                self.read(id), token=token, mark=mark, limit_seconds=limit_seconds, process=os.getpid(), now=self.now()
            )
            if id in self._running:
                raise Busy(f"task {id}: an agent still runs on it", hint="wait until it has ended")
            self._running[id] = run

        def end() -> None:
            with self.changed:
                if self._running.get(id) is run:
                    del self._running[id]
                    self._notify()

        return MemoryRunLock(end)

    def running(self, id: str) -> Run | None:
        """See ports.Runs."""
        self.read(id)
        return self._running.get(id)

    def keep_answer(self, id: str, raw: bytes) -> str:
        """See ports.Runs."""
        self.read(id)
        self.raw_answers[id] = raw
        return f"memory:{id}/answer.raw"

    def _with_run(self, snapshot: Snapshot) -> Snapshot:
        run = self._running.get(snapshot.id)
        return snapshot if run is None or not snapshot.lease_expired(self.now()) else snapshot.replace(run=run)

    def _all(self) -> tuple[Snapshot, ...]:
        return tuple(map(self._with_run, super()._all()))
