"""Archived tasks: packs, each of many finished tasks of one month, compressed, with an index.

    archive/<month>/<first>,<last>,<made>/     one pack; made in tmp/, there by one rename, then never changed
        tasks.jsonl.gz      the tasks as lines of an export, in gzip members of some hundred lines: `zcat` shows them
        index               a line for each task, sorted by id
        about.json          how many tasks of which lane and state, how many bytes
        unfinished          there until the folders of its tasks have been removed
        left                the ids of tasks that stayed where they were; seldom there

`first` and `last` are the heads of the first and the last id, so that a look-up opens few packs. A line of the index
is `id, offset, length, row, state, answered_at, key`, separated by tabs: in which member and row the task lies, and
the name of the file of its idempotency key.
"""

from __future__ import annotations

import errno
import os
import stat
import zlib

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.records import OF_THIS_FILE
from agent_lanes.core.archiving import Packed, is_month
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import loads_object
from agent_lanes.core.parcel import Parcel, decode
from agent_lanes.errors import Damaged, Withheld, denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DATA, INDEX, ABOUT, UNFINISHED, LEFT = "tasks.jsonl.gz", "index", "about.json", "unfinished", "left"
FORMAT = 1
HEAD = 22  # of an id: the time of its submission
GZIP = 16 + zlib.MAX_WBITS
WINDOW = 4096  # several lines of an index
LONGEST_DATA, LONGEST_INDEX, LONGEST_ABOUT = 1 << 31, 64 << 20, 16 << 20
OF_THIS_PACK = (*OF_THIS_FILE, errno.ELOOP, errno.ENOTDIR)  # a link; the folder itself is none
TRIES = 10


class Entry(Frozen):
    """One line of an index; `key` is empty for a task without one."""

    id: str
    offset: int
    length: int
    row: int
    state: str
    answered_at: int
    key: str

    def line(self) -> bytes:
        """As the index has it."""
        parts = (self.id, self.offset, self.length, self.row, self.state, self.answered_at, self.key)
        return "\t".join(map(str, parts)).encode() + b"\n"


