"""The file backend: facts as JSON files, hints as names, waits on the file system.

    submit    everything into tmp/           ->  rename into tasks/        (+ fsync of its files, its folder, tasks/)
    update    read, decide, stage in tmp/    ->  lock, still current?, rename or link, unlock
                                                                           (+ fsync of an answer, and its folder)

The commit is that one rename or link (commits.py), and what must survive a power cut is synced after it (durable.py).
Staging comes before the lock, and syncing after it, so nobody waits for a disk; if the task changed meanwhile, it is
decided again. Before the commit an error leaves nothing; after it nothing turns into a plain failure: what could not
follow is a warning, and what cannot be vouched for is Unconfirmed.
"""

from __future__ import annotations

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic, records
from agent_lanes.backends.files.creator import FileCreator
from agent_lanes.backends.files.layout import EVENTS
from agent_lanes.backends.files.shelf import GOES_ON
from agent_lanes.core.placement import overdue, placement
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import Moment
from agent_lanes.errors import AgentLanesError, Busy, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from agent_lanes.core.finding import Finding
    from agent_lanes.core.task import Claim
    from agent_lanes.core.transitions import Change
    from agent_lanes.observation import Tell
    from agent_lanes.ports import Decide

RETRIES = 1000


class FileStore(FileCreator):
    """One state folder. Cheap to make: nothing is touched before the first call. Safe to share among threads."""

    def __init__(self, root: str, *, warn: Callable[[str], None] = lambda line: None, tell: Tell | None = None) -> None:
        super().__init__(root)
        self.address = root
        self.warn, self.tell = warn, tell

    def new_token(self) -> str:
        """32 hex digits of chance."""
        return clock.chance(32)

    # --- writing ---------------------------------------------------------------------------------------------

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

    def note_receipt(self, snapshot: Snapshot, type: str, by: str) -> None:
        """See observation.Receipts: a look first, since as a rule of repeated calls it is there."""
        from agent_lanes.backends.files import journal

        folder = self._folder(snapshot.id)
        path = f"{folder}/{EVENTS}"
        try:
            if any(event.type == type for event in journal.read(path)):
                return
            entered = self._gate.entered(patient=False)
            if entered is None:
                return
            from agent_lanes.backends.files.lock import Lock
            from agent_lanes.core.receipts import line

            try:
                with Lock(folder, f"task {snapshot.id}", patient=False):
                    if not any(event.type == type for event in journal.read(path)):  # nobody was faster
                        self._write(snapshot.task, path, (line(type, by, snapshot, self.now()),))
            finally:
                entered.__exit__(None, None, None)
        except (AgentLanesError, OSError):
            return

    # --- examining -------------------------------------------------------------------------------------------

    def examine(self) -> Iterator[Finding]:
        """See observation.Examined."""
        from agent_lanes.backends.files.examine import examine

        with atomic.storage("doctor"):
            yield from examine(self.layout, self._gate, self.now)

    def repair(self, findings: list[Finding]) -> list[Finding]:
        """See observation.Examined."""
        from agent_lanes.backends.files import structure
        from agent_lanes.backends.files.repair import repair

        with atomic.storage("doctor --repair", hint=GOES_ON):
            findings = structure.set_aside(self.layout, findings, self.now())
        self.prepare()
        with atomic.storage("doctor --repair", hint=GOES_ON), self._gate.taken():
            return repair(self.layout, findings, self.now())

    # --- inside ----------------------------------------------------------------------------------------------

    def _commit(self, folder: str, loaded: records.Loaded, change: Change, now: Moment, patient: bool) -> bool:
        """Commit a change to what was loaded; False if the task has moved on since."""
        from agent_lanes.backends.files import commits
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
                letters = _letters(before, change)
                if letters and change.response is not None:
                    letters.make(self.layout, after)
                if staged:
                    commits.seal(staged, folder, change)
                    staged = None
                self._note(after.task, f"{folder}/{EVENTS}", change)
                if new != old:
                    self._afterwards(after.id, "an old marker", lambda: self._drop(old, after))
                if letters and change.response is None:
                    self._afterwards(after.id, "the end of a dead letter", lambda: letters.drop(self.layout, after))
                if keys:
                    self._afterwards(
                        after.id, "the end of a request id", lambda: keys.drop_ended(self.layout, before, after)
                    )
        finally:
            if staged:
                atomic.discard(staged)
        self._committed(before, after, change)
        return True

    def _committed(self, before: Snapshot, after: Snapshot, change: Change) -> None:
        """What follows a commit, once the lock is given back."""
        if change.response is not None and after.task.unique_key is not None:
            from agent_lanes.backends.files import unique

            self._afterwards(after.id, "the end of its unique key", lambda: unique.drop(self.layout, after.task))
        if not (change.claim is not None and self._wake(after)) and _made_room(before, after):
            self._send(after)
        if change.response is not None:
            self._count(after.id, after.task.lane, change.response.status, change.response.created_at)
        if self.tell is not None and (change.claim is not None or change.response is not None):
            for event in change.events:
                self.tell(after, event)

    def _follow(self, id: str) -> list[str]:
        """A task has ended: those who wait for it alone are offered, or ended in their turn. Returns the latter."""
        ended = list[str]()
        try:
            if not self._awaited(id):
                return ended
            from agent_lanes.backends.files import edges

            waiting = edges.dependants(self.layout, id)
        except OSError as wrong:  # they are listed as ready: whoever takes one finds out what has become of it
            self.warn(f"task {id}: those who wait for it could not be looked at: {wrong.strerror}; it is answered")
            return ended
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


def _made_room(before: Snapshot, after: Snapshot) -> bool:
    """Whether a claim that counted against a limit of the lane has ended."""
    was, now = before.claim, after.claim
    if was is None or not was.limited or not was.held or before.response is not None:
        return False
    return after.response is not None or now is None or not now.held


def _letters(before: Snapshot, change: Change) -> Any:
    """The module that lists dead letters, where this change makes one or sees to one; None for most."""
    if change.response.cause is None if change.response is not None else before.response is None:
        return None
    from agent_lanes.core.dead import DEAD, SEEN_TO

    made = change.response is not None and change.response.cause in DEAD
    if not made and not any(event.type in SEEN_TO for event in change.events):
        return None
    from agent_lanes.backends.files import letters

    return letters


def _keys(*claims: Claim | None) -> Any:
    """The module that keeps request ids, where one of these claims has one; None for most."""
    if all(claim is None or claim.request_id is None for claim in claims):
        return None
    from agent_lanes.backends.files import keys

    return keys
