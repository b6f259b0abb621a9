"""What steers tasks from outside: cancel, hold, resume, retry; and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent_lanes.core.holds import Hold
from agent_lanes.core.task import Snapshot
from agent_lanes.core.terms import instant_in
from agent_lanes.services import control, costs, dead, holds, retries

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
        self, id: str, *, for_seconds: float | None = None, by: str = "orchestrator", reason: str | None = None
    ) -> Snapshot:
        """Do not offer a queued task, for so long or until it is resumed; a hold that stands keeps what is None.

        Raises Refused, NotFound.
        """
        backend = self._service.backend
        until = None
        if for_seconds is not None:
            until = instant_in("for_seconds", control.pause("for_seconds", for_seconds), backend.now().wall)
        return control.hold(backend, id, by=by, reason=reason, until=until)[0]

    def resume(self, id: str, *, by: str = "orchestrator") -> Snapshot:
        """Offer a task again that was on hold. Raises Refused, NotFound."""
        return control.resume(self._service.backend, id, by=by)

    def hold_lane(
        self,
        lane: str | None = None,
        *,
        vendor: str | None = None,
        for_seconds: float | None = None,
        by: str = "orchestrator",
        reason: str | None = None,
    ) -> Hold:
        """Offer nothing of a lane, of a vendor, or of a vendor on a lane, for so long or until it is resumed.

        A hold that stands keeps what is None. What is claimed goes on. Raises BadUsage, Busy, StorageFailed.
        """
        backend = self._service.backend
        until = None
        if for_seconds is not None:
            until = instant_in("for_seconds", control.pause("for_seconds", for_seconds), backend.now().wall)
        return holds.hold(backend, lane, vendor, until=until, by=by, reason=reason)[0]

    def resume_lane(self, lane: str | None = None, *, vendor: str | None = None) -> None:
        """Offer it again. Raises Refused where it is not on hold."""
        holds.resume(self._service.backend, lane, vendor)

    def holds(self) -> list[Hold]:
        """The lanes and vendors that are on hold."""
        return self._service.holds()

    def costs(self, *, by: str = "vendor", since: int | None = None, lane: str | None = None) -> dict[str, Any]:
        """What agents took, as `costs --json`; `since` in microseconds UTC. Raises BadUsage, StorageFailed."""
        return dict(costs.report(self._service.backend, by=by, since=since, lane=lane))

    def dead(self, lane: str | None = None, *, limit: int | None = None) -> list[Snapshot]:
        """The dead letters: tasks whose attempts or time were over, and that nobody has seen to; the newest `limit`."""
        return list(dead.letters(self._service.backend, lane, limit))

    def retry_dead(self, id: str | None = None, *, lane: str | None = None) -> list[str]:
        """Do a dead letter once more, or all of a lane, as new tasks; their ids. Raises Refused, BadUsage."""
        backend = self._service.backend
        return [dead.retry(backend, letter).id for letter in dead.chosen(backend, id, lane, False)]

    def discard_dead(
        self, id: str | None = None, *, lane: str | None = None, by: str = "orchestrator", reason: str = ""
    ) -> list[str]:
        """Let a dead letter be, or all of a lane: they are no longer listed. Raises Refused, BadUsage."""
        backend = self._service.backend
        letters = dead.chosen(backend, id, lane, False)
        for letter in letters:
            dead.discard(backend, letter.id, by=by, reason=reason)
        return [letter.id for letter in letters]

    def retry(self, id: str) -> str:
        """Do a finished task once more, as a new one; its id. While that is open, the same id again.

        Raises Refused, NotFound.
        """
        return retries.again(self._service.backend, id)[0].id
