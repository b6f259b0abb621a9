"""Gathering what an agent is told about a task: its request, the thread it belongs to, the files that go with it."""

from __future__ import annotations

from agent_lanes.core.briefing import Attached, Briefing, Earlier, text
from agent_lanes.errors import AgentLanesError, NotFound
from agent_lanes.services import requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Snapshot, Supporting
    from agent_lanes.services.looks import Looks

MOST_PARENTS, LONGEST_THREAD = 50, 1 << 20


def agent_input(queue: Looks, snapshot: Snapshot, *, folder: str = "", branch: str = "") -> str:
    """The text that an agent is given; `folder` and `branch` where it works somewhere else than the task says.

    Raises StorageFailed where the request cannot be read.
    """
    task = snapshot.task
    return text(
        Briefing(
            task=task,
            request=requests.text(queue.backend, task),
            request_path=None if task.request_stored else task.request_path,
            thread=thread(queue, snapshot),
            attached=tuple(map(attached, task.supporting_paths)),
            folder=folder or task.worktree_path or "",
            branch=branch or task.expected_branch or "",
        )
    )


def thread(queue: Looks, snapshot: Snapshot) -> tuple[Earlier, ...]:
    """What the parents of a task were answered, oldest first: metadata parent_task_id, as far as it leads.

    At most 50 of them and 1 MiB, the newest first in line for it; a circle ends where it closes.
    """
    told: list[Earlier] = []
    seen, left = {snapshot.id}, LONGEST_THREAD
    while len(seen) <= MOST_PARENTS and left > 0:
        parent = snapshot.task.metadata.get("parent_task_id")
        if not isinstance(parent, str) or parent in seen:
            break
        seen.add(parent)
        try:
            snapshot = queue.read(parent)
        except AgentLanesError:
            break  # gone, or damaged: the work can go on without it
        if snapshot.response is not None:
            body = snapshot.response.body
            told.append(Earlier(id=parent, body=body[-left:], cut=max(0, len(body) - left)))
            left -= len(body)
    return tuple(reversed(told))


def attached(file: Supporting) -> Attached:
    """A supporting file, and whether it is what was submitted: an agent before may have changed it, as it should."""
    try:
        now = requests.file_sha256(file.path)
    except NotFound:
        return Attached(path=file.path, remark="it is gone since the task was submitted")
    except AgentLanesError as wrong:
        return Attached(path=file.path, remark=f"it cannot be read: {wrong.message}")
    return Attached(path=file.path, remark="" if now == file.sha256 else "changed since the task was submitted")
