"""Hold and resume of a lane, of a vendor, or of a vendor on a lane."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.holds import Hold
from agent_lanes.errors import BadUsage, Refused
from agent_lanes.services import bodies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.ports import Backend

MAX_REASON_BYTES = 1 << 16


def hold(
    backend: Backend,
    lane: str | None,
    vendor: str | None,
    *,
    until: int | None = None,
    reason: str | None = None,
    by: str = "orchestrator",
) -> tuple[Hold, bool]:
    """Offer nothing of it, until an instant or until it is resumed; what is claimed goes on.

    One of the same lane and vendor that stands is replaced, but for its time and its reason where None is given.
    Returns the hold, and whether it stood just so before. Raises BadUsage, Busy, StorageFailed.
    """
    _named(lane, vendor)
    names.agent("by", by)
    bodies.given("reason", reason or "", MAX_REASON_BYTES)
    now = backend.now()
    wanted = Hold(lane=lane, vendor=vendor, until=until, reason=reason or "", by=by, created_at=now.wall)
    for one in backend.holds():
        if (one.lane, one.vendor) == (lane, vendor) and one.stands(now):
            wanted = wanted.replace(
                until=one.until if until is None else until, reason=one.reason if reason is None else reason
            )
            if one.replace(created_at=wanted.created_at) == wanted:
                return one, True
    backend.put_hold(wanted)
    return wanted, False


def resume(backend: Backend, lane: str | None, vendor: str | None) -> None:
    """Offer it again. Raises BadUsage; Refused where it is not on hold; Busy, StorageFailed."""
    _named(lane, vendor)
    if not backend.drop_hold(lane, vendor):
        asked = Hold(lane=lane, vendor=vendor, created_at=0)
        others = "; ".join(one.what for one in backend.holds())
        raise Refused(f"cannot resume {asked.what}; it is not on hold", hint=f"on hold are: {others}" if others else "")


def _named(lane: str | None, vendor: str | None) -> None:
    if lane is None and vendor is None:
        raise BadUsage("name what to hold or resume: a task, a lane, or a vendor")
    if lane is not None:
        names.lane(lane)
    if vendor is not None and names.vendor(vendor) == names.ANY_VENDOR:
        raise BadUsage("vendor: any is nobody in particular; hold the lane instead")
