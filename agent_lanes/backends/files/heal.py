"""Claims that a power cut took back or tore: released at the rebuild that follows the reboot.

Claims are not fsynced (docs/architecture.md), so after a power cut claim.json may be torn, or older than the history,
or not there. Whoever held it is dead. The task is released under an epoch above every one that can still be seen, so
that none is given twice. What has an answer needs no claim any more.
"""

from __future__ import annotations

from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.aside import kept, nobodys, release_claim
from agent_lanes.backends.files.layout import CLAIM, EVENTS, Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.records import LIMITS, load, readable, seems_open
from agent_lanes.core import codec
from agent_lanes.core.jsontext import loads_object
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import Moment
from agent_lanes.errors import Busy, Damaged, NotFound


def heal(layout: Layout, id: str, now: Moment) -> None:
    """Release the task if its claim was torn or lost; under its lock, for the gate may have been deleted.

    Raises OSError.
    """
    folder = layout.task(id)
    if unsound(folder, id) is None:
        return
    try:
        with Lock(folder, f"task {id}", patient=False):
            left = unsound(folder, id)
            if left is None:
                return
            if torn(left) and left.strip(b"\0"):
                kept(layout, f"{folder}/{CLAIM}", id, "claim.json was torn by a power cut", now)
            release_claim(layout, folder, now, left)
    except (Busy, Damaged, NotFound):
        pass  # in other hands


def as_healed(folder: str, id: str, now: Moment) -> Snapshot | None:
    """What `heal` will make of a task, for those who only look; None if all is well. Raises Damaged, OSError."""
    left = unsound(folder, id)
    return None if left is None else load(folder, id, instead=nobodys(folder, now, left)).snapshot


def unsound(folder: str, id: str) -> bytes | None:
    """What is left of a claim that was torn, or that is older than the history; None where all is well.

    Damage of other kinds is for `doctor`: it was no power cut. Raises OSError.
    """
    if not seems_open(folder):
        return None
    last = journal.last(f"{folder}/{EVENTS}")  # before the claim: of what is at work now, the claim is the newer
    raw, known = b"", 0
    try:
        raw = atomic.read(f"{folder}/{CLAIM}", LIMITS[CLAIM])
        if torn(raw):
            return raw if readable(folder, id) else None
        known = codec.decode_claim(loads_object(raw.decode())).epoch
    except FileNotFoundError:
        pass
    except (OSError, ValueError, atomic.Unreadable):
        return None
    return raw if last is not None and last.epoch > known and readable(folder, id) else None


def torn(raw: bytes) -> bool:
    """Whether a power cut may have made this of a claim.json that was not fsynced: cut off, or zeros in it.

    Whole records hold no NUL and end with a newline; one that lacks nothing but that says all that it did, and is taken
    for whole by every reader.
    """
    if raw[:1] not in (b"", b"{", b"\0"):
        return False
    return b"\0" in raw or not (raw.endswith(b"}\n") or _is_object(raw))


def _is_object(raw: bytes) -> bool:
    try:
        loads_object(raw.decode())
    except ValueError:
        return False
    return True
