"""How a backend wakes who waits. A wake-up is a hint: who is woken looks; one that is lost costs a slow re-check."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


class Watch(Protocol):
    """One watch that is set; leaving the `with` ends it."""

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until something may have changed (True), or until the time is over (False)."""

    def __enter__(self) -> Watch: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Signals(Protocol):
    """The wake-ups. Set the watch first, then look, then wait: no change falls between."""

    def watch_task(self, id: str) -> Watch:
        """Woken when the task is answered."""

    def watch_tasks(self, ids: list[str]) -> Watch:
        """Woken when one of these tasks is answered."""

    def watch_lane(self, lane: str) -> Watch:
        """Woken when a task of the lane becomes claimable."""

    def watch_log(self) -> Watch:
        """Woken when the log has another line."""

    def watch_all(self) -> Watch:
        """Woken when the log has another line, and when waiters of every lane should look again."""

    def watch_changes(self) -> Watch:
        """Woken by most changes of any task, perhaps just before they can be seen: for pictures, not for decisions."""
