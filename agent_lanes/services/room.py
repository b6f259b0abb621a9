"""The room that a lane has for one more claim.

Markers of live leases are an upper bound, so as long as they are fewer than the limit nothing is read. Only when that
seems reached, or where values are counted, the facts decide. Who claims does this and the claim under the lane's lock
(`Backend.alone`), so that two cannot both find the last place; who only looks needs none.
"""

from __future__ import annotations

from agent_lanes.core.limits import exceeded
from agent_lanes.core.task import CLAIMED
from agent_lanes.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.rules import Rules
    from agent_lanes.core.task import Snapshot, Task
    from agent_lanes.ports import Backend


class Room:
    """What is claimed on a lane, against its rules."""

    def __init__(self, backend: Backend, lane: str, rules: Rules) -> None:
        self.rules = rules
        listed = set(backend.claimed(lane))
        count, most = len(listed), rules.concurrency
        self._held: list[Task] = []
        if rules.concurrency_by or (most is not None and count >= most):
            now = backend.now()
            found = (_read(backend, id) for id in sorted(listed))
            live = [one for one in found if one is not None and one.state == CLAIMED and not one.lease_expired(now)]
            self._held = [one.task for one in live]

    def refusal(self, task: Task) -> str | None:
        """Why there is no room for this task; None if there is."""
        return exceeded(task, self._held, self.rules.concurrency, self.rules.concurrency_by)


def _read(backend: Backend, id: str) -> Snapshot | None:
    try:
        return backend.read(id)
    except (NotFound, Damaged):
        return None
