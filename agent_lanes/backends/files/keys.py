"""Repeating a call safely: which task an idempotency key stands for, which one a request id claimed.

A key is reserved before its task exists: a file that names the id and the place in its lane that the task will have,
created by a link that fails if it exists, and durable before the task is. Whoever dies after that leaves a
reservation, and the repeated call makes the very task that was reserved, down to its marker; the rename that fails
because the folder exists is the check.

A request id is its owner's: two workers that count their calls alike do not get in each other's way. The note of
which task it claimed is a hint, made before the claim and dropped after the claim's end: losing it means that a claim
whose answer got lost stays lost for its lease, no more; one too many is noticed by the claim that it leads to.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import task_id
from agent_lanes.core.task import CLAIMED
from agent_lanes.errors import BadUsage, Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Claim, Snapshot

LONGEST = 2000


class Reservation(Frozen):
    """The id that a key stands for, and the place of its task: a sequence of that lane."""

    id: str
    sequence: int
    lane: str


def reserved(layout: Layout, key: str) -> Reservation | None:
    """What a key stands for; None if it was never used. Raises Damaged, OSError."""
    place = layout.key(key)
    try:
        id, place_in_lane = atomic.read(place, LONGEST).decode().splitlines()
        sequence, _, lane = place_in_lane.partition(" ")
        return Reservation(id=task_id(id), sequence=int(sequence), lane=lane)
    except FileNotFoundError:
        return None
    except (ValueError, BadUsage, atomic.Unreadable):
        hint = "look whether its task is there, then move this file away, or use another key"
        raise Damaged(f"idempotency_key: its record is damaged: {place}", hint=hint) from None


def reserve(layout: Layout, key: str, wanted: Reservation) -> Reservation:
    """Let a key stand for a task; returns what it stands for, which another call may have chosen.

    Raises Damaged, OSError.
    """
    staged = stage(layout, wanted, durable=True)
    try:
        os.link(staged, layout.key(key))
    except FileExistsError:
        return reserved(layout, key) or wanted
    finally:
        atomic.discard(staged)
    return wanted


def confirm(layout: Layout, key: str) -> None:
    """Make a reservation durable, whoever made it: a task may only follow one that is. Raises OSError."""
    atomic.sync_folder(os.path.dirname(layout.key(key)))


def stage(layout: Layout, wanted: Reservation, *, durable: bool) -> str:
    """The file of a reservation, under a name of chance; a link gives it its key. Raises OSError."""
    atomic.make_folder(os.path.dirname(layout.key("")))
    staged = f"{layout.tmp}/{chance(16)}"
    atomic.write_new(staged, f"{wanted.id}\n{wanted.sequence} {wanted.lane}\n".encode(), durable=durable)
    return staged


def drop(layout: Layout, name: str, id: str) -> None:
    """Forget a key by the name of its file, if it stands for this task. Raises OSError."""
    path = f"{os.path.dirname(layout.key(''))}/{os.path.basename(name)}"
    try:
        stands_for = atomic.read(path, LONGEST).partition(b"\n")[0]
    except (FileNotFoundError, atomic.Unreadable):
        return
    if stands_for == id.encode():
        atomic.drop_marker(path)


def claimed_as(layout: Layout, owner: str, request_id: str) -> str | None:
    """The id that this owner last claimed with a request id. Raises OSError."""
    return _id_in(layout.claimed_as(owner, request_id))


def note_claim(layout: Layout, claim: Claim, id: str) -> None:
    """Say which task a request id claims, if the claim has one. Raises OSError."""
    if claim.request_id is None or not claim.held:
        return
    place = layout.claimed_as(claim.owner, claim.request_id)
    atomic.make_folder(os.path.dirname(place))
    atomic.replace(place, id.encode() + b"\n", f"{layout.tmp}/{chance(16)}", durable=False)


def drop_ended(layout: Layout, before: Snapshot, after: Snapshot) -> None:
    """Drop the note of a claim that a change has ended, unless it names another task by now. Raises OSError."""
    was, holds = before.claim, after.claim if after.state == CLAIMED else None
    if was is None or not was.held or was.request_id is None:
        return
    if holds is not None and (holds.owner, holds.request_id) == (was.owner, was.request_id):
        return
    if claimed_as(layout, was.owner, was.request_id) == before.id:
        atomic.drop_marker(layout.claimed_as(was.owner, was.request_id))


def sweep_claims(layout: Layout, wanted: set[str], older_than: float) -> None:
    """Drop the notes that no claim asks for any more, left by whoever was killed. Raises OSError.

    `wanted` are the paths of the others; what is younger than the instant `older_than` (seconds) may be on its way.
    """
    folder = os.path.dirname(layout.claimed_as("", ""))
    for name in atomic.names(folder):
        path = f"{folder}/{name}"
        if path not in wanted and os.stat(path, follow_symlinks=False).st_mtime < older_than:
            atomic.drop_marker(path)


def _id_in(path: str) -> str | None:
    """The id that a file names; None if it is not there, or names none (a hint that a power cut tore)."""
    try:
        return task_id(atomic.read(path, LONGEST).decode().strip())
    except (FileNotFoundError, atomic.Unreadable, UnicodeDecodeError, BadUsage):
        return None
