"""Moving finished tasks into packs, and removing months of packs. Safe to kill at any point, and beside everything.

    archive   read finished tasks   ->   a pack, durable, `unfinished`   ->   for each: its lock; unchanged since? then
              its folder is renamed into tmp/   ->   fsync of tasks/   ->   the folders are deleted; `unfinished` goes
    prune     under the exclusive gate: the keys of a pack's tasks   ->   the pack is renamed into tmp/   ->   deleted

Nothing is removed before it is durable elsewhere. In between a task is in both places: readers prefer its folder, and
the next archive goes on with the packs that are unfinished. A task that somebody writes to, or that has files in its
folder which are not ours, stays where it is. The gate is held for one pack or some hundred folders at a time.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, journal, keys, kin, records
from agent_lanes.backends.files.layout import CLAIM, EVENTS, REQUEST, RESPONSE, RUN, TASK, Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.packing import Packing
from agent_lanes.backends.files.packs import ABOUT, DATA, INDEX, LEFT, UNFINISHED, Pack, packs
from agent_lanes.core.archiving import Packed, is_over, month_of
from agent_lanes.core.dead import died, seen_to
from agent_lanes.core.parcel import Parcel
from agent_lanes.core.times import compact
from agent_lanes.errors import Busy, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agent_lanes.backends.files.gate import Gate
    from agent_lanes.core.task import Task
    from agent_lanes.core.times import Moment

    Stamp = tuple[int, int, int]

OURS = {TASK, CLAIM, RESPONSE, EVENTS, REQUEST, RUN}
AT_ONCE = 512
HEAD_LENGTH = len(compact(0))
OTHER = (0, 0, 0)  # the stamp of no history


class Archiver:
    """Archive and prune of one store. The caller has made sure that there is one."""

    def __init__(self, layout: Layout, gate: Gate, now: Callable[[], Moment]) -> None:
        self.layout, self.gate, self.now = layout, gate, now
        self.kept: list[str] = []  # ids of tasks that would be due, and cannot be moved

    def archive(self, before: int, of_lanes: Mapping[str, int], lane: str | None) -> Iterator[Packed]:
        """Move the tasks answered before an instant; a step for each pack. Raises Busy, Damaged, OSError."""
        with self._alone():
            self._finish_all()
            open_packs: dict[str, tuple[Packing, dict[str, Stamp]]] = {}
            ids = atomic.names(self.layout.tasks)
            for begin in range(0, len(ids), AT_ONCE):
                full = []
                with self.gate.passed():
                    for id in ids[begin : begin + AT_ONCE]:
                        ripe = self._ripe(id, before, of_lanes, lane)
                        if ripe is None:
                            continue
                        month = month_of(ripe[2])
                        packing, stamps = open_packs.setdefault(month, (Packing(month), {}))
                        try:
                            packing.add(self.layout, ripe[0])
                            stamps[id] = ripe[1]
                        except UnicodeDecodeError:
                            self.kept.append(id)  # its request is no text
                        if packing.full:
                            full.append(open_packs.pop(month))
                yield from (self._pack(*one) for one in full)
            yield from (self._pack(*one) for _, one in sorted(open_packs.items()))
            yield from self._rest()

    def would_archive(self, before: int, of_lanes: Mapping[str, int], lane: str | None) -> Iterator[Packed]:
        """What `archive` would move, task by task; changes nothing, takes no lock. Raises OSError."""
        for id in atomic.names(self.layout.tasks):
            ripe = self._ripe(id, before, of_lanes, lane)
            if ripe is not None:
                snapshot = ripe[0].snapshot
                counts = {snapshot.task.lane: {snapshot.state: 1}}
                yield Packed(month=month_of(ripe[2]), tasks=1, bytes=0, counts=counts)
        yield from self._rest()

    def prune(self, before: int) -> Iterator[Packed]:
        """Remove the months that were over at an instant; a step for each pack. Raises Busy, OSError."""
        with self._alone():
            self._finish_all()
            for pack in list(packs(self.layout)):
                if is_over(pack.month, before):
                    yield self._remove_pack(pack)
            for month in atomic.names(self.layout.archive):
                try:
                    os.rmdir(f"{self.layout.archive}/{month}")
                except OSError:  # not empty, or no folder
                    continue

    def would_prune(self, before: int) -> Iterator[Packed]:
        """What `prune` would remove; changes nothing, takes no lock. Raises OSError."""
        yield from (_about(pack) for pack in packs(self.layout) if is_over(pack.month, before))

    # --- archive ---------------------------------------------------------------------------------------------

    def _ripe(
        self, id: str, before: int, of_lanes: Mapping[str, int], lane: str | None
    ) -> tuple[Parcel, Stamp, int] | None:
        """A task that may be archived, what tells later whether it has changed, and when it was answered."""
        begun = id[:8].isdigit() and id[8:9] == "T" and id[HEAD_LENGTH - 1 : HEAD_LENGTH] == "Z"
        if begun and id > compact(max((before, *of_lanes.values()))):
            return None  # submitted since, so answered since
        folder = self.layout.task(id)
        try:
            names = os.listdir(folder)
            if RESPONSE not in names:
                return None
            stamp = _stamp(folder)
            parcel = self._parcel(id)
        except (OSError, Damaged, NotFound, atomic.Unreadable):
            if os.path.isdir(folder):  # else it is no task, or somebody has moved it
                self.kept.append(id)  # for doctor
            return None
        response, own = parcel.snapshot.response, parcel.snapshot.task.lane
        if response is None or lane not in (None, own) or response.created_at >= of_lanes.get(own, before):
            return None
        if os.path.isdir(self.layout.dependants(id)):
            return None  # those who waited for it have not been told yet
        if died(parcel.snapshot) and not seen_to(parcel.events):
            self.kept.append(id)  # somebody should look at it first
            return None
        if not OURS.issuperset(names) or (CLAIM in names and parcel.snapshot.claim is None):
            self.kept.append(id)  # what else lies there is not ours to delete; a torn claim is for doctor
            return None
        return parcel, stamp, response.created_at

    def _rest(self) -> Iterator[Packed]:
        if self.kept:
            yield Packed(month="", tasks=0, bytes=0, counts={}, left=tuple(self.kept))

    def _parcel(self, id: str) -> Parcel:
        folder = self.layout.task(id)
        snapshot = records.load(folder, id).snapshot
        request = records.request_bytes(folder, id) if snapshot.task.request_stored else None
        events = journal.whole(f"{folder}/{EVENTS}", lambda: snapshot.task)
        return Parcel(snapshot=snapshot, events=events, request=request)

    def _pack(self, packing: Packing, stamps: dict[str, Stamp]) -> Packed:
        with self.gate.passed():
            pack, size = packing.write(self.layout, self.now())
        left = self._finish(pack, stamps)
        counts, count = packing.counts, len(packing.ids) - len(left)
        return Packed(month=pack.month, tasks=count, bytes=size, counts=counts, left=tuple(left))

    def _finish_all(self) -> None:
        """Go on where an archive was killed: what is unchanged since it was packed is removed."""
        for pack in packs(self.layout):
            if pack.unfinished:
                try:
                    stamps = {parcel.id: self._stamp_if_same(parcel) for parcel in pack.parcels()}
                except (Damaged, FileNotFoundError):
                    continue  # for doctor; its tasks have their folders, or are in it
                self._finish(pack, {id: stamp for id, stamp in stamps.items() if stamp is not None})

    def _stamp_if_same(self, packed: Parcel) -> Stamp | None:
        """The stamp of a task that is as it was packed, and one of no task if it is not; None if it has moved."""
        try:
            stamp = _stamp(self.layout.task(packed.id))
            return stamp if self._parcel(packed.id) == packed else OTHER
        except (FileNotFoundError, NotFound):
            return None
        except Damaged:
            return OTHER

    def _finish(self, pack: Pack, stamps: dict[str, Stamp]) -> list[str]:
        """Remove the folders of a pack's tasks; those that stay are named in the pack, and returned."""
        ids, left = list(stamps), list[str]()
        for begin in range(0, len(ids), AT_ONCE):
            with self.gate.passed():
                left += self._remove({id: stamps[id] for id in ids[begin : begin + AT_ONCE]})
        with self.gate.passed():
            if left:
                names = "".join(f"{id}\n" for id in sorted({*pack.left(), *left})).encode()
                atomic.replace(f"{pack.folder}/{LEFT}", names, f"{self.layout.tmp}/{chance(16)}", durable=True)
                atomic.sync_folder(pack.folder)
            atomic.discard(f"{pack.folder}/{UNFINISHED}")
        return left

    def _remove(self, stamps: dict[str, Stamp]) -> list[str]:
        """Remove the folders of tasks that are as they were; the ids of the others."""
        gone, left = dict[str, str](), list[str]()
        try:
            for id, stamp in stamps.items():
                folder, grave = self.layout.task(id), f"{self.layout.tmp}/{chance(16)}"
                try:
                    with Lock(folder, f"task {id}", patient=False):
                        if _stamp(folder) != stamp or not OURS.issuperset(os.listdir(folder)):
                            raise Busy("somebody has written to it")
                        os.rename(folder, grave)
                    gone[grave] = folder
                except (NotFound, FileNotFoundError):
                    continue  # doctor --repair was faster
                except (Busy, Damaged):
                    left.append(id)
        finally:
            self._bury(gone, OURS)
        return left

    def _bury(self, gone: dict[str, str], files: set[str]) -> None:
        """Delete folders with these files that were moved into tmp/, once that survives a power cut. Raises OSError.

        Where it may not they are put back: a power cut could leave a folder that has lost a file.
        """
        try:
            for place in {os.path.dirname(folder) for folder in gone.values()}:
                atomic.sync_folder(place)
        except OSError:
            for grave, folder in gone.items():
                try:
                    os.rename(grave, folder)
                except OSError:  # litter
                    continue
            raise
        for grave in gone:
            _delete(grave, files)

    # --- prune -----------------------------------------------------------------------------------------------

    def _remove_pack(self, pack: Pack) -> Packed:
        about, grave = _about(pack), f"{self.layout.tmp}/{chance(16)}"
        related = self._related(pack)
        with self.gate.taken():
            for task in related:
                if not os.path.isdir(self.layout.task(task.id)):
                    kin.forget(self.layout, task)
            try:
                for entry in pack.entries():
                    if entry.key and not os.path.isdir(self.layout.task(entry.id)):
                        keys.drop(self.layout, entry.key, entry.id)
            except (Damaged, FileNotFoundError):
                pass  # then its keys stay, for tasks that will be submitted anew under the same ids
            os.rename(pack.folder, grave)
            self._bury({grave: pack.folder}, {DATA, INDEX, ABOUT, UNFINISHED, LEFT})
        return about

    def _related(self, pack: Pack) -> list[Task]:
        """Those of its tasks that are found through others."""
        if not os.path.isdir(self.layout.all_children) and not os.path.isdir(self.layout.all_threads):
            return []
        try:
            return [parcel.snapshot.task for parcel in pack.parcels() if parcel.snapshot.task.related]
        except (Damaged, FileNotFoundError):
            return []  # names without a task, which doctor sweeps

    def _alone(self) -> Lock:
        """One archive or prune at a time; readers and everybody else go on."""
        atomic.make_folder(self.layout.archive)
        return Lock(self.layout.archive, "the archive (another archive or prune is at work)", patient=False)


def _about(pack: Pack) -> Packed:
    try:
        return pack.about()
    except (Damaged, FileNotFoundError):
        return Packed(month=pack.month, tasks=0, bytes=0, counts={})


def _stamp(folder: str) -> Stamp:
    """What changes when anybody adds to the history, which is all that can still change. Raises OSError."""
    try:
        found = os.stat(f"{folder}/{EVENTS}", follow_symlinks=False)
    except FileNotFoundError:
        os.stat(folder)
        return 0, -1, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def _delete(folder: str, names: set[str]) -> None:
    """Delete a folder of ours with these files; what resists is litter for the sweep."""
    for name in names:
        atomic.discard(f"{folder}/{name}")
    try:
        os.rmdir(folder)
    except OSError:
        pass
