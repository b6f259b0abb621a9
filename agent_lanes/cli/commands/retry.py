"""Do a finished task once more.

As a new task that asks for the same and names the old one (retry_of). Prints the new id.
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
    from agent_lanes.services.control import again

    with output.shielded():  # a task whose id nobody saw would be submitted twice
        task = again(session.backend, task_id(args))
        if args.json:
            record = session.looks.record(Snapshot(task=task))
            output.json({"task_id": task.id, "retry_of": task.retry_of, "task": record})
        else:
            output.line(task.id)
    return 0
