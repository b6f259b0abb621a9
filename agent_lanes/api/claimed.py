"""A task that this process holds."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from agent_lanes.core.task import FAILED, Response, Snapshot
from agent_lanes.errors import AgentLanesError, LostClaim, NotFound, Refused
from agent_lanes.services import briefing, control, requests
from agent_lanes.services.queue import QueueService

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class ClaimedTask:
    """A task that this process holds: what was asked, and the token that proves it."""

    def __init__(self, service: QueueService, snapshot: Snapshot) -> None:
        assert snapshot.claim is not None
        self._service = service
        self.snapshot = snapshot
        self.task = snapshot.task
        self.token = snapshot.claim.token
        self.lease_seconds = snapshot.claim.lease.seconds
        self._lost = threading.Event()

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def lost(self) -> bool:
        """Whether the claim was found lost, by the thread that keeps it alive or by a call: stop work then."""
        return self._lost.is_set()

    @property
    def input(self) -> str:
        """Prompt, request and supporting files as one text: what an agent is given."""
        return briefing.agent_input(self._service, self.snapshot)

    @property
    def request(self) -> str:
        """The request alone, as text; empty where there is only a prompt. Raises StorageFailed."""
        return requests.text(self._service.backend, self.task) or ""

    def respond(self, body: str, **details: Any) -> Response:
        """Answer it; see QueueService.respond."""
        with self._noticing():
            answered, _ = self._service.respond(self.id, body, token=self.token, **details)
        assert answered.response is not None
        return answered.response

    def fail(self, reason: str, **details: Any) -> Response:
        """Answer it as failed."""
        return self.respond(reason, status=FAILED, **details)

    def fail_attempt(self, reason: str, *, retry_in_seconds: float | None = None) -> Snapshot:
        """Say that this attempt failed: the task goes back, unless it was the last of its `max_attempts`."""
        after, _ = control.fail_attempt(
            self._service.backend, self.id, self.token, reason, retry_in_seconds=retry_in_seconds
        )
        return after

    def renew(self, lease_seconds: float | None = None) -> None:
        """Lengthen the lease. Raises LostClaim, Refused."""
        with self._noticing():
            self._service.renew(self.id, self.token, lease_seconds=lease_seconds or self.lease_seconds)

    def release(self, reason: str = "") -> None:
        """Put it back. Raises LostClaim, Refused."""
        self._service.release(self.id, self.token, reason=reason)

    def release_if_open(self, reason: str) -> None:
        """Put it back unless it was answered or lost meanwhile."""
        with contextlib.suppress(Refused):
            if not self._service.backend.finished(self.id):
                self.release(reason)

    def event(self, message: str, *, type: str = "note", data: Mapping[str, Any] | None = None) -> None:
        """Add a line to its history: progress for whoever waits. Raises LostClaim once somebody else has it."""
        with self._noticing():
            self._service.event(self.id, type=type, message=message, data=dict(data or {}), token=self.token)

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except LostClaim:
            self._lost.set()
            raise

    @contextlib.contextmanager
    def kept_alive(self) -> Iterator[ClaimedTask]:
        """Renew the lease from a thread, three times a lease, for as long as the block runs.

        When the claim is lost `lost` becomes true; whatever else fails is tried again at the next turn.
        """
        done = threading.Event()

        def keep() -> None:
            while not done.wait(self.lease_seconds / 3):
                try:
                    self.renew()
                except (Refused, NotFound):
                    self._lost.set()
                    return
                except AgentLanesError:
                    continue

        keeper = threading.Thread(target=keep, name=f"agent-lanes lease {self.id}", daemon=True)
        keeper.start()
        try:
            yield self
        finally:
            done.set()
            keeper.join()
