"""What is on hold in the memory backend, beside single tasks."""

from __future__ import annotations

from agent_lanes.backends.memory_signals import MemorySignals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.holds import Hold


class MemoryHolds(MemorySignals):
    """Holds by lane and vendor; empty names stand for all."""

    def __init__(self) -> None:
        super().__init__()
        self._holds: dict[tuple[str, str], Hold] = {}

    def holds(self) -> tuple[Hold, ...]:
        """See ports.Holds."""
        with self.changed:
            return tuple(hold for _, hold in sorted(self._holds.items(), key=lambda item: item[0]))

    def put_hold(self, hold: Hold) -> None:
        """See ports.Holds."""
        with self.changed:
            self._holds[hold.lane or "", hold.vendor or ""] = hold
            self._notify()

    def drop_hold(self, lane: str | None, vendor: str | None) -> bool:
        """See ports.Holds."""
        with self.changed:
            dropped = self._holds.pop((lane or "", vendor or ""), None)
            self._notify()
            return dropped is not None
