"""Offer a task again that was on hold.

It keeps its place in the lane. A task that is not on hold is refused with exit code 4.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import BY, ID, Arguments, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID, BY)


def run(args: Arguments, session: Session) -> int:
    """Resume."""
    from agent_lanes.services.control import resume

    after = resume(session.backend, task_id(args), by=args.by)
    if args.json:
        output.json({"status": "resumed", "task_id": after.id, "task": session.looks.status(after)})
    else:
        output.values(status="resumed", task_id=after.id)
    return 0
