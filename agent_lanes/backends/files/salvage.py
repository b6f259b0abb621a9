"""What can still be read of a damaged pack, put into a pack of its own.

Its index may be wrong, so its tasks are looked for where a gzip member begins. Only a whole member counts: what was
unpacked of another one before the damage showed has no checksum to vouch for it, and might be another answer.
"""

from __future__ import annotations

import os
import stat
import zlib

from agent_lanes.backends.files import atomic, examine_archive
from agent_lanes.backends.files.packing import Packing
from agent_lanes.backends.files.packs import DATA, GZIP, UNFINISHED, packs
from agent_lanes.core.parcel import decode
from agent_lanes.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.backends.files.packs import Pack
    from agent_lanes.core.parcel import Parcel
    from agent_lanes.core.times import Moment

MEMBER = b"\x1f\x8b\x08"  # RFC 1952: the two bytes of gzip, and deflate


def saved(layout: Layout, pack: Pack, now: Moment) -> int:
    """Write what can be read of a pack into a new one, durably; how many tasks can be.

    Raises Damaged where the system does not give it out, though the file is there; OSError.
    Those are left out that another pack has: of who was killed here, before the damaged one was set aside.
    """
    readable = {parcel.id: parcel for parcel in _parcels(pack) if parcel.snapshot.response is not None}
    for id in _left(pack):
        readable.pop(id, None)
    elsewhere = _in_others(layout, pack, readable)
    lacking = [parcel for id, parcel in sorted(readable.items()) if id not in elsewhere]
    if lacking:
        _written(layout, pack, lacking, now)
    return len(readable)


def _written(layout: Layout, pack: Pack, parcels: list[Parcel], now: Moment) -> None:
    packing = Packing(pack.month)
    for parcel in parcels:
        packing.add(layout, parcel)
    new, _ = packing.write(layout, now)
    if not pack.unfinished and not any(os.path.isdir(layout.task(parcel.id)) for parcel in parcels):
        atomic.discard(f"{new.folder}/{UNFINISHED}")  # else the next archive finds out which of both counts


def _in_others(layout: Layout, pack: Pack, ids: Iterable[str]) -> set[str]:
    """Which of these tasks another pack of the same month has, with which nothing is wrong. Raises OSError."""
    found = set[str]()
    for other in packs(layout):
        may_hold = other.month == pack.month and other.folder != pack.folder and any(map(other.may_hold, ids))
        if may_hold and examine_archive.problem(other) is None:
            found.update(entry.id for entry in other.entries())
    return found


def _parcels(pack: Pack) -> Iterator[Parcel]:
    for line in _lines(pack):
        try:
            yield decode(line.decode())
        except ValueError:
            continue


def _lines(pack: Pack) -> Iterator[bytes]:
    try:
        if not stat.S_ISREG(os.stat(f"{pack.folder}/{DATA}", follow_symlinks=False).st_mode):
            return
    except (FileNotFoundError, NotADirectoryError):
        return
    data = pack.data()
    at = data.find(MEMBER)
    while at >= 0:
        member = zlib.decompressobj(GZIP)
        try:
            text = member.decompress(memoryview(data)[at:])
        except zlib.error:
            text = b""
        if member.eof:
            yield from text.split(b"\n")[:-1]
        at = data.find(MEMBER, len(data) - len(member.unused_data) if member.eof else at + 1)


def _left(pack: Pack) -> frozenset[str]:
    """The tasks that are not in the archive, though the pack has them; those of a damaged list are in tasks/, too."""
    try:
        return pack.left()
    except Damaged:
        return frozenset()
