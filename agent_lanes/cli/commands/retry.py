"""Do a finished task once more.

As a new task that asks for the same and names the old one (retry_of). Prints the new id; while that task is open,
a second retry prints it again and submits nothing.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import ID, Arguments, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID,)


def run(args: Arguments, session: Session) -> int:
    """Submit it again."""
    from agent_lanes.core.task import Snapshot
    from agent_lanes.services.retries import again

    with output.shielded():
        task, new = again(session.backend, task_id(args))
        if not new:
            output.note(f"agent-lanes: {task.retry_of} is done again already by {task.id}; nothing was submitted")
        if args.json:
            record = session.looks.record(Snapshot(task=task) if new else session.looks.read(task.id))
            output.json({"task_id": task.id, "retry_of": task.retry_of, "task": record, "already_done": not new})
        else:
            output.line(task.id)
    return 0
