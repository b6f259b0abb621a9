"""A pack in the making: lines are compressed as they come, and written in one go (packs.py has the format)."""

from __future__ import annotations

import os
import zlib

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.packs import ABOUT, DATA, FORMAT, GZIP, HEAD, INDEX, UNFINISHED, Entry, Pack
from agent_lanes.core.archiving import counted
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.parcel import Parcel, encode
from agent_lanes.core.times import Moment, compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.archiving import Counts

MEMBER_BYTES = 256 << 10
MOST_TASKS, MOST_BYTES = 4096, 32 << 20


class Packing:
    """Tasks of one month on their way into a pack, by id."""

    def __init__(self, month: str) -> None:
        self.month = month
        self.counts: Counts = {}
        self.ids: list[str] = []
        self._entries: list[Entry] = []
        self._open: list[Entry] = []  # of the member that is not full yet
        self._lines: list[bytes] = []
        self._members: list[bytes] = []
        self._size = self._raw = self._member = 0

    @property
    def full(self) -> bool:
        """As much as one pack holds, so that the gate is not held for long."""
        return len(self.ids) >= MOST_TASKS or self._raw >= MOST_BYTES

    def add(self, layout: Layout, parcel: Parcel) -> None:
        """Add an answered task, whose id is above that of the one before. Raises UnicodeDecodeError."""
        line = encode(parcel).encode()
        entry = entry_of(layout, parcel, self._size, len(self._lines))
        self.ids.append(parcel.id)
        self._open.append(entry)
        self._lines.append(line + b"\n")
        self._member += len(line)
        self._raw += len(line)
        counted(self.counts, parcel.snapshot.task.lane, entry.state)
        if self._member >= MEMBER_BYTES:
            self._close_member()

    def write(self, layout: Layout, now: Moment) -> tuple[Pack, int]:
        """Commit the pack, durably; it and the bytes of its tasks. Raises OSError."""
        self._close_member()
        files = {
            DATA: b"".join(self._members),
            INDEX: b"".join(entry.line() for entry in self._entries),
            ABOUT: described(len(self.ids), self._size, self.counts),
            UNFINISHED: b"",
        }
        born = f"{layout.tmp}/{chance(16)}"
        name = f"{self.ids[0][:HEAD]},{self.ids[-1][:HEAD]},{compact(now.wall)}-{chance(8)}"
        month = f"{layout.archive}/{self.month}"
        try:
            os.mkdir(born, atomic.FOLDER_MODE)
            for file, data in files.items():
                atomic.write_new(f"{born}/{file}", data, durable=True)
            atomic.sync_folder(born)
            atomic.make_folder(month)
            for folder in (layout.root, layout.archive):
                atomic.sync_folder(folder)
            os.rename(born, f"{month}/{name}")
        except BaseException:
            for file in files:
                atomic.discard(f"{born}/{file}")
            try:
                os.rmdir(born)
            except OSError:
                pass
            raise
        atomic.sync_folder(month)
        return Pack(f"{month}/{name}"), self._size

    def _close_member(self) -> None:
        if not self._lines:
            return
        packer = zlib.compressobj(wbits=GZIP)
        member = packer.compress(b"".join(self._lines)) + packer.flush()
        self._entries += [entry.replace(length=len(member)) for entry in self._open]
        self._members.append(member)
        self._size += len(member)
        self._lines, self._open, self._member = [], [], 0


def entry_of(layout: Layout, parcel: Parcel, offset: int, row: int) -> Entry:
    """The line of the index for a task, but for the length of its member. Raises ValueError without an answer."""
    response, key = parcel.snapshot.response, parcel.snapshot.task.idempotency_key
    if response is None:
        raise ValueError(f"{parcel.id} has no answer")
    return Entry(
        id=parcel.id,
        offset=offset,
        length=0,
        row=row,
        state=response.status,
        answered_at=response.created_at,
        key="" if key is None else os.path.basename(layout.key(key)),
    )


def described(tasks: int, size: int, counts: Counts) -> bytes:
    """about.json."""
    return dumps({"format": FORMAT, "tasks": tasks, "bytes": size, "counts": counts}).encode()
