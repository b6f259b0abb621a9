"""What agents took: the ledger, and what it lacks from the histories of the tasks.

Dispatchers enter each attempt before they note it in the task's history, so that a line is missing only where the
ledger could not be written, for work from before there was one, and where a chat or a script answered with figures of
its own. `report` looks there, too.
"""

from __future__ import annotations

from agent_lanes.core import ledger, names
from agent_lanes.core.times import DAY, iso
from agent_lanes.errors import BadUsage, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.ledger import Entry, Sum
    from agent_lanes.ports import Backend

DEFAULT_BY = "vendor"


def entries(backend: Backend, since: int = 0, lane: str | None = None) -> Iterator[Entry]:
    """Every attempt that ended at an instant or later: those of the ledger, then those that it lacks.

    Raises StorageFailed.
    """
    known = set[tuple[str, int]]()
    for entry in backend.entries(max(0, since - DAY)):  # a line, and the event of the same attempt, may part at `since`
        known.add((entry.task, entry.epoch))
        if entry.at >= since and lane in (None, entry.lane):
            yield entry
    for snapshot in backend.scan(lane=lane):
        if isinstance(snapshot, Damaged) or (snapshot.claim is None and snapshot.response is None):
            continue
        try:
            told = ledger.of_history(snapshot, backend.events(snapshot.id))
        except NotFound:  # archived since
            continue
        yield from (entry for entry in told if entry.at >= since and (entry.task, entry.epoch) not in known)


def report(backend: Backend, *, by: str = DEFAULT_BY, since: int | None = None, lane: str | None = None) -> JsonObject:
    """What was taken, as `costs --json` shows it. Raises BadUsage, StorageFailed."""
    if by not in ledger.BY:
        raise BadUsage(f"by: {names.shown(by)} is not one of {', '.join(ledger.BY)}")
    if lane is not None:
        names.lane(lane)
    found, total = ledger.summed(entries(backend, since or 0, lane), by)
    return {
        "by": by,
        "since": None if since is None else iso(since),
        "lane": lane,
        "costs": [{by: key, **_shown(sum)} for key, sum in found.items()],
        "total": _shown(total),
    }


def _shown(sum: Sum) -> JsonObject:
    return {**sum.__dict__}
