"""What the keys do to the store, in words: each in a thread of its own, because a disk or a lock may take a while."""

from __future__ import annotations

from agent_lanes.core.escapes import one_line
from agent_lanes.core.names import short_id
from agent_lanes.services import control, holds, retries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.ports import Backend

BY = "top"


def cancel(backend: Backend, id: str) -> str:
    """Cancel a task. Raises AlreadyAnswered, NotFound, Unconfirmed."""
    control.cancel(backend, id, by=BY, reason="cancelled in top")
    return f"cancelled {short_id(id)}"


def retry(backend: Backend, id: str) -> str:
    """Do a finished task once more, unless that is under way. Raises Refused, NotFound."""
    task, new = retries.again(backend, id)
    return f"{'submitted again' if new else 'nothing new: it is under way'}, as {short_id(task.id)}"


def hold_or_resume(backend: Backend, id: str) -> str:
    """Hold a queued task, or let one go on that is on hold. Raises Refused, NotFound."""
    if backend.read(id).on_hold(backend.now()):
        control.resume(backend, id, by=BY)
        return f"{short_id(id)} is offered again"
    control.hold(backend, id, by=BY, reason="held in top")
    return f"{short_id(id)} is on hold; h lets it go on"


def hold_lane(backend: Backend, lane: str) -> str:
    """Offer nothing of a lane. Raises Busy, StorageFailed."""
    holds.hold(backend, lane, None, by=BY, reason="held in top")
    return one_line(f"lane {lane} is on hold; H lets it go on")


def resume_lane(backend: Backend, lane: str) -> str:
    """Offer the lane again. Raises Refused, Busy, StorageFailed."""
    holds.resume(backend, lane, None)
    return one_line(f"lane {lane} is offered again")
