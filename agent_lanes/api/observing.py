"""What goes on: histories, the events of the whole store, receipts, who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from agent_lanes.core.logged import Logged
from agent_lanes.core.presence import encode_sign
from agent_lanes.core.task import Event
from agent_lanes.errors import BadUsage
from agent_lanes.services import following, presence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.services.queue import QueueService


class Observing:
    """A part of `Queue`."""

    _service: QueueService

    @overload
    def events(self, id: str) -> list[Event]: ...

    @overload
    def events(self, *, cursor: str | None = None, follow: bool = False) -> Iterator[Logged]: ...

    def events(
        self, id: str | None = None, *, cursor: str | None = None, follow: bool = False
    ) -> list[Event] | Iterator[Logged]:
        """The history of a task, oldest first; without an id, the events of all tasks, as they are read.

        Those after a `cursor` (that of the `Logged` where the caller stopped, also in another process); without one,
        all that are kept. With `follow` it blocks for more, for ever, and without a cursor begins now. Raises NotFound
        where there is no such task, or that part of the log is kept no more; BadUsage.
        """
        if id is not None:
            if cursor is not None or follow:
                raise BadUsage("events: a task id does not go with cursor or follow")
            return list(self._service.events(id))
        backend = self._service.backend
        if not follow:
            return backend.log(cursor)
        return following.follow(backend, backend.log_end() if cursor is None else cursor)

    def receipts(self, id: str) -> dict[str, str | None]:
        """When a task was queued, seen, claimed, begun and answered, and its answer fetched: times in UTC, or None."""
        receipts: Any = self._service.told(self._service.read(id))["receipts"]
        return dict(receipts)

    def listeners(self, lane: str | None = None) -> list[dict[str, Any]]:
        """Who waits for work right now, of one lane or of all, as `agent-lanes listeners --json` shows them."""
        return [dict(encode_sign(sign)) for sign in presence.listeners(self._service.backend, lane)]
