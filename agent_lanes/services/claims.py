"""Taking tasks: one by its id, or the next one of a lane, within the limits of the lane."""

from __future__ import annotations

from agent_lanes.core import names, transitions
from agent_lanes.core.placement import overdue
from agent_lanes.errors import Busy, Damaged, NotAllowed, NotFound, Refused, RequestChanged, StorageFailed, StoreBusy
from agent_lanes.services.looks import Looks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.rules import Rules
    from agent_lanes.core.task import Snapshot, Task
    from agent_lanes.core.times import Moment
    from agent_lanes.core.transitions import Change
    from agent_lanes.services.room import Room

MOST_PROBLEMS = 20


class Claims(Looks):
    """The claims of one backend."""

    def claim(
        self,
        id: str,
        *,
        owner: str = "worker",
        lease_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Snapshot:
        """Take one task by its id; with the same `request_id`, again and to the same token.

        Without `lease_seconds` the lease is what the task says; it is never longer than the task allows.
        Raises Refused (state, lost race), RequestChanged, NotFound, Damaged, Busy.
        """
        names.agent("owner", owner)
        lease(lease_seconds)
        request = None if request_id is None else names.key("request_id", request_id)
        seen = self.backend.read(id)
        if transitions.claimed_by_request(seen, owner, request, self.backend.now()):
            return seen
        self._not_held(seen.task)
        rules = self.limits(seen.task)
        if not rules.limited:
            return self._take(seen, owner, lease_seconds, request, patient=True)
        from agent_lanes.services.room import Room

        with self.backend.alone(seen.task.lane):
            refusal = Room(self.backend, seen.task.lane, rules).refusal(seen.task)
            if refusal is not None:
                hint = "wait until one of them is answered; a claim by lane can wait for room"
                raise Refused(f"cannot claim {id}; {refusal}", hint=hint)
            return self._take(seen, owner, lease_seconds, request, patient=True, limited=True)

    def claim_next(
        self,
        lane: str,
        *,
        vendor: str | None = None,
        match: dict[str, str] | None = None,
        owner: str = "worker",
        lease_seconds: float | None = None,
        request_id: str | None = None,
        max_concurrency: int | None = None,
    ) -> Snapshot | None:
        """Find and take the next task of a lane, for a vendor; None if there is none right now.

        `max_concurrency` takes the place of the lane's own limit.
        The same owner asking again with the same `request_id` gets the task that it got, and the same token.
        Raises Refused as `rules`; StoreBusy; StorageFailed or NotAllowed only where that is all there is: such a task
        hinders no other.
        """
        from agent_lanes.core.match import routes_for

        names.agent("owner", owner)
        lease(lease_seconds)
        names.lane(lane)
        routes_for(vendor)
        again = None if request_id is None else self._claimed_as(names.key("request_id", request_id), owner)
        if again is not None:
            return again
        rules = self.rules(lane).at_most(limit(max_concurrency))
        if self.hold_on(lane, vendor) is not None:
            return None

        def next_one(room: Room | None) -> Snapshot | None:
            return self._next(lane, vendor, match or {}, owner, lease_seconds, request_id, room)

        if not rules.limited:
            try:
                return next_one(None)
            except _Limited as by_others:
                rules = by_others.rules
        from agent_lanes.services.room import Room

        with self.backend.alone(lane):
            return next_one(Room(self.backend, lane, rules))

    def _next(
        self,
        lane: str,
        vendor: str | None,
        match: dict[str, str],
        owner: str,
        lease_seconds: float | None,
        request_id: str | None,
        room: Room | None,
    ) -> Snapshot | None:
        from agent_lanes.core.match import matches, routes_for

        routes, held = routes_for(vendor), self.held_vendors(lane)
        limited = room is not None
        problems: list[StorageFailed | NotAllowed] = []
        busy: list[str] = []  # are tried once more at the end: whoever had one may only have looked at it
        for id in self._candidates(lane, routes, held, busy):
            try:
                before = self.backend.read(id)
                task = before.task
                mine = task.vendor in routes if routes is not None else task.vendor not in held
                if task.lane != lane or not mine:
                    continue  # a marker is only a hint: the facts say whose this is
                if matches(task.metadata, match) and (room is None or room.refusal(task) is None):
                    if room is None and self.limits(task).limited:
                        raise _Limited(self.limits(task))
                    return self._take(before, owner, lease_seconds, request_id, patient=False, limited=limited)
            except StoreBusy:
                raise  # else a store that is being repaired would look as if there were no work
            except Busy:
                if id not in busy:
                    busy.append(id)  # in other hands right now
            except (NotFound, Damaged, RequestChanged):
                continue  # in flight, for doctor, parked just now
            except Refused:
                self.backend.settle(id)  # a stale hint: somebody else has it, or it is answered
            except (StorageFailed, NotAllowed) as wrong:
                problems.append(wrong)  # its own request or folder may be all that is wrong: others go on
                if len(problems) == MOST_PROBLEMS:
                    break  # no: it is the disk
        if problems:
            raise problems[0]
        return None

    def _candidates(
        self, lane: str, routes: tuple[str, ...] | None, held: tuple[str, ...], busy: list[str]
    ) -> Iterator[str]:
        yield from self.backend.candidates(lane, routes, without=held, tidy=True)
        yield from busy

    def _not_held(self, task: Task) -> None:
        holds = self.backend.holds()
        if holds:
            from agent_lanes.core.holds import refuse_held

            refuse_held(holds, task.id, task.lane, task.vendor, self.backend.now())

    def _claimed_as(self, request_id: str, owner: str) -> Snapshot | None:
        """The task that this owner holds by a claim with this request id."""
        id = self.backend.claimed_as(owner, request_id)
        try:
            snapshot = None if id is None else self.backend.read(id)
        except (NotFound, Damaged):
            return None
        held = snapshot and transitions.claimed_by_request(snapshot, owner, request_id, self.backend.now())
        return snapshot if held else None

    def _take(
        self,
        seen: Snapshot,
        owner: str,
        lease_seconds: float | None,
        request_id: str | None,
        *,
        patient: bool,
        limited: bool = False,
    ) -> Snapshot:
        token, id = self.backend.new_token(), seen.id

        def decide(before: Snapshot, now: Moment) -> Change:
            return transitions.claim(
                before,
                owner=owner,
                token=token,
                lease_seconds=lease_seconds,
                now=now,
                request_id=request_id,
                limited=limited,
            )

        if overdue(seen, self.backend.now()) is not None:
            from agent_lanes.services import control

            seen = control.end_overdue(self.backend, seen) or seen
        if seen.task.request_sha256 is not None:
            decide(seen, self.backend.now())  # refuses before the request is hashed
        from agent_lanes.services import requests

        problem = requests.changed(self.backend, seen.task)
        if problem is not None:
            why = problem.message
            self.backend.update(id, lambda latest, now: transitions.park(latest, reason=why, now=now), patient=patient)
            raise problem
        return self.backend.update(id, decide, patient=patient, seen=seen)[0]


class _Limited(Exception):
    """Claims of this lane are counted, under its lock, though this caller's config does not say so."""

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self.rules = rules


def limit(most: int | None) -> int | None:
    """Refuse a limit that makes no sense; None is left to the lane. Raises BadUsage."""
    if most is None:
        return None
    from agent_lanes.core.terms import MOST_AT_ONCE, whole

    return whole("max_concurrency", most, MOST_AT_ONCE, 1)


def lease(seconds: float | None) -> None:
    """Refuse a lease that makes no sense; None is left to the lane. Raises BadUsage."""
    if seconds is not None:
        from agent_lanes.core.terms import lease_seconds

        lease_seconds(seconds)