class Pack:
    """A pack on the disk."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.month = os.path.basename(os.path.dirname(folder))
        self.first, _, rest = os.path.basename(folder).partition(",")
        self.last = rest.partition(",")[0]

    def may_hold(self, id: str) -> bool:
        """Whether the id lies between its first and last."""
        return self.first <= id[:HEAD] <= self.last

    def find(self, id: str) -> Parcel | None:
        """A task of it; None if it is not among them. Raises Damaged, OSError."""
        descriptor = self._open(INDEX)
        try:
            line = _bisected(descriptor, os.fstat(descriptor).st_size, id.encode())
        finally:
            os.close(descriptor)
        if line is None or id in self.left():
            return None
        entry = self._entry(line)
        return self._parcel(self._member(entry.offset, entry.length), entry)

    def entries(self) -> Iterator[Entry]:
        """The index, without the tasks that were left where they were. Raises Damaged, OSError."""
        left = self.left()
        for line in self._read(INDEX, LONGEST_INDEX).split(b"\n")[:-1]:
            entry = self._entry(line)
            if entry.id not in left:
                yield entry

    def ids(self) -> Iterator[str]:
        """As `entries`, their names alone: a tenth of the time."""
        left = self.left()
        for line in self._read(INDEX, LONGEST_INDEX).split(b"\n")[:-1]:
            id = line.partition(b"\t")[0].decode("ascii", "replace")
            if id not in left:
                yield id

    def parcels(self) -> Iterator[Parcel]:
        """Its tasks, by id; one member at a time in memory. Raises Damaged, OSError."""
        at, rows = -1, list[bytes]()
        for entry in self.entries():
            if entry.offset != at:
                at, rows = entry.offset, self._member(entry.offset, entry.length)
            yield self._parcel(rows, entry)

    def about(self) -> Packed:
        """What its record says of it. Raises Damaged, OSError."""
        try:
            record = loads_object(self._read(ABOUT, LONGEST_ABOUT).decode())
            counts, tasks, size = record["counts"], record["tasks"], record["bytes"]
            if record["format"] != FORMAT or not isinstance(counts, dict):
                raise ValueError(f"not a pack of format {FORMAT}")
            found = {lane: {str(state): int(count) for state, count in of.items()} for lane, of in counts.items()}  # type: ignore[union-attr, arg-type]
            return Packed(month=self.month, tasks=int(tasks), bytes=int(size), counts=found)  # type: ignore[arg-type]
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise self.damaged(ABOUT, wrong) from None

    def left(self) -> frozenset[str]:
        """The ids of tasks that it holds a copy of, and no more. Raises Damaged, OSError."""
        try:
            return frozenset(self._read(LEFT, LONGEST_INDEX).decode("ascii", "replace").split())
        except FileNotFoundError:
            return frozenset()

    def data(self) -> bytes:
        """All its tasks, compressed. Raises Damaged, OSError."""
        return self._read(DATA, LONGEST_DATA)

    @property
    def unfinished(self) -> bool:
        """Whether some of its tasks may still have their folders."""
        return os.path.exists(f"{self.folder}/{UNFINISHED}")

    def _member(self, offset: int, length: int) -> list[bytes]:
        descriptor = self._open(DATA)
        try:
            return zlib.decompress(os.pread(descriptor, length, offset), GZIP).split(b"\n")
        except zlib.error as wrong:
            raise self.damaged(DATA, wrong) from None
        finally:
            os.close(descriptor)

    def _parcel(self, rows: list[bytes], entry: Entry) -> Parcel:
        try:
            parcel = decode(rows[entry.row].decode())
            if parcel.id != entry.id:
                raise ValueError(f"another task where {entry.id} should be")
        except (ValueError, IndexError) as wrong:
            raise self.damaged(DATA, wrong) from None
        return parcel

    def _entry(self, line: bytes) -> Entry:
        try:
            id, offset, length, row, state, answered_at, key = line.decode("ascii").split("\t")
            numbers = {"offset": int(offset), "length": int(length), "row": int(row), "answered_at": int(answered_at)}
            return Entry(id=id, state=state, key=key, **numbers)
        except ValueError:
            raise self.damaged(INDEX, "a line that is none") from None

    def _open(self, file: str) -> int:
        """A descriptor of one of its files. Raises Damaged, OSError."""
        try:
            descriptor = os.open(f"{self.folder}/{file}", atomic.READ_FLAGS)
        except OSError as wrong:
            raise self._refused(file, wrong) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self.damaged(file, "not a regular file")
        return descriptor

    def _read(self, file: str, limit: int) -> bytes:
        try:
            return atomic.read(f"{self.folder}/{file}", limit)
        except atomic.Unreadable as wrong:
            raise self.damaged(file, wrong) from None
        except OSError as wrong:
            raise self._refused(file, wrong) from None

    def _refused(self, file: str, wrong: OSError) -> OSError | Damaged:
        """What the system said, as what it says of this pack; the same where the pack is not to blame."""
        if denied(wrong):
            line = f"the archive cannot be read: {file}: {wrong.strerror} ({self.folder})"
            return Withheld(line, hint="other tasks go on; check who owns it, and its mode")
        return self.damaged(file, wrong.strerror) if wrong.errno in OF_THIS_PACK else wrong

    def incomplete(self) -> Damaged:
        """The error for a pack that lacks a file."""
        return self.damaged(f"{DATA} or {INDEX}", "missing")

    def damaged(self, file: str, problem: object) -> Damaged:
        """The error for a pack that cannot be read."""
        return Damaged(
            f"the archive is damaged: {file}: {problem} ({self.folder})",
            hint="other tasks go on; put this file back from a backup, nothing has been deleted",
        )


def packs(layout: Layout) -> Iterator[Pack]:
    """Every pack, by month and first id. Raises OSError."""
    for month in atomic.names(layout.archive):
        if is_month(month):
            for name in atomic.names(f"{layout.archive}/{month}"):
                if name.count(",") == 2:
                    yield Pack(f"{layout.archive}/{month}/{name}")


def find(layout: Layout, id: str) -> Parcel | None:
    """An archived task. Raises Damaged where it may be in a pack that cannot be read; OSError."""
    problem: Damaged | None = None
    for _ in range(TRIES):
        problem, vanished = None, False
        for pack in packs(layout):
            if pack.may_hold(id):
                try:
                    found = pack.find(id)
                    if found is not None:
                        return found
                except FileNotFoundError:
                    if os.path.lexists(pack.folder):
                        problem = pack.incomplete()
                    else:
                        vanished = True  # it was pruned, or doctor has put its tasks into another: look again
                except Damaged as wrong:
                    problem = wrong
        if not vanished:
            break
    if problem is not None:
        raise problem
    return None


def _bisected(descriptor: int, size: int, wanted: bytes) -> bytes | None:
    """The line that begins with this id, in a file of lines that are sorted by theirs."""
    begin, end = 0, size  # the line begins at `begin` or later, and before `end`; `begin` is the begin of one
    while end - begin > WINDOW:
        middle = (begin + end) // 2
        before, newline, rest = os.pread(descriptor, WINDOW, middle).partition(b"\n")
        next_line = middle + len(before) + 1
        if not newline or next_line >= end or rest.partition(b"\t")[0] > wanted:
            end = middle + 1
        else:
            begin = next_line
    lines = os.pread(descriptor, end - begin + WINDOW, begin).split(b"\n")
    return next((line for line in lines if line.startswith(wanted + b"\t")), None)
