"""Looking at tasks: nothing here changes anything."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.rules import Lanes, Rules
from agent_lanes.core.task import ACTIVE, QUEUED, newest
from agent_lanes.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_lanes.core.holds import Hold
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event, Snapshot, Task
    from agent_lanes.ports import Backend


class Looks:
    """All looks at one backend; `lanes` gives the rules of its lanes, as a config states them, when they are needed."""

    def __init__(self, backend: Backend, lanes: Callable[[], Lanes] = Lanes) -> None:
        self.backend, self.lanes = backend, lanes

    def whole_id(self, part: str) -> str:
        """The task id that a part of one means; see services.naming. Raises BadUsage where several have it."""
        from agent_lanes.services.naming import whole_id

        return whole_id(self.backend, part)

    def read(self, id: str) -> Snapshot:
        """One task. Raises NotFound, Damaged."""
        return self.backend.read(id)

    def record(self, snapshot: Snapshot) -> JsonObject:
        """A task under v0.1's field names."""
        from agent_lanes.core import views

        return views.record(snapshot, self.backend.request_location(snapshot.task))

    def status(self, snapshot: Snapshot) -> JsonObject:
        """A task with everything that follows from it and from the clock."""
        from agent_lanes.core import views

        location = self.backend.request_location(snapshot.task)
        hold = self.hold_on(snapshot.task.lane, snapshot.task.vendor) if snapshot.state == QUEUED else None
        last, again = self.backend.last_event(snapshot.id), self._again(snapshot)
        return views.status(snapshot, location, last, self.backend.now(), hold, *again)

    def _again(self, snapshot: Snapshot) -> tuple[str | None, str | None]:
        """The newest task that does it again; where there is none, the one to be done again before it, if any."""
        if snapshot.response is None:
            return None, None
        from agent_lanes.services.retries import in_the_way, latest

        retry = latest(self.backend, snapshot.id)
        return retry, in_the_way(self.backend, snapshot) if retry is None else None

    def hold_on(self, lane: str, vendor: str | None) -> Hold | None:
        """The hold that stops a task of a lane for a vendor, or who claims in its name."""
        holds = self.backend.holds()
        if not holds:
            return None
        from agent_lanes.core.holds import standing

        return standing(holds, lane, vendor, self.backend.now())

    def holds(self) -> list[Hold]:
        """What is on hold beside single tasks."""
        now = self.backend.now()
        return [hold for hold in self.backend.holds() if hold.stands(now)]

    def held_vendors(self, lane: str) -> tuple[str, ...]:
        """The vendors whose tasks on a lane are on hold."""
        holds = self.backend.holds()
        if not holds:
            return ()
        from agent_lanes.core.holds import held_vendors

        return held_vendors(holds, lane, self.backend.now())

    def idle(
        self,
        lane: str,
        *,
        vendor: str | None = None,
        match: dict[str, str] | None = None,
        max_concurrency: int | None = None,
    ) -> tuple[str, str, str]:
        """Why a lane has nothing for a vendor: (reason, message, next_action)."""
        from agent_lanes.core.advice import for_idle

        hold = self.hold_on(lane, vendor)
        held = self.held_vendors(lane)
        if hold is None and held and next(self.backend.candidates(lane, held), None) is not None:
            hold = self.hold_on(lane, held[0])
        first = next(self.ready(lane, vendor=vendor, match=match), None) if hold is None else None
        full = first is not None and self.limits(first.task).at_most(max_concurrency).limited
        others = hold is None and first is None and next(self.ready(lane), None) is not None
        return for_idle(lane, self.backend.ever_submitted(lane), hold, full=full, others=others)

    def each(
        self,
        *,
        lane: str | None = None,
        active_only: bool = False,
        limit: int | None = None,
        state: str | None = None,
        match: dict[str, str] | None = None,
    ) -> Iterator[JsonObject | Damaged]:
        """All tasks, by id, as `status` shows them, as they are read; those that cannot be read as the error.

        With `state` or `match` only those in that state, with that metadata; with a `limit`, the newest so many of
        them, and what cannot be read among these. Raises BadUsage, StorageFailed.
        """
        if lane is not None:
            names.lane(lane)
        active_only = active_only or state in ACTIVE
        found = self.backend.scan(active_only=active_only, lane=lane, newest_first=limit is not None)
        if state is not None or match:
            found = (one for one in found if isinstance(one, Damaged) or _fits(one, state, match or {}))
        if limit is not None:
            found = iter([*_first(limit, found)][::-1])
        for one in found:
            yield one if isinstance(one, Damaged) else self.status(one)

    def archived(self, *, lane: str | None = None) -> Iterator[JsonObject | Damaged]:
        """The archived tasks in the same way, by month; and packs that cannot be read."""
        from agent_lanes.core import views

        if lane is not None:
            names.lane(lane)
        for found in self.backend.archived(lane=lane):
            if isinstance(found, Damaged):
                yield found
            else:
                last, snapshot = newest(found.events), found.snapshot
                path, again = snapshot.task.request_path, self._again(snapshot)
                yield views.status(snapshot, path, last, self.backend.now(), None, *again)

    def statuses(self, *, lane: str | None = None, active_only: bool = False) -> tuple[list[JsonObject], list[Damaged]]:
        """All tasks, by id, as `status` shows them; and those that cannot be read."""
        good: list[JsonObject] = []
        bad: list[Damaged] = []
        for found in self.each(lane=lane, active_only=active_only):
            if isinstance(found, Damaged):
                bad.append(found)
            else:
                good.append(found)
        return good, bad

    def told(self, snapshot: Snapshot, events: Iterable[Event] | None = None) -> JsonObject:
        """What the history of a task tells: its attempts, oldest first, and its receipts. Raises NotFound."""
        from agent_lanes.core.attempts import history
        from agent_lanes.core.receipts import receipts

        lines = [*(self.backend.events(snapshot.id) if events is None else events)]
        return {"attempts_history": [*history(lines, snapshot.response)], "receipts": receipts(snapshot, lines)}

    def events(self, id: str) -> Iterator[Event]:
        """The history of a task, oldest first. Raises NotFound."""
        return self.backend.events(names.task_id(id))

    def depth(self, lane: str) -> int:
        """How many tasks of a lane are offered."""
        return self.backend.depth(lane)

    def peek_next(
        self,
        lane: str,
        *,
        vendor: str | None = None,
        match: dict[str, str] | None = None,
        max_concurrency: int | None = None,
    ) -> Snapshot | None:
        """The task that claim_next would take, without taking it; changes nothing. Raises Refused as `rules`."""
        self.rules(names.lane(lane))
        found = self.ready(lane, vendor=vendor, match=match)
        first = next(found, None)
        if first is None:
            return None
        rules = self.limits(first.task).at_most(max_concurrency)
        if not rules.limited:
            return first
        from itertools import chain

        from agent_lanes.services.room import Room

        room = Room(self.backend, lane, rules)
        return next((one for one in chain([first], found) if room.refusal(one.task) is None), None)

    def rules(self, lane: str) -> Rules:
        """The rules of a lane that somebody wants work from. Raises Refused where strict_lanes keeps it out."""
        lanes = self.lanes()
        if lanes.strict and lane not in lanes.rules:
            from agent_lanes.services.lanes import served

            return served(lane, lanes, self.backend)
        return lanes.of(lane)

    def limits(self, task: Task) -> Rules:
        """The rules by which claims of a task are counted: of its lane, or where none are known, those it came with."""
        lanes = self.lanes()
        if task.lane in lanes.rules or not task.limited:
            return lanes.of(task.lane)
        return Rules(concurrency=task.concurrency, concurrency_by=task.concurrency_by)

    def ready(self, lane: str, *, vendor: str | None = None, match: dict[str, str] | None = None) -> Iterator[Snapshot]:
        """The tasks of a lane that may be claimed, in the order in which they are offered; changes nothing.

        A limit on concurrency is not looked at.
        """
        from agent_lanes.core.match import matches, routes_for
        from agent_lanes.core.placement import offered

        routes = routes_for(vendor)
        if self.hold_on(names.lane(lane), vendor) is not None:
            return
        held = self.held_vendors(lane)
        for id in self.backend.candidates(lane, routes, without=held):
            try:
                snapshot = self.backend.read(id)
            except (NotFound, Damaged):
                continue
            task = snapshot.task
            fits = task.vendor in routes if routes is not None else task.vendor not in held
            fits = fits and matches(task.metadata, match or {})
            if fits and offered(snapshot, self.backend.now()):
                yield snapshot


def _fits(snapshot: Snapshot, state: str | None, match: dict[str, str]) -> bool:
    from agent_lanes.core.match import matches

    return state in (None, snapshot.state) and matches(snapshot.task.metadata, match)


def _first(limit: int, found: Iterator[Snapshot | Damaged]) -> Iterator[Snapshot | Damaged]:
    """The first so many tasks; what cannot be read takes nobody's place."""
    while limit > 0 and (one := next(found, None)) is not None:
        yield one
        limit -= not isinstance(one, Damaged)
