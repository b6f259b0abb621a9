"""What a task may be called: its id, or any part of it that no other task has.

A part is the beginning or the end of the id, or the beginning of the digits at its end: people see those, and type the
first few. Programs give ids as they got them, which costs no look here. The archive is looked into where no other task
has the part.
"""

from __future__ import annotations

from agent_lanes.core.names import is_task_id, is_whole_id, short_id
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.ports import Backend

SHORTEST_PART = 4
MOST_CANDIDATES = 5


def whole_id(backend: Backend, part: str) -> str:
    """The id that a text means: itself where a task has it or none has it as a part; else the one that has.

    Raises BadUsage where several have it, naming some; StorageFailed.
    """
    if is_whole_id(part) or len(part) < SHORTEST_PART or not is_task_id(part):
        return part
    found = _those_with(part, backend.ids()) or _those_with(part, backend.archived_ids())
    if not found or part in found:
        return part
    if len(found) > 1:
        named = ", ".join(f"{id} ({short_id(id)})" for id in found[:MOST_CANDIDATES])
        more = f" and {len(found) - MOST_CANDIDATES} more" if len(found) > MOST_CANDIDATES else ""
        raise BadUsage(f"task id: {part} is part of {len(found)}: {named}{more}", hint="give more of it")
    return found[0]


def _those_with(part: str, ids: Iterable[str]) -> list[str]:
    return sorted({id for id in ids if id.startswith(part) or id.endswith(part) or short_id(id).startswith(part)})
