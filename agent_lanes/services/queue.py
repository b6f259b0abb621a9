"""The queue: submit, claim, renew, release, respond, and looking at tasks.

Every method is one transition or one look, and the same for a command, an HTTP route and a Python program.
"""

from __future__ import annotations

from agent_lanes.core import names, transitions
from agent_lanes.core.task import COMPLETED, Response, Snapshot, Task
from agent_lanes.core.times import Moment
from agent_lanes.services.claims import Claims, lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.transitions import Change
    from agent_lanes.errors import AgentLanesError
    from agent_lanes.services.batches import Outcome
    from agent_lanes.services.graphs import Stream
    from agent_lanes.services.submission import Submission


class QueueService(Claims):
    """All operations on one backend."""

    def submit(self, wanted: Submission) -> tuple[Task, bool]:
        """Queue a task. Nothing is written before everything about it has been found right.

        Returns the task, and whether it is new: with an idempotency key, the same submission made again returns
        the task of the first time; with a unique key, an open task of the lane that has it is returned. Raises
        BadUsage, BadData, NotFound, NotAllowed; Refused where the key was used for something else, or was not to be
        found in use; Busy, StorageFailed; Unconfirmed after the commit.
        """
        from agent_lanes.services.creating import Creating

        creating = Creating(wanted, self.backend, self.lanes())
        made = self.backend.create(
            creating.lane, creating.make, creating.request, creating.key, creating.unique_key, creating.flow
        )
        return creating.outcome(made)

    def submit_many(self, wanted: Sequence[Submission | AgentLanesError]) -> list[Outcome]:
        """Queue tasks together, which may name each other; what became of each, in order. See services.graphs."""
        stream = self.stream()
        return stream.add(wanted) + stream.close()

    def stream(self) -> Stream:
        """To queue very many tasks that may name each other, some at a time."""
        from agent_lanes.services.graphs import Stream

        return Stream(self.backend, self.lanes())

    def renew(self, id: str, token: str, *, lease_seconds: float | None = None) -> Snapshot:
        """Lengthen the lease of a claim. Raises LostClaim, Refused, NotFound."""
        lease(lease_seconds)
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
