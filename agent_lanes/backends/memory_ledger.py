"""The ledger of the memory backend."""

from __future__ import annotations

from agent_lanes.backends.memory_holds import MemoryHolds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.ledger import Entry


class MemoryLedger(MemoryHolds):
    """Entries, as they were written."""

    def __init__(self) -> None:
        super().__init__()
        self._ledger: list[Entry] = []

    def enter(self, entry: Entry) -> None:
        """See observation.Ledger."""
        with self.changed:
            self._ledger.append(entry)

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """See observation.Ledger."""
        with self.changed:
            found = [entry for entry in self._ledger if entry.at >= since]
        yield from found

    def latest_entries(self) -> list[Entry]:
        """See observation.Ledger."""
        with self.changed:
            return self._ledger[-200:]
