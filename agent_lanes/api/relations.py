"""Several tasks at once: waiting for them, what follows from one, what is ready."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from agent_lanes.core.presence import API
from agent_lanes.errors import TimedOut
from agent_lanes.services import joins, receipts, trees, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.core.task import Response, Snapshot
    from agent_lanes.services.queue import QueueService

DEFAULT_TIMEOUT_SECONDS = 21_600.0


class Relations:
    """A part of `Queue`."""

    _service: QueueService

    def wait_all(self, ids: Sequence[str], *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> list[Response]:
        """Block until all are answered; the answers in the order of the ids, whatever their status.

        Raises TimedOut, which names the open ones and after which the same call goes on; NotFound, Damaged.
        """
        ids = joins.checked(ids)
        return _responses(self._joined(ids, len(ids), timeout_seconds).in_order(ids))

    def wait_any(self, ids: Sequence[str], *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> Response:
        """Block until one is answered; its answer, whatever its status, with its id as `task_id`. As `wait_all`."""
        return self.wait_first(ids, 1, timeout_seconds=timeout_seconds)[0]

    def wait_first(
        self, ids: Sequence[str], count: int, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> list[Response]:
        """Block until `count` of them are answered; the answers in the order in which they came. As `wait_all`."""
        ids = joins.checked(ids)
        enough = joins.count("count", count, ids)
        return _responses(self._joined(ids, enough, timeout_seconds).ended[:enough])

    def tree(
        self, id: str | None = None, *, thread: str | None = None, limit: int = trees.DEFAULT_LIMIT
    ) -> list[dict[str, Any]]:
        """What follows from a task, or belongs to a thread, as `agent-lanes tree --json` lists it. Raises NotFound."""
        if (id is None) == (thread is None):
            raise TypeError("tree takes an id or a thread, one of the two")
        backend = self._service.backend
        found = (
            trees.of_task(backend, id, limit=limit)
            if id is not None
            else trees.of_thread(backend, thread or "", limit=limit)
        )
        return [dict(node) for node in trees.view(found)]

    def ready(self, lane: str, *, vendor: str | None = None, limit: int | None = None) -> list[Snapshot]:
        """The tasks of a lane that may be claimed, in the order in which they are offered; takes none."""
        return list(islice(self._service.ready(lane, vendor=vendor), limit))

    def _joined(self, ids: Sequence[str], enough: int, timeout_seconds: float) -> joins.Joined:
        waiting.timeout("timeout_seconds", timeout_seconds)
        joined = joins.until(self._service.backend, ids, enough=enough, timeout_seconds=timeout_seconds)
        if len(joined.ended) < enough:
            raise TimedOut(joins.still_open(joined), hint="call it again; nothing is lost")
        receipts.fetched(self._service.backend, joined.ended, API)
        return joined


def _responses(ended: Sequence[Snapshot]) -> list[Response]:
    return [one.response for one in ended if one.response is not None]
