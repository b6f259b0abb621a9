"""The file backend: facts as JSON files, hints as names, waits on the file system.

    submit    everything into tmp/, fsynced  ->  rename into tasks/            (+ fsync of tasks/)
    update    read, decide, stage in tmp/    ->  lock, still current?, rename or link, unlock
                                                                              (+ fsync of the folder for an answer)

The commit is that one rename or link (commits.py). Staging and its fsync come before the lock, so nobody waits for a
disk; if the task changed meanwhile, it is decided again. Before the commit an error leaves nothing; after it nothing
turns into a plain failure: what could not follow is a warning, and what cannot be vouched for is Unconfirmed.
"""

from __future__ import annotations

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic, records
from agent_lanes.backends.files.layout import EVENTS
from agent_lanes.backends.files.shelf import FileShelf
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.placement import overdue, placement
from agent_lanes.core.task import Event, Snapshot, Task
from agent_lanes.core.times import Moment
from agent_lanes.errors import AgentLanesError, Busy, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from agent_lanes.core.finding import Finding
    from agent_lanes.core.task import Claim
    from agent_lanes.core.transitions import Change
    from agent_lanes.ports import Birth, Creation, Decide

RETRIES = 1000


class NewBorn(Frozen):
    """What the store adds to a task that is being made (ports.Birth)."""

    now: Moment
    id: str | None
    chance: str
    sequence: int


