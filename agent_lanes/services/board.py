"""What a live view of the queue shows: kept up to date from the log, without reading what did not change.

    board = Board(backend)
    with backend.watch_changes() as watch:
        picture = board.look()          what stands now
        watch.wait(...)                 and look again

The first look reads the open tasks and the newest of the others; later ones read the log's new lines, and the tasks
that these name. Finished tasks that nobody changes are never read again, however many there are.
"""

from __future__ import annotations

from itertools import islice

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import ACTIVE, QUEUED
from agent_lanes.errors import Damaged, NotFound
from agent_lanes.services import costs, stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.holds import Hold
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.ledger import Sum
    from agent_lanes.core.presence import Sign
    from agent_lanes.core.task import Event, Snapshot
    from agent_lanes.core.times import Moment
    from agent_lanes.ports import Backend

MOST_OPEN, MOST_FINISHED = 1000, 200
MOST_LINES = 5000  # of the log at once; with more, all is read anew


class Entry(Frozen):
    """A task, and the newest line of its history."""

    snapshot: Snapshot
    last: Event | None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.snapshot.id

    def view(self, now: Moment, holds: tuple[Hold, ...] = ()) -> JsonObject:
        """As `status` shows it, at an instant."""
        from agent_lanes.core.holds import standing
        from agent_lanes.core.views import status

        task = self.snapshot.task
        hold = standing(holds, task.lane, task.vendor, now) if holds and self.snapshot.state == QUEUED else None
        return status(self.snapshot, task.request_path, self.last, now, hold)


class Picture(Frozen):
    """The queue as one look found it. `entries`: what is claimed, then what is queued, then the newest that ended.

    `lanes` are those of services.stats; `lane_costs` and `vendor_costs` what was taken today (UTC), where anything was;
    `more` tells that there are open tasks beyond `entries`.
    """

    entries: tuple[Entry, ...] = ()
    lanes: tuple[JsonObject, ...] = ()
    signs: tuple[Sign, ...] = ()
    holds: tuple[Hold, ...] = ()
    lane_costs: dict[str, Sum] = {}
    vendor_costs: dict[str, Sum] = {}
    damaged: tuple[str, ...] = ()
    more: bool = False


class Board:
    """The tasks that a view shows. Used by one thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._cursor: str | None = None
        self._entries: dict[str, Entry] = {}
        self._damaged: dict[str, str] = {}
        self._more = False

    def look(self, *, anew: bool = False) -> Picture:
        """What stands now. With `anew` all open tasks are read again: the log may lack a line. Raises StorageFailed."""
        changed = None if self._cursor is None else self._changed()
        if changed is None or anew:
            self._read_all()
        else:
            waiting = [one.id for one in self._entries.values() if changed.intersection(one.snapshot.open_dependencies)]
            for id in changed.union(waiting):
                self._read(id)
        self._forget()
        backend = self._backend
        lane_costs, vendor_costs = costs.today(backend)
        return Picture(
            entries=tuple(sorted(self._entries.values(), key=_place)),
            lanes=tuple(stats.of_all(backend)),
            signs=tuple(sorted(backend.signs(), key=lambda sign: (sign.lane, sign.vendor, sign.since))),
            holds=tuple(hold for hold in backend.holds() if hold.stands(backend.now())),
            lane_costs=lane_costs,
            vendor_costs=vendor_costs,
            damaged=tuple(self._damaged.values()),
            more=self._more,
        )

    def _changed(self) -> set[str] | None:
        """The tasks that the log's new lines are about; None where they are too many, or kept no more."""
        found = set[str]()
        try:
            for number, one in enumerate(self._backend.log(self._cursor)):
                if number == MOST_LINES:
                    return None
                self._cursor = one.cursor
                found.add(one.task_id)
        except NotFound:
            return None
        return found

    def _read_all(self) -> None:
        """The open tasks; the first time, the newest of the others, too."""
        first = self._cursor is None
        self._cursor = self._backend.log_end()  # before the look: what happens during it is looked at twice
        self._damaged, before = {}, self._entries
        self._entries = {one.id: one for one in before.values() if one.snapshot.state not in ACTIVE}
        claimed = {id for lane in self._backend.lanes() for id in self._backend.claimed(lane)}
        for id in islice(claimed, MOST_OPEN):
            self._read(id)
        found = list(islice(self._backend.scan(active_only=True), MOST_OPEN + 1))
        for one in found:
            self._keep(one)
        self._more = len(found) > MOST_OPEN
        for id in before.keys() - self._entries.keys():  # ended without a line in the log, or among the many
            self._read(id)
        for id in self._backend.ids()[-MOST_FINISHED:] if first else ():
            if id not in self._entries:
                self._read(id)

    def _read(self, id: str) -> None:
        try:
            self._keep(self._backend.read(id), id)
        except Damaged as wrong:
            self._keep(wrong, id)
        except NotFound:  # archived, or set aside
            self._entries.pop(id, None)
            self._damaged.pop(id, None)

    def _keep(self, found: Snapshot | Damaged, id: str = "") -> None:
        if isinstance(found, Damaged):
            self._damaged[id or found.message] = found.message
            self._entries.pop(id, None)
        else:
            self._damaged.pop(found.id, None)
            self._entries[found.id] = Entry(snapshot=found, last=self._backend.last_event(found.id))

    def _forget(self) -> None:
        """Keep the newest of what has ended, and of the open ones so many as a person can look through."""
        ended = sorted((one for one in self._entries.values() if one.snapshot.state not in ACTIVE), key=_place)
        opened = sorted((one for one in self._entries.values() if one.snapshot.state in ACTIVE), key=_place)
        self._more = self._more or len(opened) > MOST_OPEN
        for one in ended[MOST_FINISHED:] + opened[MOST_OPEN:]:
            del self._entries[one.id]


def _place(entry: Entry) -> tuple[int, int, int, str]:
    """Claimed ones first, the newest claim on top; then the queue, as it is offered; then what ended, newest first."""
    snapshot = entry.snapshot
    if snapshot.response is not None:
        return 2, -snapshot.response.created_at, 0, snapshot.id
    if snapshot.claim is not None and snapshot.claim.held:
        return 0, -snapshot.claim.claimed_at, 0, snapshot.id
    return 1, snapshot.task.priority, snapshot.task.created_at, snapshot.id
