"""Looks at the tasks of a state folder: no lock is taken, no fact is changed, and a damaged task is one task.

A task that has no folder is looked for in the archive: it is moved there only once it is durable there.
"""

from __future__ import annotations

import os

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic, records
from agent_lanes.backends.files.finder import FileFinder
from agent_lanes.backends.files.layout import RAW, REQUEST, RESPONSE, RUN, TASK
from agent_lanes.core import names
from agent_lanes.core.task import ACTIVE
from agent_lanes.errors import AgentLanesError, BadUsage, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.logged import Logged
    from agent_lanes.core.parcel import Parcel
    from agent_lanes.core.presence import Sign
    from agent_lanes.core.task import Run, Snapshot, Task
    from agent_lanes.observation import Attendance
    from agent_lanes.ports import RunLock, Watch


class FileReader(FileFinder):
    """The looking side of the file backend."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._last: records.Loaded | None = None
        self._unpacked: Parcel | None = None  # the archived task that was looked at last

    def read(self, id: str) -> Snapshot:
        """See ports.TaskStore. What was read last of an open task is kept for the update that may follow.

        Until a change after a power cut has healed the claims that it tore, their tasks are shown as they will be.
        """
        with atomic.storage(f"task {id}"):
            try:
                loaded = self._look_up(id)
            except NotFound:
                return self._from_archive(id).snapshot
            except Damaged:
                from agent_lanes.backends.files.heal import as_healed

                found = None if self._gate.current() else as_healed(self._folder(id), id, self.now())
                if found is None:
                    raise
                return found
        self._last = None if loaded.snapshot.response else loaded
        return loaded.snapshot

    def _loaded(self, id: str, seen: Snapshot | None) -> records.Loaded:
        """A task as it stands, or, if `seen` is what `read` returned last, as it stood then."""
        last = self._last  # another thread may replace it: then it is read again
        if seen is not None and last is not None and last.snapshot is seen:
            return last
        return self._look_up(id)

    def finished(self, id: str) -> bool:
        """See ports.TaskStore: a stat, or two while there is no answer."""
        folder = self._folder(id)
        with atomic.storage(f"task {id}"):
            if records.answered(folder):
                return True
            return not atomic.is_folder(folder) and bool(self._from_archive(id))

    def scan(
        self, *, active_only: bool = False, lane: str | None = None, newest_first: bool = False
    ) -> Iterator[Snapshot | Damaged]:
        """See ports.TaskStore. Active tasks are found through the hints, if those are of this boot."""
        with atomic.storage("store"):
            if active_only and self._gate.current():
                ids = sorted(self.hints.active_ids(lane))
            else:
                ids = atomic.names(self.layout.tasks)
        for id in reversed(ids) if newest_first else ids:
            found = self._look(id)
            if isinstance(found, Damaged):
                yield found
            elif found is None or (lane is not None and found.task.lane != lane):
                continue
            elif not active_only or found.state in ACTIVE:
                yield found

    def ids(self) -> list[str]:
        """See ports.TaskStore."""
        with atomic.storage("store"):
            return [name for name in atomic.names(self.layout.tasks) if names.is_task_id(name)]

    def archived_ids(self) -> Iterator[str]:
        """See ports.Archive."""
        from agent_lanes.backends.files.packs import packs

        with atomic.storage("archive"):
            for pack in packs(self.layout):
                try:
                    yield from pack.ids()
                except (Damaged, FileNotFoundError):
                    continue  # for doctor; or it has just been pruned

    def stored_request(self, id: str) -> bytes:
        """See ports.TaskStore."""
        folder = self._folder(id)
        with atomic.storage(f"task {id}: its request"):
            try:
                return records.request_bytes(folder, id)
            except NotFound:
                if atomic.is_folder(folder):
                    raise
            request = self._from_archive(id).request
        if request is None:
            raise NotFound(f"task {id}: no request is kept here")
        return request

    def request_location(self, task: Task) -> str | None:
        """See ports.TaskStore."""
        folder = self.layout.task(task.id)
        return f"{folder}/{REQUEST}" if task.request_stored and atomic.is_folder(folder) else task.request_path

    def stored(self, id: str) -> Task | None:
        """What a task that may be there was asked; None if it is not. Raises Damaged, OSError."""
        try:
            return self.read(id).task
        except NotFound:
            return None

    def submitted_as(self, key: str) -> str | None:
        """See ports.TaskStore: who reserved the key may have died before its task was there."""
        from agent_lanes.backends.files import keys

        with atomic.storage("idempotency key"):
            found = keys.reserved(self.layout, key)
            return None if found is None or self.stored(found.id) is None else found.id

    def _from_archive(self, id: str) -> Parcel:
        """A task that has no folder. Raises NotFound, Damaged, OSError."""
        unpacked = None
        if atomic.is_folder(self.layout.archive):
            from agent_lanes.backends.files.packs import find

            unpacked = find(self.layout, id)
        if unpacked is None:
            raise records.not_found(id)
        self._unpacked = unpacked
        return unpacked

    def confirm(self, *ids: str) -> None:
        """See ports.TaskStore: where that is not certain an fsync of the task's folder and of the answer; of many, a
        syncfs."""
        from agent_lanes.backends.files import durable

        for id in ids:
            self._folder(id)
        unsure = durable.unsure(self.layout, ids)
        try:
            if len(unsure) == 1:
                durable.sync_facts(self.layout, unsure[0])
            elif unsure:
                durable.sync_facts_together(self.layout, unsure)
        except OSError as wrong:
            if wrong.errno not in atomic.PERMISSION:  # a read-only file system has nothing to lose
                what = f"task {ids[0]}: its answer" if len(ids) == 1 else f"the answers of {len(ids)} tasks"
                raise atomic.translated(wrong, f"{what} cannot be made durable") from wrong

    def watch_task(self, id: str) -> Watch:
        """See ports.Signals. What is needed after the wake-up is loaded before the sleep."""
        from agent_lanes.backends.files import durable, signals  # noqa: F401
        from agent_lanes.core import answers  # noqa: F401

        return signals.watch(self._folder(id), (RESPONSE,))

    def watch_tasks(self, ids: list[str]) -> Watch:
        """See ports.Signals."""
        from agent_lanes.backends.files import durable, signals  # noqa: F401 - as for watch_task
        from agent_lanes.core import answers  # noqa: F401

        return signals.watch_each([f"{self._folder(id)}/{RESPONSE}" for id in ids])

    def watch_lane(self, lane: str) -> Watch:
        """See ports.Signals. What is needed after the wake-up is loaded before the sleep: a claim may be made then."""
        from agent_lanes.backends.files import commits, journal, lock, signals  # noqa: F401

        return signals.watch(self.layout.signals, (names.escape(lane),))

    def watch_all(self) -> Watch:
        """See ports.Signals."""
        from agent_lanes.backends.files import log, signals

        if not os.path.isdir(self.layout.log):
            return signals.watch(self.layout.log, ())  # there is nothing to watch: this polls
        return signals.watch_each([f"{self.layout.log}/{log.CURRENT}", f"{self.layout.signals}/{signals.ANY}"])

    def watch_changes(self) -> Watch:
        """See ports.Signals: what is about to change is staged in tmp/; what has changed has a line in the log."""
        from agent_lanes.backends.files import log, signals

        return signals.watch_each([f"{self.layout.tmp}/.", f"{self.layout.log}/{log.CURRENT}"])

    def begin_run(self, id: str, token: str, *, mark: str, limit_seconds: float) -> RunLock:
        """See ports.Runs."""
        from agent_lanes.backends.files import runs
        from agent_lanes.core.control import run_of

        def held() -> Run:
            return run_of(
                self.read(id), token=token, mark=mark, limit_seconds=limit_seconds, process=os.getpid(), now=self.now()
            )

        run = held()
        with atomic.storage(f"task {id}: {RUN}"):
            lock = runs.begin(self._folder(id), run)
        try:
            held()
        except BaseException:  # whoever is suspended before it has the lock may find the task in other hands
            lock.end()
            raise
        return lock

    def running(self, id: str) -> Run | None:
        """See ports.Runs."""
        from agent_lanes.backends.files import runs

        return runs.running(self._folder(id))

    def keep_answer(self, id: str, raw: bytes) -> str:
        """See ports.Runs."""
        path = f"{self._folder(id)}/{RAW}"
        with atomic.storage(f"task {id}: {RAW}"):
            atomic.replace(path, raw, f"{self.layout.tmp}/{clock.chance(16)}", durable=True)
        return path

    def busy(self, lane: str) -> bool:
        """See ports.Finder."""
        with atomic.storage(f"lane {lane}"):
            return self.hints.busy(lane, self.now())

    def log(self, cursor: str | None = None) -> Iterator[Logged]:
        """See observation.Log."""
        from agent_lanes.backends.files import log

        with atomic.storage("log"):
            yield from log.read(self.layout, cursor)

    def log_end(self) -> str:
        """See observation.Log."""
        from agent_lanes.backends.files import log

        with atomic.storage("log"):
            return log.end(self.layout)

    def watch_log(self) -> Watch:
        """See ports.Signals."""
        from agent_lanes.backends.files import log, signals

        return signals.watch(self.layout.log, (log.CURRENT,))

    def attend(self, lane: str, *, vendor: str, owner: str, kind: str) -> Attendance:
        """See observation.Presence."""
        from agent_lanes.backends.files.presence import FileAttendance

        return FileAttendance(self.layout, clock.sign(lane, vendor, owner, kind, self.now()), clock.chance)

    def signs(self, lane: str | None = None, vendor: str | None = None) -> Iterator[Sign]:
        """See observation.Presence."""
        from agent_lanes.backends.files import presence

        with atomic.storage("presence"):
            yield from presence.signs(self.layout, lane, vendor)

    def _look(self, id: str) -> Snapshot | Damaged | None:
        try:
            return self.read(id)
        except Damaged as wrong:
            return wrong
        except (NotFound, BadUsage):  # a marker without a task; a foreign file in tasks/
            return None
        except AgentLanesError as wrong:
            if isinstance(wrong.__cause__, OSError) and wrong.__cause__.errno in records.OF_THIS_PROCESS:
                raise
            return records.damaged(id, TASK, wrong)
