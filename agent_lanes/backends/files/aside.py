"""Setting a damaged record aside: one rename into quarantine/, with a note; no fact is deleted."""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.layout import CLAIM, EVENTS, Layout
from agent_lanes.core import codec
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.task import Claim, Event
from agent_lanes.core.times import Moment, compact, iso
from agent_lanes.core.transitions import lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

NOTE = "NOTE.txt"


def quarantine(layout: Layout, path: str, id: str, problem: str, now: Moment) -> str:
    """Move a file or folder to a place of its own in quarantine/, with a note; says where."""
    place = f"{layout.root}/quarantine/{id[:150]}.{compact(now.wall)}.{chance(4)}"
    os.makedirs(place, atomic.FOLDER_MODE)
    name = os.path.basename(path)
    note = f"{iso(now.wall)}\n{problem}\nIt was {path}\n"
    atomic.write_new(f"{place}/{NOTE}", note.encode("utf-8", "backslashreplace"), durable=True)
    os.rename(path, f"{place}/{name}")
    atomic.sync_folder(place)
    atomic.sync_folder(os.path.dirname(path))
    return f"{name} was moved to {place}"


def release_claim(layout: Layout, folder: str, id: str, now: Moment) -> None:
    """Who has it is unreadable: nobody, from now on, under an epoch above every one in the history."""
    seen = max((event.epoch for event in journal.read(f"{folder}/{EVENTS}")), default=0)
    reason = "claim.json was damaged on disk; what is left of it lies in quarantine/"
    claim = Claim(
        epoch=min(seen + 1000, codec.MAX_EPOCH),
        owner="doctor",
        token="",
        claimed_at=now.wall,
        updated_at=now.wall,
        lease=lease(0, now),
        released_at=now.wall,
        reason=reason,
    )
    write(layout, folder, CLAIM, codec.encode_claim(claim))
    tell(folder, "released", reason, claim.epoch, now)


def write(layout: Layout, folder: str, file: str, record: JsonObject) -> None:
    """Replace a record, durably. Raises OSError."""
    atomic.replace(f"{folder}/{file}", dumps(record).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
    atomic.sync_folder(folder)


def tell(folder: str, type: str, message: str, epoch: int, now: Moment) -> None:
    """Add to the history what was mended. Raises OSError."""
    event = Event(type=type, message=message, created_at=now.wall, data={"by": "doctor"}, epoch=epoch)
    journal.append(f"{folder}/{EVENTS}", (event,))
