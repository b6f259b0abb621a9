"""Stop a task: nobody is to work on it any more.

At once, also while somebody works on it: the holder's next renew or respond is refused with exit code 9, and a wait for
it ends with 9. What was already answered is not cancelled. Repeating it is safe.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import BY, ID, REASON, Arguments, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID, REASON, BY)


def run(args: Arguments, session: Session) -> int:
    """Cancel, and say whether somebody is still at work."""
    from agent_lanes.services.control import cancel

    after, repeated = cancel(session.backend, task_id(args), by=args.by, reason=args.reason)
    if repeated:
        output.note(f"agent-lanes: task {after.id} was cancelled before; confirmed")
    view = session.looks.status(after)
    if args.json:
        output.json({"status": "cancelled", "task_id": after.id, "task": view, "already_done": repeated})
        return 0
    held = after.claim.owner if view["cancel_requested"] and after.claim else None
    output.values(status="cancelled", task_id=after.id, still_held_by=held)
    return 0
