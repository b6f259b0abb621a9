"""How far a task has come, told from its history: when it was queued, seen, begun, answered, and its answer fetched.

    seen              a wait for the lane printed it, or somebody claimed it
    first_progress    the first line that a holder wrote, with the token of the claim
    fetched           somebody who waits for answers was given this one

Each is when it happened for the first time; null: not yet, or nobody noted it.
"""

from __future__ import annotations

from agent_lanes.core.task import FETCHED, SEEN, Event
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot
    from agent_lanes.core.times import Moment

PROGRESS = "progress of the holder"  # no type of an event: those are told apart by who wrote them


def receipts(snapshot: Snapshot, events: Iterable[Event]) -> JsonObject:
    """The receipts of a task, by name."""
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(PROGRESS if event.by_holder else event.type, event.created_at)
    claim, response = snapshot.claim, snapshot.response
    claimed = first.get("claimed")
    if claimed is None and claim is not None and claim.epoch > 0:
        claimed = claim.claimed_at  # a crash took the line
    seen = min((at for at in (first.get(SEEN), claimed) if at is not None), default=None)
    return {
        "queued_at": iso(snapshot.task.created_at),
        "seen_at": _iso(seen),
        "claimed_at": _iso(claimed),
        "first_progress_at": _iso(first.get(PROGRESS)),
        "answered_at": _iso(response.created_at if response is not None else None),
        "fetched_at": _iso(first.get(FETCHED)),
    }


def line(type: str, by: str, snapshot: Snapshot, now: Moment) -> Event:
    """The line of history of a receipt; `by` says what kind of reader it was."""
    message = "task seen" if type == SEEN else "response fetched"
    return Event(type=type, message=message, created_at=now.wall, data={"by": by}, epoch=snapshot.epoch)


def _iso(at: int | None) -> str | None:
    return None if at is None else iso(at)
