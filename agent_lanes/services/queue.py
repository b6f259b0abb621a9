"""The queue: submit, claim, renew, release, respond, and looking at tasks.

Every method is one transition or one look, and the same for a command, an HTTP route and a Python program.
"""

from __future__ import annotations

from agent_lanes.core import names, transitions
from agent_lanes.core.placement import overdue
from agent_lanes.core.task import COMPLETED, Response, Snapshot, Task
from agent_lanes.core.times import Moment
from agent_lanes.errors import Busy, Damaged, NotAllowed, NotFound, Refused, RequestChanged, StorageFailed, StoreBusy
from agent_lanes.services.looks import Looks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.transitions import Change
    from agent_lanes.errors import AgentLanesError
    from agent_lanes.services.batches import Outcome
    from agent_lanes.services.graphs import Stream
    from agent_lanes.services.submission import Submission

MOST_PROBLEMS = 20


class QueueService(Looks):
    """All operations on one backend."""

    def submit(self, wanted: Submission) -> tuple[Task, bool]:
        """Queue a task. Nothing is written before everything about it has been found right.

        Returns the task, and whether it is new: with an idempotency key, the same submission made again returns
        the task of the first time; with a unique key, an open task of the lane that has it is returned. Raises
        BadUsage, BadData, NotFound, NotAllowed; Refused where the key was used for something else, or was not to be
        found in use; Busy, StorageFailed; Unconfirmed after the commit.
        """
        from agent_lanes.services.submission import Creating

        creating = Creating(wanted, self.backend, self.lanes())
        made = self.backend.create(creating.lane, creating.make, creating.request, creating.key, creating.unique_key)
        return creating.outcome(made)

    def submit_many(self, wanted: Sequence[Submission | AgentLanesError]) -> list[Outcome]:
        """Queue tasks together, which may name each other; what became of each, in order. See services.graphs."""
        stream = self.stream()
        return stream.add(wanted) + stream.close()

    def stream(self) -> Stream:
        """To queue very many tasks that may name each other, some at a time."""
        from agent_lanes.services.graphs import Stream

        return Stream(self.backend, self.lanes())

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
        _lease(lease_seconds)
        request = None if request_id is None else names.key("request_id", request_id)
        return self._take(self.backend.read(id), owner, lease_seconds, request, patient=True)

    def claim_next(
        self,
        lane: str,
        *,
        vendor: str | None = None,
        match: dict[str, str] | None = None,
        owner: str = "worker",
        lease_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Snapshot | None:
        """Find and take the next task of a lane, for a vendor; None if there is none right now.

        The same owner asking again with the same `request_id` gets the task that it got, and the same token.
        Raises StoreBusy; StorageFailed or NotAllowed only where that is all there is: such a task hinders no other.
        """
        from agent_lanes.core.match import matches, routes_for

        names.agent("owner", owner)
        _lease(lease_seconds)
        names.lane(lane)
        routes = routes_for(vendor)
        again = None if request_id is None else self._claimed_as(names.key("request_id", request_id), owner)
        if again is not None:
            return again
        problems: list[StorageFailed | NotAllowed] = []
        busy: list[str] = []  # are tried once more at the end: whoever had one may only have looked at it
        for id in self._candidates(lane, routes, busy):
            try:
                before = self.backend.read(id)
                task = before.task
                if task.lane != lane or not (routes is None or task.vendor in routes):
                    continue  # a marker is only a hint: the facts say whose this is
                if matches(task.metadata, match or {}):
                    return self._take(before, owner, lease_seconds, request_id, patient=False)
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

    def _candidates(self, lane: str, routes: tuple[str, ...] | None, busy: list[str]) -> Iterator[str]:
        yield from self.backend.candidates(lane, routes, tidy=True)
        yield from busy

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
        self, seen: Snapshot, owner: str, lease_seconds: float | None, request_id: str | None, *, patient: bool
    ) -> Snapshot:
        token, id = self.backend.new_token(), seen.id

        def decide(before: Snapshot, now: Moment) -> Change:
            return transitions.claim(
                before, owner=owner, token=token, lease_seconds=lease_seconds, now=now, request_id=request_id
            )

        if overdue(seen, self.backend.now()) is not None:
            from agent_lanes.services import control

            seen = control.end_overdue(self.backend, seen) or seen
        decide(seen, self.backend.now())  # refuses before the request is hashed
        from agent_lanes.services import requests

        problem = requests.changed(self.backend, seen.task)
        if problem is not None:
            why = problem.message
            self.backend.update(id, lambda latest, now: transitions.park(latest, reason=why, now=now), patient=patient)
            raise problem
        return self.backend.update(id, decide, patient=patient, seen=seen)[0]

    def renew(self, id: str, token: str, *, lease_seconds: float | None = None) -> Snapshot:
        """Lengthen the lease of a claim. Raises LostClaim, Refused, NotFound."""
        _lease(lease_seconds)
        return self.backend.update(
            id, lambda before, now: transitions.renew(before, token=token, lease_seconds=lease_seconds, now=now)
        )[0]

    def release(self, id: str, token: str, *, reason: str = "", not_before: int | None = None) -> tuple[Snapshot, bool]:
        """Put a claimed task back into the queue, to be offered from an instant on; this counts as no attempt.

        Returns the task, and whether this token had done so before. Raises LostClaim, Cancelled, Refused, NotFound.
        """
        from agent_lanes.services import bodies

        bodies.given("reason", reason, 1 << 16)
        after, change = self.backend.update(
            id,
            lambda before, now: transitions.release(before, token=token, reason=reason, now=now, not_before=not_before),
        )
        return after, change.repeated

    def event(
        self,
        id: str,
        *,
        type: str = "note",
        message: str = "",
        data: JsonObject | None = None,
        token: str | None = None,
    ) -> None:
        """Add a line to a task's history; with `token`, only by who has that claim. Raises LostClaim, NotFound."""
        from agent_lanes.services import bodies

        checked = bodies.line(type, message, data)

        def decide(before: Snapshot, now: Moment) -> Change:
            return transitions.note(before, type=type, message=message, data=checked, now=now, token=token)

        self.backend.update(id, decide)

    def respond(
        self,
        id: str,
        body: str,
        *,
        token: str | None = None,
        reviewer: str = "worker",
        status: str = COMPLETED,
        verdict: str | None = None,
        blocking_count: int | None = None,
        nonblocking_count: int | None = None,
        follow_up_required: bool = False,
        expect_sha256: str | None = None,
        metadata: JsonObject | None = None,
    ) -> tuple[Snapshot, bool]:
        """Answer a task, once and for all. Returns the task, and whether this very answer had been given before.

        `completed` is refused when the request is not what was submitted, or not what `expect_sha256` says was
        read; `failed` records it. Raises AlreadyAnswered, LostClaim, Refused, RequestChanged, BadUsage, BadData;
        Unconfirmed after the commit.
        """
        from agent_lanes.core.digest import sha256
        from agent_lanes.services import bodies, requests

        checked = names.metadata("metadata", metadata or {})
        bodies.answer(reviewer, status, verdict, blocking_count, nonblocking_count)
        bodies.sha256("expect_sha256", expect_sha256)
        bodies.given("body", body)
        seen = self.backend.read(id)
        if status == COMPLETED and seen.task.response_schema is not None and seen.response is None:
            from agent_lanes.services import schemas

            schemas.check(seen.task.response_schema, body)
        reviewed, problem = requests.reviewed(self.backend, seen.task, expect_sha256)
        response = Response(
            task_id=id,
            reviewer=reviewer,
            status=status,
            body=body,
            created_at=0,
            reviewed_request_sha256=reviewed,
            request_changed_before_response=problem is not None,
            follow_up_required=follow_up_required,
            verdict=verdict,
            blocking_count=blocking_count,
            nonblocking_count=nonblocking_count,
            metadata=checked,
        )
        hashed = None if token is None else sha256(token.encode("utf-8", "surrogatepass"))

        def decide(before: Snapshot, now: Moment) -> Change:
            change = transitions.respond(before, response=response, token=token, token_sha256=hashed, now=now)
            if problem is not None and status == COMPLETED and not change.repeated:
                raise problem
            return change

        after, change = self.backend.update(id, decide, seen=seen)
        return after, change.repeated


def _lease(seconds: float | None) -> None:
    if seconds is not None:
        from agent_lanes.core.terms import lease_seconds

        lease_seconds(seconds)
