"""What may be wrong with an archive; and an index that is made again from the tasks themselves."""

from __future__ import annotations

import os
import zlib

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.litter import LITTER_SECONDS, age_seconds
from agent_lanes.backends.files.packing import described, entry_of
from agent_lanes.backends.files.packs import ABOUT, DATA, GZIP, INDEX, Entry, Pack, packs
from agent_lanes.core import names
from agent_lanes.core.archiving import counted, is_month
from agent_lanes.core.finding import PROBLEM, WARNING, Finding
from agent_lanes.core.parcel import decode
from agent_lanes.core.times import Moment
from agent_lanes.errors import Damaged, Withheld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.archiving import Counts

DAMAGED = "archive_damaged"
MENDING = "agent-lanes doctor --repair makes its index again, or saves what can be read, and sets it aside"


def archive(layout: Layout, now: Moment) -> Iterator[Finding]:
    """Everything about the archive that is not as it should be; every task in it is read. Raises OSError."""
    for month in atomic.names(layout.archive):
        path = f"{layout.archive}/{month}"
        if not is_month(month) or not os.path.isdir(path):
            line = f"{names.shown(month)} in archive/ is not a month"
            yield Finding(level=WARNING, code="foreign_file", message=line, hint="move it away", path=path)
    for pack in packs(layout):
        wrong = problem(pack)
        if wrong is not None and os.path.lexists(pack.folder):  # else it has just been pruned
            hint = wrong.hint if isinstance(wrong, Withheld) else MENDING
            yield Finding(level=PROBLEM, code=DAMAGED, message=wrong.message, hint=hint, path=pack.folder)
        if pack.unfinished and age_seconds(pack.folder, now) > LITTER_SECONDS:
            yield Finding(
                level=WARNING,
                code="archive_unfinished",
                message="an archive was interrupted; some tasks are in it, and in tasks/ too",
                hint="harmless; agent-lanes archive goes on with it",
                path=pack.folder,
            )


def problem(pack: Pack) -> Damaged | None:
    """What is wrong with a pack, if anything. Raises OSError."""
    try:
        last, count = "", len(pack.left())
        for parcel in pack.parcels():
            if parcel.id <= last:
                return pack.damaged(INDEX, "not sorted by id")
            last, count = parcel.id, count + 1
        if count != pack.about().tasks:
            return pack.damaged(INDEX, f"{count} tasks where {ABOUT} says {pack.about().tasks}")
    except Damaged as wrong:
        return wrong
    except FileNotFoundError:
        return pack.incomplete()
    return None


def reindexed(layout: Layout, pack: Pack) -> None:
    """Make the index of a pack again, and what is told about it. Raises Damaged where its tasks cannot be read."""
    try:
        data = pack.data()
        entries, counts = _entries(layout, pack, data)
    except (FileNotFoundError, zlib.error, ValueError) as wrong:
        raise pack.damaged(DATA, wrong) from None
    index = b"".join(entry.line() for entry in entries)
    for file, content in ((INDEX, index), (ABOUT, described(len(entries), len(data), counts))):
        atomic.replace(f"{pack.folder}/{file}", content, f"{layout.tmp}/{chance(16)}", durable=True)
    atomic.sync_folder(pack.folder)


def _entries(layout: Layout, pack: Pack, data: bytes) -> tuple[list[Entry], Counts]:
    entries, counts, offset = list[Entry](), dict[str, dict[str, int]](), 0
    while offset < len(data):
        member = zlib.decompressobj(GZIP)
        lines = member.decompress(data[offset:]).split(b"\n")[:-1]
        if not member.eof:
            raise ValueError("cut off")
        length = len(data) - offset - len(member.unused_data)
        for row, line in enumerate(lines):
            parcel = decode(line.decode())
            entries.append(entry_of(layout, parcel, offset, row).replace(length=length))
            counted(counts, parcel.snapshot.task.lane, entries[-1].state)
        offset += length
    if not entries:
        raise ValueError("empty")
    return entries, counts
