"""Noting who has seen a task, and who was given its answer: once each, after they have it, and never at their cost."""

from __future__ import annotations

from agent_lanes.core.task import FETCHED, SEEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.task import Snapshot
    from agent_lanes.ports import Backend


def seen(backend: Backend, snapshot: Snapshot, by: str) -> None:
    """A wait for the lane showed it to somebody, who may claim it; a claim tells as much. Never raises."""
    if snapshot.epoch == 0:
        backend.note_receipt(snapshot, SEEN, by)


def fetched(backend: Backend, ended: Iterable[Snapshot], by: str) -> None:
    """Whoever waited for these answers has them. Never raises."""
    for one in ended:
        backend.note_receipt(one, FETCHED, by)
