"""The wake-ups of the memory backend: every change wakes everybody."""

from __future__ import annotations

from agent_lanes.backends.memory_shelf import MemoryShelf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from agent_lanes.ports import Watch


class MemorySignals(MemoryShelf):
    """Counts the changes; waits sleep on the condition of the store."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 0

    def _notify(self) -> None:
        self.version += 1
        self.changed.notify_all()

    def watch_task(self, id: str) -> Watch:
        """See ports.Signals."""
        return ConditionWatch(self)

    def watch_tasks(self, ids: list[str]) -> Watch:
        """See ports.Signals."""
        return ConditionWatch(self)

    def watch_lane(self, lane: str) -> Watch:
        """See ports.Signals."""
        return ConditionWatch(self)

    def watch_log(self) -> Watch:
        """See ports.Signals."""
        return ConditionWatch(self)

    def watch_all(self) -> Watch:
        """See ports.Signals."""
        return ConditionWatch(self)

    def watch_changes(self) -> Watch:
        """See ports.Signals."""
        return ConditionWatch(self)


class ConditionWatch:
    """Woken by any change of the store after the watch was set."""

    def __init__(self, store: MemorySignals) -> None:
        self._store = store
        self._seen = store.version

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until something changed since the watch was set, or since the last wait."""
        with self._store.changed:
            woken = self._store.changed.wait_for(lambda: self._store.version != self._seen, timeout_seconds)
            self._seen = self._store.version
            return woken

    def __enter__(self) -> ConditionWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was set."""
