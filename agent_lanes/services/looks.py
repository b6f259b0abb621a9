"""Looking at tasks: nothing here changes anything."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.rules import Lanes
from agent_lanes.core.task import ACTIVE
from agent_lanes.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event, Snapshot
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
        return views.status(snapshot, location, self.backend.last_event(snapshot.id), self.backend.now())

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
        them. Raises BadUsage, StorageFailed.
        """
        if lane is not None:
            names.lane(lane)
        active_only = active_only or state in ACTIVE
        found = self.backend.scan(active_only=active_only, lane=lane, newest_first=limit is not None)
        if state is not None or match:
            found = (one for one in found if isinstance(one, Damaged) or _fits(one, state, match or {}))
        if limit is not None:
            found = iter([one for _, one in zip(range(limit), found, strict=False)][::-1])
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
                last, snapshot = found.events[-1] if found.events else None, found.snapshot
                yield views.status(snapshot, snapshot.task.request_path, last, self.backend.now())

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

    def attempts(self, snapshot: Snapshot) -> list[JsonObject]:
        """The attempts of a task, oldest first, as its history tells them. Raises NotFound."""
        from agent_lanes.core.attempts import history

        return history(self.backend.events(snapshot.id), snapshot.response)

    def events(self, id: str) -> Iterator[Event]:
        """The history of a task, oldest first. Raises NotFound."""
        return self.backend.events(names.task_id(id))

    def depth(self, lane: str) -> int:
        """How many tasks of a lane are offered."""
        return self.backend.depth(lane)

    def peek_next(
        self, lane: str, *, vendor: str | None = None, match: dict[str, str] | None = None
    ) -> Snapshot | None:
        """The task that claim_next would take, without taking it; changes nothing."""
        return next(self.ready(lane, vendor=vendor, match=match), None)

    def ready(self, lane: str, *, vendor: str | None = None, match: dict[str, str] | None = None) -> Iterator[Snapshot]:
        """The tasks of a lane that may be claimed, in the order in which they are offered; changes nothing."""
        from agent_lanes.core.match import matches, routes_for
        from agent_lanes.core.placement import offered

        names.lane(lane)
        routes = routes_for(vendor)
        for id in self.backend.candidates(lane, routes):
            try:
                snapshot = self.backend.read(id)
            except (NotFound, Damaged):
                continue
            task = snapshot.task
            fits = (routes is None or task.vendor in routes) and matches(task.metadata, match or {})
            if fits and offered(snapshot, self.backend.now()):
                yield snapshot


def _fits(snapshot: Snapshot, state: str | None, match: dict[str, str]) -> bool:
    from agent_lanes.core.match import matches

    return state in (None, snapshot.state) and matches(snapshot.task.metadata, match)
