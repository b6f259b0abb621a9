"""What agents took: the ledger, and what it lacks from the histories of the tasks.

Dispatchers enter each attempt before they note it in the task's history, so that a line is missing only where the
ledger could not be written, for work from before there was one, and where a chat or a script answered with figures of
its own. `report` looks there, too, but not at tasks of which the ledger has all: those with an answer in it, and a line
for every claim before that. So of the work of dispatchers it reads the ledger and nothing else.
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
    from agent_lanes.core.rules import Lanes
    from agent_lanes.ports import Backend

DEFAULT_BY = "vendor"


def entries(backend: Backend, since: int = 0, lane: str | None = None) -> Iterator[Entry]:
    """Every attempt that ended at an instant or later: those of the ledger, then those that it lacks.

    Raises StorageFailed.
    """
    known = dict[str, set[int]]()
    whole = set[str]()
    for entry in backend.entries():
        epochs = known.setdefault(entry.task, set())
        epochs.add(entry.epoch)
        if entry.outcome == ledger.ANSWERED and len(epochs) == entry.epoch:
            whole.add(entry.task)
        if entry.at >= since and lane in (None, entry.lane):
            yield entry
    for id in backend.ids():
        if id not in whole:
            told = _of_history(backend, id, lane)
            yield from (one for one in told if one.at >= since and one.epoch not in known.get(id, ()))


def _of_history(backend: Backend, id: str, lane: str | None) -> list[Entry]:
    try:
        snapshot = backend.read(id)
        if lane not in (None, snapshot.task.lane) or (snapshot.claim is None and snapshot.response is None):
            return []
        return ledger.of_history(snapshot, backend.events(id))
    except (NotFound, Damaged):  # archived since; doctor tells of the damaged
        return []


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


def today(backend: Backend) -> tuple[dict[str, Sum], dict[str, Sum]]:
    """What this day (UTC) has taken, by lane and by vendor, as far as the ledger knows. Raises StorageFailed."""
    entries = list(backend.entries(backend.now().wall // DAY * DAY))
    return ledger.summed(entries, "lane")[0], ledger.summed(entries, "vendor")[0]


def spent_on(backend: Backend, id: str) -> Sum:
    """What a task has taken since it was last resumed, by its history. Raises NotFound, StorageFailed."""
    events = list(backend.events(id))
    begin = next((number for number in range(len(events), 0, -1) if events[number - 1].type == "resumed"), 0)
    total = ledger.Sum()
    for entry in ledger.of_history(backend.read(id), events[begin:]):
        total = total.plus(entry)
    return total


def over_the_day(backend: Backend, lane: str, lanes: Lanes) -> tuple[list[str], str] | None:
    """The lanes that may spend no more today, and why; None where this one may. Raises StorageFailed."""
    own, all_together = lanes.of(lane).max_cost_usd_per_day, lanes.max_cost_usd_per_day
    if own is None and all_together is None:
        return None
    of_lane, of_all = ledger.Sum(), ledger.Sum()
    for entry in backend.entries(backend.now().wall // DAY * DAY):
        of_all = of_all.plus(entry)
        of_lane = of_lane.plus(entry) if entry.lane == lane else of_lane
    if all_together is not None and of_all.cost_usd >= all_together:
        every = sorted({lane, *backend.lanes()})
        return every, told("all lanes together", of_all, all_together, "max_cost_usd_per_day of handoff.yaml")
    if own is not None and of_lane.cost_usd >= own:
        return [lane], told(f"lane {lane}", of_lane, own, f"lanes.{lane}.max_cost_usd_per_day of handoff.yaml")
    return None


def told(what: str, spent: Sum, ceiling: float, key: str) -> str:
    """`lane review cost 5.12 USD, of 5 USD that may be spent (...; 7 attempts; not counted: 2 of unknown cost)`."""
    unknown = f"; not counted: {spent.unknown_cost} of unknown cost" if spent.unknown_cost else ""
    attempts = f"{spent.attempts} {'attempt' if spent.attempts == 1 else 'attempts'}{unknown}"
    return f"{what} cost {spent.cost_usd:.2f} USD, of {ceiling:g} USD that may be spent ({key}; {attempts})"


def _shown(sum: Sum) -> JsonObject:
    return {**sum.__dict__, "cost_usd": sum.known_cost}
