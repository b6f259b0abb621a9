"""What can still be read of a damaged pack, put into a pack of its own.

Its index may be wrong, so its tasks are looked for where a gzip member begins. Only a whole member counts: what was
unpacked of another one before the damage showed has no checksum to vouch for it, and might be another answer.
"""

from __future__ import annotations

import zlib

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.packing import Packing
from agent_lanes.backends.files.packs import DATA, GZIP, UNFINISHED
from agent_lanes.core.parcel import decode
from agent_lanes.errors import AgentLanesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.backends.files.packs import Pack
    from agent_lanes.core.parcel import Parcel
    from agent_lanes.core.times import Moment

MEMBER = b"\x1f\x8b\x08"  # RFC 1952: the two bytes of gzip, and deflate
LARGEST = 1 << 31


def saved(layout: Layout, pack: Pack, now: Moment) -> int:
    """Write what can be read of a pack into a new one, durably; how many tasks. Raises OSError."""
    found = {parcel.id: parcel for parcel in _parcels(pack) if parcel.snapshot.response is not None}
    for id in _left(pack):
        found.pop(id, None)
    if not found:
        return 0
    packing = Packing(pack.month)
    for _, parcel in sorted(found.items()):
        packing.add(layout, parcel)
    new, _ = packing.write(layout, now)
    if not pack.unfinished:
        atomic.discard(f"{new.folder}/{UNFINISHED}")
    return len(found)


def _parcels(pack: Pack) -> Iterator[Parcel]:
    for line in _lines(pack):
        try:
            yield decode(line.decode())
        except ValueError:
            continue


def _lines(pack: Pack) -> Iterator[bytes]:
    try:
        data = atomic.read(f"{pack.folder}/{DATA}", LARGEST)
    except (FileNotFoundError, NotADirectoryError, atomic.Unreadable):
        return
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
    except (AgentLanesError, OSError):
        return frozenset()
