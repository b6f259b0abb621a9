"""Put a claimed task back into the queue, for somebody else.

Repeating it with the same token is safe.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import ID, TOKEN, Arguments, Option, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID, TOKEN, Option(flag="--reason", metavar="R", default="", help="why, for the history"))


def run(args: Arguments, session: Session) -> int:
    """Release."""
    released, repeated = session.queue.release(task_id(args), args.claim_token, reason=args.reason)
    if repeated:
        output.note(f"agent-lanes: task {released.id} had been released with this token already; confirmed")
    if args.json:
        output.json(
            {
                "status": "released",
                "task_id": released.id,
                "task": session.queue.record(released),
                "already_done": repeated,
            }
        )
    else:
        output.values(status="released", task_id=released.id)
    return 0
