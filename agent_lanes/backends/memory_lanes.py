"""What the memory backend knows of a lane as a whole: its places, its claims, its dead letters."""

from __future__ import annotations

from agent_lanes.backends.memory_relations import MemoryRelations
from agent_lanes.core.dead import died, seen_to
from agent_lanes.core.fairness import Flow, Turns
from agent_lanes.core.placement import Ready, placement
from agent_lanes.core.task import CLAIMED
from agent_lanes.core.times import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator


class MemoryLanes(MemoryRelations):
    """Lanes, by looking at all tasks."""

    def __init__(self) -> None:
        super().__init__()
        self._sequences: dict[str, int] = {}
        self._turns: dict[str, Turns] = {}

    def now(self) -> Moment:
        """The clocks."""
        raise NotImplementedError

    def claimed(self, lane: str) -> Iterator[str]:
        """See ports.Finder."""
        now = self.now()
        found = (one for one in self._all() if one.task.lane == lane and one.state == CLAIMED)
        yield from (one.id for one in found if not one.lease_expired(now))

    def alone(self, lane: str) -> threading.Condition:
        """See ports.Finder: one lock guards all."""
        return self.changed

    def dead(self, lane: str | None) -> Iterator[str]:
        """See ports.Finder."""
        found = [one for one in self._all() if died(one) and lane in (None, one.task.lane)]
        listed = sorted((one.task.lane, one.id) for one in found if not seen_to(self._histories[one.id]))
        yield from (id for _, id in listed)

    def _next_place(self, lane: str, flow: Flow | None) -> int:
        highest = self._sequences.get(lane, 0)
        number = highest + 1
        if flow is not None:
            found = (placement(one, self.now()) for one in self._all())
            mine = [place for place in found if isinstance(place, Ready) and place.lane == lane]
            line = (flow.route, flow.priority)
            head = min((one.sequence for one in mine if (one.route, one.priority) == line), default=None)
            turns = self._turns.get(lane) or Turns(highest=highest, floor=highest, last={})
            turns = turns.replace(highest=highest)
            number = turns.tag(flow, head)
            self._turns[lane] = turns.given(flow, head, number)
        self._sequences[lane] = max(highest, number)
        return number
