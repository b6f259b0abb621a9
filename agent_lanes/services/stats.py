"""Numbers for people and for monitoring: how each lane stands, and what it has done. Nothing here reads every task."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.stats import COUNTED
from agent_lanes.core.times import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.ports import Backend

HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
STANDING = ("ready", "claimed", "delayed", "blocked", "on_hold")
SPANS: tuple[tuple[str, int | None], ...] = (("ever", None), ("last_hour", HOUR_SECONDS), ("last_day", DAY_SECONDS))


def of_lane(backend: Backend, lane: str) -> JsonObject:
    """How a lane stands, and what was counted ever, in an hour, in a day. Raises BadUsage, StorageFailed."""
    now, found = backend.now(), backend.standing(names.lane(lane))
    oldest = found.oldest_ready_at
    done = {
        span: backend.tally(lane, None if seconds is None else now.wall - seconds * SECOND) for span, seconds in SPANS
    }
    return {
        "lane": lane,
        **{field: getattr(found, field) for field in STANDING},
        "oldest_ready_seconds": None if oldest is None else max(0, now.wall - oldest) / SECOND,
        **{span: {what: counts[what] for what in COUNTED} for span, counts in done.items()},
    }


def of_all(backend: Backend, lane: str | None = None) -> list[JsonObject]:
    """The same of every lane that has had a task, by name; or of this one. Raises BadUsage, StorageFailed."""
    return [of_lane(backend, one) for one in (backend.lanes() if lane is None else [lane])]
