"""The queue as a Python object: open, submit, claim, respond, wait, look."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from agent_lanes.api.claimed import ClaimedTask
from agent_lanes.api.observing import Observing
from agent_lanes.api.relations import Relations
from agent_lanes.api.steering import Steering
from agent_lanes.api.submitted import NewTask, Submitted, terms_of
from agent_lanes.core.presence import API
from agent_lanes.core.task import CANCELLED, FAILED, Claim, Response, Snapshot
from agent_lanes.errors import (
    AgentLanesError,
    BadUsage,
    TaskCancelled,
    TaskFailed,
    TimedOut,
)
from agent_lanes.services import batches, presence, receipts, waiting
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from agent_lanes.wiring import MEMORY, Session, open_backend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

DEFAULT_TIMEOUT_SECONDS = 21_600.0


class Queue(Steering, Relations, Observing):
    """One queue. Safe to share among threads; cheap to open."""

    def __init__(
        self, service: QueueService, workspace_id: str, workspace_root: str, config: str | None = None
    ) -> None:
        self._service = service
        self._workspace = (workspace_id, workspace_root, config)

    @classmethod
    def open(cls, store: str | None = None, *, config: str | None = None) -> Queue:
        """Open a queue: by its store, by a config, or as the commands find it (CONTRACT.md, "Finding the store").

        `Queue.open("memory:")` is a queue of this process alone, for tests. Raises NotFound, BadData.
        """
        if store == MEMORY:
            return cls(QueueService(open_backend(MEMORY)), "memory", "/")
        session = Session(config=config, store=store)
        workspace_id, root = session.workspace
        return cls(session.queue, workspace_id, root, session.found.config_path)

    @property
    def store(self) -> str:
        """The absolute path of the state folder, or `memory:`."""
        return self._service.backend.address

    def submit(
        self,
        lane: str,
        *,
        request: str | None = None,
        request_path: str | None = None,
        response_to: str | None = None,
        prompt: str = "",
        metadata: Mapping[str, Any] | None = None,
        supporting_paths: tuple[str, ...] = (),
        worktree_path: str | None = None,
        branch: str | None = None,
        source_agent: str = "orchestrator",
        correlation_id: str | None = None,
        idempotency_key: str | None = None,
        priority: int | None = None,
        delay_seconds: float | None = None,
        expires_seconds: float | None = None,
        max_attempts: int | None = None,
        backoff_seconds: float | None = None,
        depends_on: Sequence[str] = (),
        on_failure: str | None = None,
        unique_key: str | None = None,
        if_exists: str | None = None,
        max_cost_usd: float | None = None,
    ) -> str:
        """Queue a task and return its id; durable when this returns.

        `request` is a text that the store keeps; `request_path` a file inside the workspace, relative to its root. What
        is None is left to the lane: else `priority` 5 of 0 (most urgent) to 9, 3 attempts, first pause 10 s. It is not
        offered for `delay_seconds`, and before all of `depends_on` (ids, or `key:K` by idempotency key) have completed
        (or ended, with `on_failure` "run"; else it fails when one of them does not). It has failed when not begun in
        `expires_seconds`, or after `max_attempts` failed ones (0: never); it is put on hold once its attempts have cost
        `max_cost_usd`, as far as dispatchers know. The same `idempotency_key` again: the id of
        the first time. Where an open task of the lane has the same `unique_key`: its id, or with `if_exists` "refuse"
        Refused. Raises BadUsage, BadData, NotFound, NotAllowed, StorageFailed, Busy; Unconfirmed after the commit.
        """
        wanted = {name: value for name, value in locals().items() if name != "self"}
        return self._service.submit(self._submission(**wanted))[0].id

    def submit_many(self, tasks: Iterable[NewTask]) -> list[Submitted]:
        """Queue many tasks, many times faster than one by one; what became of each, in order, durable on return.

        Each is a mapping of the parameters of `submit`. One that is wrong, or whose storing failed, has its error in
        the place of its id, and hinders no other but those that depend on it: one with a `name` may be depended on as
        `@name`, by those before it, too: `for one in queue.submit_many(tasks): one.raise_if_failed()`.
        """
        results, stream = list[Submitted](), self._service.stream()
        for batch in batches.commits(map(self._wanted, tasks)):
            results += map(Submitted.of, stream.add(batch))
        return [*results, *map(Submitted.of, stream.close())]

    def _wanted(self, task: NewTask) -> Submission | AgentLanesError:
        try:
            return self._submission(**task)
        except (TypeError, ValueError, AttributeError) as wrong:
            return BadUsage(f"submit_many: {wrong}".replace("Queue._submission()", "a task"))

    def _submission(
        self,
        lane: str,
        *,
        request: str | None = None,
        request_path: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Submission:
        workspace_id, root, config = self._workspace
        terms = terms_of(more, lambda: self._service.backend.now().wall)
        return Submission(
            lane=lane,
            workspace_id=workspace_id,
            workspace_root=root,
            base=root,
            request=request_path,
            request_bytes=None if request is None else request.encode("utf-8", "surrogatepass"),
            metadata=dict(metadata or {}),
            config_path=config,
            terms=terms,
            **more,
        )

    def wait(self, id: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> Response:
        """Block until the task is answered; return the answer.

        Raises TaskFailed or TaskCancelled, whose `args[1]` is the Response; TimedOut, after which the same call
        goes on; NotFound, Damaged.
        """
        waiting.timeout("timeout_seconds", timeout_seconds)
        found = waiting.for_answer(self._service.backend, id, timeout_seconds=timeout_seconds)
        if found is None or found.response is None:
            raise TimedOut(f"timed out waiting for response: {id}", hint="call wait again; nothing is lost")
        receipts.fetched(self._service.backend, [found], API)
        kinds: dict[str, type[AgentLanesError]] = {FAILED: TaskFailed, CANCELLED: TaskCancelled}
        kind = kinds.get(found.response.status)
        if kind is not None:
            wrong = kind(f"task {id} {found.response.status}: {found.response.body[:200]}")
            wrong.args = (wrong.message, found.response)
            raise wrong
        return found.response

    def claim(
        self,
        lane: str,
        *,
        vendor: str | None = None,
        match: Mapping[str, str] | None = None,
        owner: str = "worker",
        lease_seconds: float | None = None,
        wait_seconds: float = 0,
        request_id: str | None = None,
        max_concurrency: int | None = None,
    ) -> ClaimedTask | None:
        """Take the next task of a lane, waiting for one if asked to; None if there was none.

        Only while fewer than `max_concurrency` tasks of the lane are claimed; None: as the lane's rules say.

        The same owner asking again with the same `request_id` gets the same claim, while its lease holds.
        """
        waiting.timeout("wait_seconds", wait_seconds)
        found = waiting.for_work(
            self._service.backend,
            lane,
            lambda: self._service.claim_next(
                lane,
                vendor=vendor,
                match=dict(match or {}),
                owner=owner,
                lease_seconds=lease_seconds,
                request_id=request_id,
                max_concurrency=max_concurrency,
            ),
            timeout_seconds=wait_seconds,
            attend=lambda: presence.attending(self._service.backend, lane, vendor=vendor, owner=owner, kind=API),
        )
        return None if found is None else ClaimedTask(self._service, found)

    def claim_task(
        self,
        id: str,
        *,
        owner: str = "worker",
        lease_seconds: float | None = None,
        request_id: str | None = None,
    ) -> ClaimedTask:
        """Take one task by its id, or again what this owner took with this `request_id`.

        Raises Refused, RequestChanged, NotFound, Damaged, Busy.
        """
        taken = self._service.claim(id, owner=owner, lease_seconds=lease_seconds, request_id=request_id)
        return ClaimedTask(self._service, taken)

    @contextlib.contextmanager
    def work(
        self,
        lane: str,
        *,
        vendor: str | None = None,
        match: Mapping[str, str] | None = None,
        owner: str = "worker",
        lease_seconds: float = 900,
        wait_seconds: float = 0,
    ) -> Iterator[ClaimedTask | None]:
        """Claim a task and keep its lease alive for as long as the block runs.

        A task that the block leaves unanswered is released, also when the block raises.
        """
        task = self.claim(
            lane, vendor=vendor, match=match, owner=owner, lease_seconds=lease_seconds, wait_seconds=wait_seconds
        )
        if task is None:
            yield None
            return
        with task.kept_alive():
            try:
                yield task
            except BaseException as wrong:
                with contextlib.suppress(AgentLanesError):  # what the block raised matters more; the lease will end
                    story = f"{type(wrong).__name__}: {wrong}".encode("utf-8", "backslashreplace")
                    task.release_if_open(story.decode()[:500])
                raise
            task.release_if_open("left unanswered")

    def respond(self, id: str, body: str, *, token: str | None = None, **details: Any) -> Response:
        """Answer a task, once and for all; see QueueService.respond for the details and the errors."""
        answered, _ = self._service.respond(id, body, token=token, **details)
        assert answered.response is not None
        return answered.response

    def renew(self, id: str, token: str, *, lease_seconds: float | None = None) -> Claim:
        """Lengthen the lease. Raises LostClaim, Refused, NotFound."""
        renewed = self._service.renew(id, token, lease_seconds=lease_seconds)
        assert renewed.claim is not None
        return renewed.claim

    def release(self, id: str, token: str, *, reason: str = "") -> None:
        """Put a claimed task back. Raises LostClaim, Refused, NotFound."""
        self._service.release(id, token, reason=reason)

    def event(
        self,
        id: str,
        message: str,
        *,
        type: str = "note",
        data: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> None:
        """Add a line to a task's history; with `token`, only while that claim has the task. Raises LostClaim."""
        self._service.event(id, type=type, message=message, data=dict(data or {}), token=token)

    def read(self, id: str) -> Snapshot:
        """A task's three facts. Raises NotFound, Damaged."""
        return self._service.read(id)

    def status(self, id: str) -> dict[str, Any]:
        """A task as `agent-lanes status` shows it."""
        return dict(self._service.status(self._service.read(id)))

    def list(self, *, lane: str | None = None, active_only: bool = False) -> list[dict[str, Any]]:
        """All readable tasks as `agent-lanes list` shows them."""
        return [dict(view) for view in self._service.statuses(lane=lane, active_only=active_only)[0]]
