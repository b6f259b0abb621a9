"""New tasks in the file backend: one, many at once, and those that come from elsewhere.

    create    everything into tmp/  ->  rename into tasks/            (+ fsync of its files, its folder, tasks/)

With an idempotency key, its reservation comes first (keys.py); with a unique key, the rename is made under its lock
(unique.py). What the task is to be found through (edges.py, kin.py) is there before it is.
"""

from __future__ import annotations

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic, records
from agent_lanes.backends.files.layout import REQUEST, TASK
from agent_lanes.backends.files.shelf import FileShelf
from agent_lanes.core.placement import placement
from agent_lanes.core.task import SUBMITTED, Event, NewBorn, Snapshot, Task
from agent_lanes.core.times import SECOND
from agent_lanes.errors import AgentLanesError, Busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_lanes.core.fairness import Flow
    from agent_lanes.core.transitions import Change
    from agent_lanes.ports import Birth, Creation

RETRIES = 1000
SWEPT_EVERY = 60 * SECOND


class FileCreator(FileShelf):
    """The creating side of the file backend."""

    _swept_at: int | None = None  # by this process; a command sweeps at its first submit

    def create(
        self,
        lane: str,
        make: Callable[[Birth], Task],
        request: bytes | None = None,
        key: str | None = None,
        unique_key: str | None = None,
        flow: Flow | None = None,
    ) -> Task:
        """See ports.TaskStore."""
        from agent_lanes.backends.files import counter, durable

        if key is not None:
            from agent_lanes.backends.files import keys
        with atomic.storage("submit"), self._gate.passed():
            reserved = None if key is None else keys.reserved(self.layout, key)
            for _ in range(RETRIES):
                id = None if reserved is None else reserved.id
                there = None if id is None else self.stored(id)
                if there is not None:
                    self._confirm(there)
                    return there
                if unique_key is not None and (there := self._with_unique_key(lane, unique_key)) is not None:
                    return there
                placed = reserved is not None and reserved.lane == lane
                sequence = reserved.sequence if reserved and placed else counter.next_place(self.layout, lane, flow)
                task = make(NewBorn(now=self.now(), id=id, chance=clock.chance(12), sequence=sequence))
                if key is not None:
                    if reserved is None:
                        reserved = keys.Reservation(id=task.id, sequence=sequence, lane=lane)
                        reserved = keys.reserve(self.layout, key, reserved)
                        if reserved.id != task.id:
                            continue
                    keys.confirm(self.layout, key)
                if task.depends_on:
                    from agent_lanes.backends.files import edges

                    edges.note(self.layout, task)
                if task.related:
                    from agent_lanes.backends.files import kin

                    kin.note(self.layout, task)
                if self._born(task, request):
                    break
            else:
                raise Busy("submit: found no free task id", hint="repeat the call")
            try:
                durable.confirm_task(self.layout, task.id, "submitted", files=(TASK, REQUEST) if request else (TASK,))
            finally:
                self._wake(self._fresh(task))
            self._index(task)
        self._log_created([task])
        self._count(task.id, task.lane, SUBMITTED, task.created_at)
        self._afterwards(task.id, "an end to old litter", self._sweep)
        return task

    def _born(self, task: Task, request: bytes | None) -> bool:
        """Commit it; False if its id or its unique key was taken meanwhile. Raises Busy, OSError."""
        from agent_lanes.backends.files import commits

        if task.unique_key is None:
            return commits.bear(self.layout, self.hints, self._fresh(task), request, self.now())
        from agent_lanes.backends.files.unique import Taken

        try:
            return commits.bear(self.layout, self.hints, self._fresh(task), request, self.now())
        except Taken:
            return False

    def _with_unique_key(self, lane: str, key: str) -> Task | None:
        """The open task that has the key, durable. Raises Damaged, Unconfirmed, OSError."""
        from agent_lanes.backends.files import unique

        id = unique.holder(self.layout, lane, key)
        there = None if id is None else self.stored(id)
        if there is not None:
            self._confirm(there)
        return there

    def _confirm(self, there: Task) -> None:
        """A task of another call, which may be at work, or have died before it was durable. Raises Unconfirmed."""
        from agent_lanes.backends.files import durable

        if atomic.marked(self._folder(there.id)):
            durable.confirm_task(self.layout, there.id, "submitted")

    def create_many(self, wanted: Sequence[Creation]) -> list[Task | AgentLanesError]:
        """See ports.TaskStore."""
        from agent_lanes.backends.files.batch import Batch

        batch = Batch(self.layout, self.hints, self.stored, wanted)
        try:
            with atomic.storage("submit"), self._gate.passed():
                born = batch.commit(self.now)
                woken = set[str]()
                for task in born:
                    if task.lane not in woken and self._wake(self._fresh(task)):
                        woken.add(task.lane)
                for task in {(task.workspace_id, task.correlation_id): task for task in born}.values():
                    self._index(task)
                for lane in {task.lane for task in born}:
                    number = sum(task.lane == lane for task in born)
                    self._count(born[-1].id, lane, SUBMITTED, born[-1].created_at, number)
            if born:
                self._log_created(born)
                self._afterwards(born[-1].id, "an end to old litter", self._sweep)
        except AgentLanesError as wrong:
            batch.failed(wrong)
        return batch.settled(self.create)

    def restore(self, snapshot: Snapshot, events: tuple[Event, ...], request: bytes | None) -> None:
        """See ports.TaskStore."""
        from agent_lanes.backends.files import commits, counter, durable, keys

        task = snapshot.task
        with atomic.storage("import"), self._gate.passed():
            if not atomic.is_folder(self.layout.task(task.id)) and self.stored(task.id) is not None:
                return  # archived
            if task.idempotency_key is not None:
                place = keys.Reservation(id=task.id, sequence=task.sequence, lane=task.lane)
                keys.reserve(self.layout, task.idempotency_key, place)
                keys.confirm(self.layout, task.idempotency_key)
            counter.raise_to(self.layout, task.lane, task.sequence)
            if task.depends_on and snapshot.response is None:
                from agent_lanes.backends.files import edges

                edges.expect(self.layout, task)
                snapshot = records.with_dependencies(snapshot, self.layout.tasks)
            self.hints.make(placement(snapshot, self.now()))
            if task.related:
                from agent_lanes.backends.files import kin

                kin.note(self.layout, task)
            commits.settle_in(self.layout, snapshot, events, request)
            if snapshot.response is not None and snapshot.response.cause is not None:
                from agent_lanes.backends.files import letters

                letters.make_due(self.layout, snapshot, events)
            if task.unique_key is not None and snapshot.response is None:
                from agent_lanes.backends.files import unique

                unique.note(self.layout, task)
            self._wake(snapshot)
            durable.confirm_task(self.layout, task.id, "imported", files=())

    def _log_created(self, born: list[Task]) -> None:
        from agent_lanes.backends.files import log
        from agent_lanes.core.transitions import created

        lines = [(task, created(Snapshot(task=task))) for task in born]
        self._afterwards(born[-1].id, "its line of the log", lambda: log.append(self.layout, lines))
        self._afterwards(born[-1].id, "the next part of the log", lambda: log.rotate(self.layout))
        if self.tell is not None:
            for task, event in lines:
                self.tell(Snapshot(task=task), event)

    def _note(self, task: Task, path: str, change: Change) -> None:
        """Write the lines of a change. Raises OSError where they are all of it."""
        if change.claim is None and change.response is None:
            self._write(task, path, change.events)
        else:
            self._afterwards(task.id, "its history", lambda: self._write(task, path, change.events))

    def _write(self, task: Task, path: str, events: tuple[Event, ...]) -> None:
        """Add lines to a task's history, and to the log. Raises OSError."""
        from agent_lanes.backends.files import journal, log

        lines = [(task, event) for event in journal.append(path, events, task)]
        self._afterwards(task.id, "its line of the log", lambda: log.append(self.layout, lines))

    def _sweep(self) -> None:
        """Once a minute: old litter goes, if nobody is at work, since what a suspended command has staged is none."""
        now = self.now()
        if self._swept_at is not None and 0 <= now.wall - self._swept_at < SWEPT_EVERY:
            return
        self._swept_at = now.wall
        if not atomic.names(self.layout.tmp):
            return  # as it is when nobody else is at work
        from agent_lanes.backends.files.litter import litter, sweep

        if litter(self.layout, now):
            try:
                with self._gate.closed(patient=False):
                    sweep(self.layout, self.now())
            except Busy:
                pass  # looked at again in a minute

    def _index(self, task: Task) -> None:
        from agent_lanes.backends.files import commits

        self._afterwards(task.id, "its correlation index", lambda: commits.index(self.layout, task))
