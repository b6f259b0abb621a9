"""Whom a task follows from, and in which thread it is: as its record says, whether those exist or not.

depends_on        the tasks that must complete before it
retry_of          the finished task that it does again
parent_task_id    metadata: whatever its submitter says that it follows from
thread_id         metadata: what it belongs to
"""

from __future__ import annotations

from agent_lanes.core.names import is_task_id
from agent_lanes.core.task import Task

DEPENDS_ON, RETRY_OF, PARENT = RELATIONS = ("depends_on", "retry_of", "parent_task_id")
LONGEST_THREAD = 200


def parents(task: Task) -> tuple[tuple[str, str], ...]:
    """How and from which ids it follows; each id once. What could not name a task, and itself, is left out."""
    named: list[tuple[str, object]] = [(DEPENDS_ON, id) for id in task.depends_on]
    named += [(RETRY_OF, task.retry_of), (PARENT, task.metadata.get(PARENT))]
    found: dict[str, str] = {}
    for relation, id in named:
        if isinstance(id, str) and is_task_id(id) and id != task.id:
            found.setdefault(id, relation)
    return tuple((relation, id) for id, relation in found.items())


def thread(task: Task) -> str | None:
    """The thread it belongs to: a text or a whole number of its submitter's; None where it is in none."""
    value = task.metadata.get("thread_id")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = str(value)
    return text if 0 < len(text) <= LONGEST_THREAD else None