class FileStore(FileShelf):
    """One state folder. Cheap to make: nothing is touched before the first call. Safe to share among threads."""

    def __init__(self, root: str, *, warn: Callable[[str], None] = lambda line: None) -> None:
        super().__init__(root)
        self.address = root
        self.warn = warn

    def new_token(self) -> str:
        """32 hex digits of chance."""
        return clock.chance(32)

    # --- writing ---------------------------------------------------------------------------------------------

    def create(
        self,
        lane: str,
        make: Callable[[Birth], Task],
        request: bytes | None = None,
        key: str | None = None,
        unique_key: str | None = None,
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
                    durable.confirm_task(self.layout, there.id, "submitted")  # the first call may have died before
                    return there
                if unique_key is not None and (there := self._with_unique_key(lane, unique_key)) is not None:
                    return there
                placed = reserved is not None and reserved.lane == lane
                sequence = reserved.sequence if reserved and placed else counter.advance(self.layout, lane)
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
                if self._born(task, request):
                    break
            else:
                raise Busy("submit: found no free task id", hint="repeat the call")
            try:
                durable.confirm_task(self.layout, task.id, "submitted")
            finally:
                self._wake(self._fresh(task))
            self._index(task)
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
        from agent_lanes.backends.files import durable, unique

        id = unique.holder(self.layout, lane, key)
        there = None if id is None else self.stored(id)
        if there is not None:
            durable.confirm_task(self.layout, there.id, "submitted")
        return there

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
            if born:
                self._afterwards(born[-1].id, "an end to old litter", self._sweep)
        except AgentLanesError as wrong:
            batch.failed(wrong)
        return batch.settled(self.create)

    def restore(self, snapshot: Snapshot, events: tuple[Event, ...], request: bytes | None) -> None:
        """See ports.TaskStore."""
        from agent_lanes.backends.files import commits, counter, durable, keys

        task = snapshot.task
        with atomic.storage("import"), self._gate.passed():
            if task.idempotency_key is not None:
                place = keys.Reservation(id=task.id, sequence=task.sequence, lane=task.lane)
                keys.reserve(self.layout, task.idempotency_key, place)
                keys.confirm(self.layout, task.idempotency_key)
            counter.raise_to(self.layout, task.lane, task.sequence)
            self.hints.make(placement(snapshot, self.now()))
            commits.settle_in(self.layout, snapshot, events, request)
            if task.unique_key is not None and snapshot.response is None:
                from agent_lanes.backends.files import unique

                unique.note(self.layout, task)
            self._wake(snapshot)
            durable.confirm_task(self.layout, task.id, "imported")

    def update(
        self, id: str, decide: Decide, *, patient: bool = True, seen: Snapshot | None = None
    ) -> tuple[Snapshot, Change]:
        """See ports.TaskStore. What `seen` no longer says is noticed under the lock, and decided on again."""
        after, change = self._change(id, decide, patient=patient, seen=seen)
        ended = [id] if change.response is not None else []
        while ended:  # no recursion: a chain of tasks may be long
            ended += self._follow(ended.pop())
        return after, change

    def _change(self, id: str, decide: Decide, *, patient: bool, seen: Snapshot | None) -> tuple[Snapshot, Change]:
        folder = self._folder(id)
        with atomic.storage(f"task {id}"):
            there = atomic.is_folder(folder)
        if there:  # before the gate: an address with a slip in it must not become a store
            try:
                with atomic.storage(f"task {id}"), self._gate.passed():
                    return self._decided(folder, id, decide, patient, seen)
            except NotFound:
                if atomic.is_folder(folder):
                    raise
        return self._change_archived(id, decide)

    def _decided(
        self, folder: str, id: str, decide: Decide, patient: bool, seen: Snapshot | None
    ) -> tuple[Snapshot, Change]:
        from agent_lanes.backends.files import durable

        for _ in range(RETRIES):
            loaded, now = self._loaded(id, seen), self.now()
            seen = None
            change = decide(loaded.snapshot, now)
            if change.repeated or not (change.claim or change.response or change.events):
                if change.repeated and loaded.snapshot.response is not None:
                    durable.confirm_answer(self.layout, id)
                return loaded.snapshot, change
            if self._commit(folder, loaded, change, now, patient):
                if change.response is not None:
                    durable.confirm_answer(self.layout, id)
                elif change.claim is not None and change.durable:
                    durable.confirm_claim(self.layout, id)
                return change.applied(loaded.snapshot), change
        raise Busy(f"task {id}: others change it faster than this call can", hint="repeat the call")

    # --- examining -------------------------------------------------------------------------------------------

    def examine(self) -> Iterator[Finding]:
        """See ports.Examined."""
        from agent_lanes.backends.files.examine import examine

        with atomic.storage("doctor"):
            yield from examine(self.layout, self._gate, self.now)

    def repair(self, findings: list[Finding]) -> list[Finding]:
        """See ports.Examined."""
        from agent_lanes.backends.files.repair import repair

        self.prepare()
        with atomic.storage("doctor --repair"), self._gate.taken():
            return repair(self.layout, findings, self.now())

    # --- inside ----------------------------------------------------------------------------------------------

    def _commit(self, folder: str, loaded: records.Loaded, change: Change, now: Moment, patient: bool) -> bool:
        """Commit a change to what was loaded; False if the task has moved on since."""
        from agent_lanes.backends.files import commits, journal
        from agent_lanes.backends.files.lock import Lock

        before = loaded.snapshot
        after = change.applied(before)
        staged, keys = commits.stage(self.layout, change), _keys(before.claim, change.claim)
        try:
            with Lock(folder, f"task {before.id}", patient=patient):
                if loaded.legacy:
                    found = records.load(folder, before.id)  # whoever was faster has upgraded it, and may hold it now
                    if found.legacy:
                        from agent_lanes.backends.files.upgrade import upgrade_task

                        upgrade_task(self.layout, before.id, found, now)
                    return False
                if records.claim_bytes(folder, before.id) != loaded.claim_bytes:
                    return False
                if records.answered(folder) != (before.response is not None):
                    return False
                old, new = placement(before, now), placement(after, now)
                if new != old:
                    self.hints.make(new)
                if keys and change.claim is not None:
                    keys.note_claim(self.layout, change.claim, before.id)
                if change.response is not None and self._awaited(before.id):
                    from agent_lanes.backends.files import edges

                    edges.free(self.layout, before.id)
                if staged:
                    commits.seal(staged, folder, change)
                    staged = None
                path = f"{folder}/{EVENTS}"
                if change.claim is None and change.response is None:
                    journal.append(path, change.events)  # all that this change is: its failure is one
                else:
                    self._afterwards(after.id, "its history", lambda: journal.append(path, change.events))
                if new != old:
                    self._afterwards(after.id, "an old marker", lambda: self._drop(old, after))
                if keys:
                    self._afterwards(
                        after.id, "the end of a request id", lambda: keys.drop_ended(self.layout, before, after)
                    )
        finally:
            if staged:
                atomic.discard(staged)
        if change.response is not None and after.task.unique_key is not None:
            from agent_lanes.backends.files import unique

            self._afterwards(after.id, "the end of its unique key", lambda: unique.drop(self.layout, after.task))
        if change.claim is not None:
            self._wake(after)
        return True

    def _follow(self, id: str) -> list[str]:
        """A task has ended: those who wait for it alone are offered, or ended in their turn. Returns the latter."""
        ended = list[str]()
        if not self._awaited(id):
            return ended
        from agent_lanes.backends.files import edges

        waiting = edges.dependants(self.layout, id)
        for one in waiting:
            try:
                self._settle(one, None)
                snapshot = self.read(one)
                if overdue(snapshot, self.now()) is not None:
                    from agent_lanes.core.control import end

                    self._change(one, end, patient=False, seen=None)
                    ended.append(one)
                self._wake(snapshot)
            except (AgentLanesError, OSError):
                continue  # in flight, in other hands, damaged: it is listed as ready, and looked at by who takes it
        self._afterwards(id, "an old edge", lambda: edges.forget(self.layout, id))
        return ended

    def _sweep(self) -> None:
        """Old litter goes once nobody is at work: what a suspended command has staged is none."""
        from agent_lanes.backends.files.litter import litter, sweep

        if litter(self.layout, self.now()):
            try:
                with self._gate.closed(patient=False):
                    sweep(self.layout, self.now())
            except Busy:
                pass  # the next submit looks again

    def _index(self, task: Task) -> None:
        from agent_lanes.backends.files import commits

        self._afterwards(task.id, "its correlation index", lambda: commits.index(self.layout, task))


def _keys(*claims: Claim | None) -> Any:
    """The module that keeps request ids, where one of these claims has one; None for most."""
    if all(claim is None or claim.request_id is None for claim in claims):
        return None
    from agent_lanes.backends.files import keys

    return keys
