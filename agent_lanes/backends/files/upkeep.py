"""What happens under the exclusive gate: making a store, upgrading one of v0.1 (upgrade.py), rebuilding the hints.

Everything here can be killed at any point and is done again by the next command, because the gate is written last
(gate.py). Answers are never touched, and no fact is deleted.
"""

from __future__ import annotations

import errno
import os

from agent_lanes.backends.files import atomic, check
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.litter import sweep
from agent_lanes.backends.files.rebuild import rebuild
from agent_lanes.backends.files.upgrade import is_barred, upgrade
from agent_lanes.core import fields
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.core.times import Moment, iso
from agent_lanes.errors import BadData, Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.jsontext import JsonObject


def bring_up(layout: Layout, now: Moment, chance: Callable[[int], str], *, network: bool = False) -> None:
    """Make, upgrade or rebuild a store; the caller holds the gate exclusively. Raises BadData, OSError, Busy.

    A new one keeps in mind that it was asked to lie on a `network` file system.
    """
    for folder in layout.folders():
        os.makedirs(folder, atomic.FOLDER_MODE, exist_ok=True)
    record = store_record(layout)
    if record is None:
        from agent_lanes import durability

        durability.sync_folders(layout.root)  # the store's own name, too, before anything is promised about it
    if record is None or not is_barred(layout):
        upgrade(layout, now)
    if record is None:
        store: JsonObject = {"format": fields.FORMAT, "store_id": chance(32), "created_at": iso(now.wall)}
        if network or check.allowed():
            store["network_allowed"] = True
        atomic.replace(layout.store_record, dumps(store).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
    atomic.sync_folder(layout.root)
    rebuild(layout, now)
    sweep(layout, now)


def store_record(layout: Layout) -> dict[str, object] | None:
    """store.json; None where there is none (v0.1, or new). Raises Damaged, BadData (a newer format)."""
    try:
        raw = atomic.read(layout.store_record, 1 << 16)
        record = loads_object(raw.decode())
        number = record.get("format")
        if isinstance(number, bool) or not isinstance(number, int):
            raise ValueError("format is not a number")
    except FileNotFoundError:
        return None
    except (ValueError, atomic.Unreadable, OSError) as wrong:
        if isinstance(wrong, OSError) and wrong.errno != errno.ELOOP:  # a link in its place
            raise
        hint = "agent-lanes doctor --repair sets it aside and writes a new one"
        raise Damaged(f"store.json: {wrong} ({layout.store_record})", hint=hint) from None
    if number > fields.FORMAT:
        raise BadData(
            f"store.json: format {number} is newer than this program, which reads {fields.FORMAT} ({layout.root})",
            hint="upgrade agent-lanes: pip install -U agent-lanes",
        )
    return dict(record)
