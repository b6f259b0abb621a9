"""What happens under the exclusive gate: making a store, upgrading one of v0.1, rebuilding the hints.

Everything here can be killed at any point and is done again by the next command, because the gate is written last
(gate.py). Answers are never touched, and no fact is deleted.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic, check, journal
from agent_lanes.backends.files.layout import CLAIM, EVENTS, RESPONSE, TASK, Layout
from agent_lanes.backends.files.litter import sweep
from agent_lanes.backends.files.lock import PATIENCE_SECONDS
from agent_lanes.backends.files.rebuild import rebuild
from agent_lanes.backends.files.records import Loaded, load
from agent_lanes.core import codec, legacy
from agent_lanes.core.answers import encode_response
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.core.task import Event
from agent_lanes.core.times import Moment, iso
from agent_lanes.errors import BadData, Busy, Damaged, NotFound

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
        _upgrade(layout, now, chance)
        store: JsonObject = {"format": codec.FORMAT, "store_id": chance(32), "created_at": iso(now.wall)}
        if network or check.allowed():
            store["network_allowed"] = True
        atomic.replace(layout.store_record, dumps(store).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
    atomic.sync_folder(layout.root)
    rebuild(layout, now)
    sweep(layout, now)


def upgrade_task(layout: Layout, id: str, loaded: Loaded, now: Moment, chance: Callable[[int], str]) -> None:
    """Turn one v0.1 task into the facts of format 2; task.json last, because it decides how the rest is read."""
    folder, snapshot = layout.task(id), loaded.snapshot
    if snapshot.claim is not None:
        _replace(layout, f"{folder}/{CLAIM}", codec.encode_claim(legacy.rebased(snapshot.claim, now)), chance)
    response_path = f"{folder}/{RESPONSE}"
    if snapshot.response is not None and not os.path.exists(response_path):
        _replace(layout, response_path, encode_response(snapshot.response), chance)
    atomic.sync_folder(folder)
    _replace(layout, f"{folder}/{TASK}", codec.encode_task(snapshot.task), chance)
    atomic.sync_folder(folder)
    event = Event(
        type="upgraded", message="record of v0.1 upgraded", created_at=now.wall, data={}, epoch=snapshot.epoch
    )
    journal.append(f"{folder}/{EVENTS}", (event,))


def _upgrade(layout: Layout, now: Moment, chance: Callable[[int], str]) -> None:
    """Upgrade what v0.1 left, while no command of v0.1 is at work: they all hold the one lock of their store."""
    if not os.path.exists(layout.legacy_lock):
        return _upgrade_tasks(layout, now, chance)
    from filelock import FileLock, Timeout

    try:
        with FileLock(layout.legacy_lock, timeout=PATIENCE_SECONDS):
            _upgrade_tasks(layout, now, chance)
    except Timeout:
        raise Busy(
            f"the store cannot be upgraded: v0.1 has held {layout.legacy_lock} for {PATIENCE_SECONDS:.0f} s",
            hint="end what still runs with agent-lanes 0.1, then repeat the call",
        ) from None


def _upgrade_tasks(layout: Layout, now: Moment, chance: Callable[[int], str]) -> None:
    for id in atomic.names(layout.tasks):
        try:
            loaded = load(layout.task(id), id)
        except (Damaged, NotFound):
            continue  # stays as it is, and is reported as damaged; or a foreign file
        atomic.make_folder(layout.ready_lane(loaded.snapshot.task.lane))  # it had a task
        if loaded.legacy:
            upgrade_task(layout, id, loaded, now, chance)


def store_record(layout: Layout) -> dict[str, object] | None:
    """store.json; None where there is none (v0.1, or new). Raises BadData: unreadable, or of a newer format."""
    try:
        raw = atomic.read(layout.store_record, 1 << 16)
        record = loads_object(raw.decode())
        number = record.get("format")
        if isinstance(number, bool) or not isinstance(number, int):
            raise ValueError("format is not a number")
    except FileNotFoundError:
        return None
    except (ValueError, atomic.Unreadable) as wrong:
        raise BadData(f"store.json: {wrong} ({layout.store_record})", hint="put back store.json as it was") from None
    if number > codec.FORMAT:
        raise BadData(
            f"store.json: format {number} is newer than this program, which reads {codec.FORMAT} ({layout.root})",
            hint="upgrade agent-lanes: pip install -U agent-lanes",
        )
    return dict(record)


def _replace(layout: Layout, path: str, record: JsonObject, chance: Callable[[int], str]) -> None:
    atomic.replace(path, dumps(record).encode(), f"{layout.tmp}/{chance(16)}", durable=True)
