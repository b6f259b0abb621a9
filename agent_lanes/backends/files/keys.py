"""Repeating a call safely: which task an idempotency key stands for, which one a request id claimed.

A key is reserved before its task exists: a file that names the id the task will have, created by a link that fails
if it exists, and durable before the task is. Whoever dies after that leaves a reservation, and the repeated call
makes the task under the very id that was reserved; the rename that fails because the folder exists is the check.

A request id is a hint beside the claim, written before it and dropped when the claim ends: losing it means that a
claim whose answer got lost stays lost for its lease, no more.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core.names import task_id
from agent_lanes.errors import BadUsage

LONGEST = 400


def reserved(layout: Layout, key: str) -> str | None:
    """The id that a key stands for; None if it was never used. Raises OSError."""
    return _id_in(layout.key(key))


def reserve(layout: Layout, key: str, id: str) -> str:
    """Let a key stand for an id, durably; returns the id that it stands for, which another call may have chosen."""
    place, staged = layout.key(key), f"{layout.tmp}/{chance(16)}"
    os.makedirs(os.path.dirname(place), atomic.FOLDER_MODE, exist_ok=True)
    atomic.write_new(staged, id.encode() + b"\n", durable=True)
    try:
        os.link(staged, place)
        atomic.sync_folder(os.path.dirname(place))
    except FileExistsError:
        return _id_in(place) or id
    finally:
        atomic.discard(staged)
    return id


def claimed_as(layout: Layout, request_id: str) -> str | None:
    """The id that was last claimed with a request id. Raises OSError."""
    return _id_in(layout.claimed_as(request_id))


def note_claim(layout: Layout, request_id: str, id: str) -> None:
    """Say which task a request id claims. Raises OSError."""
    place = layout.claimed_as(request_id)
    os.makedirs(os.path.dirname(place), atomic.FOLDER_MODE, exist_ok=True)
    atomic.replace(place, id.encode() + b"\n", f"{layout.tmp}/{chance(16)}", durable=False)


def drop_claim(layout: Layout, request_id: str) -> None:
    """The claim of a request id has ended. Raises OSError."""
    atomic.drop_marker(layout.claimed_as(request_id))


def _id_in(path: str) -> str | None:
    """The id that a file names; None if it is not there, or names none (a hint that a power cut tore)."""
    try:
        return task_id(atomic.read(path, LONGEST).decode().strip())
    except (FileNotFoundError, atomic.Unreadable, UnicodeDecodeError, BadUsage):
        return None
