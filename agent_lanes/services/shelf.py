"""Archiving and pruning."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.archiving import added
from agent_lanes.core.rules import DEFAULT_RETENTION_SECONDS, NO_LANES
from agent_lanes.core.times import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_lanes.core.archiving import Counts, Packed
    from agent_lanes.core.rules import Lanes
    from agent_lanes.ports import Backend


class Total:
    """What an archive or a prune did, all steps together."""

    def __init__(self) -> None:
        self.tasks = self.bytes = 0
        self.months: dict[str, int] = {}
        self.counts: Counts = {}
        self.kept: list[str] = []
        self.dead: list[str] = []  # of those kept, the dead letters that nobody has seen to

    def add(self, step: Packed) -> None:
        """One step more."""
        self.tasks += step.tasks
        self.bytes += step.bytes
        self.kept += step.left
        if step.month:
            self.months[step.month] = self.months.get(step.month, 0) + step.tasks
            added(self.counts, step.counts)


def archive(
    backend: Backend,
    older_than_seconds: float | None,
    *,
    lane: str | None = None,
    lanes: Lanes = NO_LANES,
    dry_run: bool = False,
    tell: Callable[[Packed], None] = lambda step: None,
) -> Total:
    """Move the tasks that were answered so long ago, or as long as their lane keeps them; `tell` hears of each step.

    Raises BadUsage, Busy, StorageFailed.
    """
    if lane is not None:
        names.lane(lane)
    now = backend.now().wall
    before = now - round((older_than_seconds if older_than_seconds is not None else DEFAULT_RETENTION_SECONDS) * SECOND)
    kept = {name: rules.retention_seconds for name, rules in lanes.rules.items() if older_than_seconds is None}
    of_lanes = {name: now - round(age * SECOND) for name, age in kept.items() if age is not None}
    total = _total(backend.archive(before, of_lanes, lane=lane, dry_run=dry_run), tell)
    if total.kept:
        letters = {*backend.dead(lane)}
        total.dead = [id for id in total.kept if id in letters]
    return total


def prune(
    backend: Backend,
    older_than_seconds: float,
    *,
    dry_run: bool = False,
    tell: Callable[[Packed], None] = lambda step: None,
) -> Total:
    """Delete the archived tasks of every month that ended so long ago. Raises Busy, StorageFailed."""
    before = backend.now().wall - round(older_than_seconds * SECOND)
    return _total(backend.prune(before, dry_run=dry_run), tell)


def _total(steps: Iterator[Packed], tell: Callable[[Packed], None]) -> Total:
    total = Total()
    for step in steps:
        total.add(step)
        tell(step)
    return total
