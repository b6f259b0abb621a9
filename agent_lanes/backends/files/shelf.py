"""What the file backend keeps beside the facts: histories, the archive of finished tasks, holds, and the ledger."""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic, journal, records
from agent_lanes.backends.files.layout import EVENTS, TALLIED
from agent_lanes.backends.files.reader import FileReader
from agent_lanes.core.task import RECEIPTS, newest
from agent_lanes.errors import Damaged, NotFound, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent_lanes.backends.files.archiver import Archiver
    from agent_lanes.core.archiving import Packed
    from agent_lanes.core.holds import Hold
    from agent_lanes.core.ledger import Entry
    from agent_lanes.core.parcel import Parcel
    from agent_lanes.core.stats import Standing, Tally
    from agent_lanes.core.task import Event, Snapshot, Task
    from agent_lanes.core.transitions import Change
    from agent_lanes.ports import Decide


GOES_ON = "what it did so far is done: once the cause is mended the same call goes on from there"


class FileShelf(FileReader):
    """The histories, the archive, the holds and the ledger of one state folder."""

    def events(self, id: str) -> Iterator[Event]:
        """See ports.TaskStore."""
        folder = self._folder(id)
        with atomic.storage(f"task {id}: {EVENTS}"):
            found = journal.whole(f"{folder}/{EVENTS}", lambda: self._asked(id))
            if not atomic.is_folder(folder):  # now: it may have been archived during the look
                found = self._from_archive(id).events
        yield from found

    def last_event(self, id: str) -> Event | None:
        """See ports.TaskStore."""
        folder = self._folder(id)
        last = journal.last(f"{folder}/{EVENTS}", RECEIPTS)
        if last is None and not atomic.is_folder(folder):
            return newest(self._archived_events(id))
        with atomic.storage(f"task {id}: {EVENTS}"):
            if last is None:
                last = journal.beginning(f"{folder}/{EVENTS}", lambda: self._asked(id))
            return last or journal.last(f"{folder}/{EVENTS}", RECEIPTS)  # it may have been begun between the two looks

    def _asked(self, id: str) -> Task | None:
        """What was asked; None where that cannot be read. It never changes."""
        last = self._last
        if last is not None and last.snapshot.id == id:
            return last.snapshot.task
        return records.asked(self._folder(id), id)

    def _archived_events(self, id: str) -> tuple[Event, ...]:
        unpacked = self._unpacked  # as a rule, `read` has just looked at it
        try:
            return (unpacked if unpacked is not None and unpacked.id == id else self._from_archive(id)).events
        except (NotFound, Damaged):
            return ()

    def archive(
        self, before: int, of_lanes: Mapping[str, int] = {}, *, lane: str | None = None, dry_run: bool = False
    ) -> Iterator[Packed]:
        """See ports.Archive."""
        with atomic.storage("archive", hint=GOES_ON):
            if atomic.is_folder(self.layout.tasks):
                archiver = self._archiver()
                yield from (archiver.would_archive if dry_run else archiver.archive)(before, of_lanes, lane)

    def prune(self, before: int, *, dry_run: bool = False) -> Iterator[Packed]:
        """See ports.Archive."""
        with atomic.storage("prune", hint=GOES_ON):
            if atomic.is_folder(self.layout.archive):
                archiver = self._archiver()
                yield from (archiver.would_prune if dry_run else archiver.prune)(before)

    def archived(self, *, lane: str | None = None) -> Iterator[Parcel | Damaged]:
        """See ports.Archive."""
        from agent_lanes.backends.files.packs import packs

        with atomic.storage("archive"):
            for pack in packs(self.layout):
                copied = pack.unfinished  # then some of its tasks still have their folders, which count
                try:
                    for parcel in pack.parcels():
                        elsewhere = copied and os.path.isdir(self.layout.task(parcel.id))
                        if not elsewhere and lane in (None, parcel.snapshot.task.lane):
                            yield parcel
                except Damaged as wrong:
                    yield wrong
                except FileNotFoundError:
                    if os.path.lexists(pack.folder):  # else it has just been pruned
                        yield pack.incomplete()

    def put_hold(self, hold: Hold) -> None:
        """See ports.Holds."""
        from agent_lanes.backends.files import holds

        with atomic.storage("hold"), self._gate.passed():
            holds.put(self.layout, hold)

    def drop_hold(self, lane: str | None, vendor: str | None) -> bool:
        """See ports.Holds."""
        from agent_lanes.backends.files import holds, signals

        with atomic.storage("resume"), self._gate.passed():
            dropped = holds.drop(self.layout, lane, vendor)
            try:
                if dropped and lane is not None:
                    signals.send_unlogged(self.layout.signals, lane)
                elif dropped:
                    signals.send_all(self.layout.signals)
            except OSError as wrong:
                self.warn(f"resumed; a wake-up could not be written: {wrong.strerror}; who waits finds out later")
        return dropped

    def standing(self, lane: str) -> Standing:
        """See ports.Counts: from the names of the markers; from the facts after a reboot."""
        from agent_lanes.backends.files.standing import standing
        from agent_lanes.core import stats

        with atomic.storage(f"lane {lane}"):
            if self._gate.current():
                return standing(self.layout, lane, self.now())
            ids = [id for id in atomic.names(self.layout.tasks) if not records.answered(self.layout.task(id))]
            return stats.standing(lane, self._by_facts(ids), self.now())

    def tally(self, lane: str, since: int | None = None) -> Tally:
        """See ports.Counts."""
        from agent_lanes.backends.files import tally

        with atomic.storage(f"lane {lane}"):
            return tally.read(self.layout, lane, since)

    def _count(self, id: str, lane: str, what: str, at: int, number: int = 1) -> None:
        """Note what was done, for `tally`."""
        from agent_lanes.backends.files import journal
        from agent_lanes.core.times import compact

        when = compact(at)
        lines = (when[9:13].encode() + TALLIED[what] + b"\n") * number
        path = f"{self.layout.tally(lane)}/{when[:8]}"
        self._afterwards(id, "its place in the tally", lambda: journal.add_lines(path, lines))

    def enter(self, entry: Entry) -> None:
        """See observation.Ledger."""
        from agent_lanes.backends.files import ledger

        with atomic.storage("ledger"):
            ledger.append(self.layout, entry)

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """See observation.Ledger."""
        from agent_lanes.backends.files import ledger

        with atomic.storage("ledger"):
            yield from ledger.read(self.layout, since)

    def latest_entries(self) -> list[Entry]:
        """See observation.Ledger."""
        from agent_lanes.backends.files import ledger

        with atomic.storage("ledger"):
            return ledger.latest(self.layout)

    def _change_archived(self, id: str, decide: Decide) -> tuple[Snapshot, Change]:
        """What had been done before is confirmed, everything else refused. Raises NotFound, Damaged."""
        with atomic.storage(f"task {id}"):
            snapshot = self._from_archive(id).snapshot
        change = decide(snapshot, self.now())
        if change.claim or change.response or change.events:
            raise Refused(f"task {id} is archived: nothing is added to it any more")
        return snapshot, change

    def _archiver(self) -> Archiver:
        from agent_lanes.backends.files.archiver import Archiver

        return Archiver(self.layout, self._gate, self.now)
