"""Setting a damaged record aside: into quarantine/, with a note; no fact is deleted.

A record is never away while this is done, for a moment without claim.json would let epochs start again at 1, and one
without response.json a second answer in: quarantine/ gets a second name for the file (a link), then what takes its
place replaces it (a rename). A whole task folder moves by one rename; so does a folder that stands in place of a
record, because nothing can be renamed over it: whoever is killed there leaves a claim that is lost, which `doctor`
notices by the epochs in the history.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.layout import CLAIM, EVENTS, Layout
from agent_lanes.backends.files.records import asked
from agent_lanes.core import codec, fields
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.task import Claim, Event
from agent_lanes.core.times import Moment, compact, iso
from agent_lanes.core.transitions import lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

NOTE = "NOTE.txt"
EPOCH_MARGIN = 1000  # more claims than can have been made since the last one that reached the disk


def moved(layout: Layout, path: str, id: str, problem: str, now: Moment) -> str:
    """Move a file or folder to a place of its own in quarantine/, with a note; says where. Raises OSError."""
    place = _place(layout, path, id, problem, now)
    name = os.path.basename(path)
    os.rename(path, f"{place}/{name}")
    atomic.sync_folder(place)
    atomic.sync_folder(os.path.dirname(path))
    return f"{name} was moved to {place}"


def kept(layout: Layout, path: str, id: str, problem: str, now: Moment) -> str:
    """Keep a record that is about to be replaced: a second name in quarantine/, with a note. Raises OSError."""
    if stat.S_ISDIR(os.stat(path, follow_symlinks=False).st_mode):
        return moved(layout, path, id, problem, now)
    place = _place(layout, path, id, problem, now)
    name = os.path.basename(path)
    os.link(path, f"{place}/{name}", follow_symlinks=False)
    atomic.sync_folder(place)
    return f"{name} was moved to {place}"


def highest_epoch(folder: str, raw: bytes) -> int:
    """The highest epoch that the history of a task, or what is left of its claim.json, shows. Raises OSError."""
    return max(_shown(raw, b"epoch"), *(event.epoch for event in journal.read(f"{folder}/{EVENTS}")), 0)


def failed_attempts(folder: str, raw: bytes) -> int:
    """How many attempts have failed, as far as history and remains show. Raises OSError."""
    counts = [_shown(raw, b"attempts"), 0]
    for event in journal.read(f"{folder}/{EVENTS}"):
        attempt = event.data.get("attempt")
        if isinstance(attempt, int) and event.type in ("claimed", "attempt_failed"):
            counts.append(min(max(0, attempt - (event.type == "claimed")), fields.MAX_EPOCH))
    return max(counts)


def _shown(raw: bytes, field: bytes) -> int:
    """The highest number that a field has in what is left of a record."""
    found = [0]
    for part in raw.split(b'"' + field + b'"')[1:]:
        digits = part.lstrip(b" :\t\r\n")
        digits = digits[: len(digits) - len(digits.lstrip(b"0123456789"))]
        if digits and len(digits) < len(str(fields.MAX_EPOCH)):
            found.append(int(digits))
    return max(found)


def nobodys(folder: str, now: Moment, raw: bytes) -> Claim:
    """Who has it is unknown: nobody, from now on, under an epoch above every one that was seen. Raises OSError.

    `raw` is what is left of claim.json.
    """
    reason = "claim.json was damaged on disk, or taken back by a power cut"
    return Claim(
        epoch=min(highest_epoch(folder, raw) + EPOCH_MARGIN, fields.MAX_EPOCH),
        owner="doctor",
        token="",
        claimed_at=now.wall,
        updated_at=now.wall,
        lease=lease(0, now),
        released_at=now.wall,
        reason=reason,
        attempts=failed_attempts(folder, raw),
    )


def release_claim(layout: Layout, folder: str, now: Moment, raw: bytes = b"") -> None:
    """Make it so. Raises OSError."""
    claim = nobodys(folder, now, raw)
    write(layout, folder, CLAIM, codec.encode_claim(claim))
    tell(folder, "released", claim.reason, claim.epoch, now)


def write(layout: Layout, folder: str, file: str, record: JsonObject) -> None:
    """Replace a record, durably. Raises OSError."""
    atomic.replace(f"{folder}/{file}", dumps(record).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
    atomic.sync_folder(folder)


def tell(folder: str, type: str, message: str, epoch: int, now: Moment) -> None:
    """Add to the history what was mended. Raises OSError."""
    event = Event(type=type, message=message, created_at=now.wall, data={"by": "doctor"}, epoch=epoch)
    journal.append(f"{folder}/{EVENTS}", (event,), asked(folder, os.path.basename(folder)))


def _place(layout: Layout, path: str, id: str, problem: str, now: Moment) -> str:
    place = f"{layout.root}/quarantine/{id[:150]}.{compact(now.wall)}.{chance(4)}"
    atomic.make_folder(place)
    atomic.sync_folder(os.path.dirname(place))  # else a power cut could take the place, and what was moved into it
    atomic.sync_folder(layout.root)
    note = f"{iso(now.wall)}\n{problem}\nIt was {path}\n"
    atomic.write_new(f"{place}/{NOTE}", note.encode("utf-8", "backslashreplace"), durable=True)
    return place
