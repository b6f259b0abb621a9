"""All tasks, the newest first, a page at a time: for clients that go on where the last page ended."""

from __future__ import annotations

from bisect import bisect_left

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.match import matches
from agent_lanes.core.task import ACTIVE, Snapshot
from agent_lanes.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.services.looks import Looks


class Page(Frozen):
    """Some tasks as `status` shows them, those that cannot be read, and where the next page begins (None: nowhere)."""

    tasks: tuple[JsonObject, ...]
    damaged: tuple[Damaged, ...]
    cursor: str | None


def newest(
    looks: Looks,
    *,
    lane: str | None = None,
    state: str | None = None,
    active_only: bool = False,
    match: dict[str, str] | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page:
    """The newest tasks, or those before a cursor. Raises BadUsage, StorageFailed.

    A cursor is the id of the last task of a page, so tasks that come meanwhile move nothing.
    """
    if lane is not None:
        names.lane(lane)
    if cursor is not None:
        names.task_id(cursor)
    tasks: list[JsonObject] = []
    damaged: list[Damaged] = []
    last: str | None = None
    for id, found in _before(looks, cursor, lane=lane, active_only=active_only or state in ACTIVE):
        if len(tasks) >= limit:
            return Page(tasks=tuple(tasks), damaged=tuple(damaged), cursor=last if limit else None)
        if isinstance(found, Damaged):
            damaged.append(found)
        elif lane in (None, found.task.lane) and state in (None, found.state) and _fits(found, active_only, match):
            tasks.append(looks.status(found))
            last = id
    return Page(tasks=tuple(tasks), damaged=tuple(damaged), cursor=None)


def _before(
    looks: Looks, cursor: str | None, *, lane: str | None, active_only: bool
) -> Iterator[tuple[str, Snapshot | Damaged]]:
    if active_only:  # found through the hints, however many are finished
        for found in looks.backend.scan(active_only=True, lane=lane, newest_first=True):
            id = "" if isinstance(found, Damaged) else found.id
            if cursor is None or id < cursor:
                yield id, found
        return
    ids = looks.backend.ids()
    for id in reversed(ids[: len(ids) if cursor is None else bisect_left(ids, cursor)]):
        try:
            yield id, looks.backend.read(id)
        except Damaged as wrong:
            yield id, wrong
        except NotFound:
            continue


def _fits(found: Snapshot, active_only: bool, match: dict[str, str] | None) -> bool:
    return (not active_only or found.state in ACTIVE) and matches(found.task.metadata, match or {})
