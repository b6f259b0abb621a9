"""What steers a task from outside: cancel, hold, resume, retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_lanes.core.task import Snapshot
from agent_lanes.core.terms import instant_in
from agent_lanes.services import control

if TYPE_CHECKING:
    from agent_lanes.services.queue import QueueService


class Steering:
    """A part of `Queue`."""

    _service: QueueService

    def cancel(self, id: str, *, by: str = "orchestrator", reason: str = "") -> Snapshot:
        """Nobody is to work on it any more; its holder learns so from the next renew, respond or release.

        Raises AlreadyAnswered, NotFound; Unconfirmed after the commit. Repeating it is safe.
        """
        return control.cancel(self._service.backend, id, by=by, reason=reason)[0]

    def hold(
        self, id: str, *, for_seconds: float | None = None, by: str = "orchestrator", reason: str = ""
    ) -> Snapshot:
        """Do not offer a queued task, for so long or until it is resumed. Raises Refused, NotFound."""
        backend = self._service.backend
        until = None
        if for_seconds is not None:
            until = instant_in("for_seconds", control.pause("for_seconds", for_seconds), backend.now().wall)
        return control.hold(backend, id, by=by, reason=reason, until=until)[0]

    def resume(self, id: str, *, by: str = "orchestrator") -> Snapshot:
        """Offer a task again that was on hold. Raises Refused, NotFound."""
        return control.resume(self._service.backend, id, by=by)

    def retry(self, id: str) -> str:
        """Do a finished task once more, as a new one; its id. Raises Refused, NotFound."""
        return control.again(self._service.backend, id).id
