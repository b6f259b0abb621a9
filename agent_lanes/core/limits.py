"""How many tasks of a lane may be claimed at once: in all, and of those with the same value in their metadata."""

from __future__ import annotations

from agent_lanes.core.match import texts
from agent_lanes.core.names import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_lanes.core.task import Task


def exceeded(task: Task, held: Sequence[Task], most: int | None, most_by: Mapping[str, int]) -> str | None:
    """Why a task may not be claimed beside those that are `held`; None if it may."""
    if most is not None and len(held) >= most:
        return f"lane {task.lane} has {counted(len(held), 'task')} claimed, and its concurrency is {most}"
    for key, limit in most_by.items():
        for value in texts(task.metadata.get(key)):
            count = sum(value in texts(other.metadata.get(key)) for other in held)
            if count >= limit:
                return f"{counted(count, 'task')} with {key} {value} claimed, and the concurrency by {key} is {limit}"
    return None
