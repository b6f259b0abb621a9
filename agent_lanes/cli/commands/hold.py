"""Do not offer a queued task for now.

Until it is resumed, or until a time. A task that somebody works on is not held: cancel it, or wait for its answer.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import BY, ID, REASON, Arguments, Option, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    Option(flag="--until", metavar="TIME", help="until then: 90s, 10m, 2h, 1d from now, or a time (default: resume)"),
    REASON,
    BY,
)


def run(args: Arguments, session: Session) -> int:
    """Hold, and say until when."""
    from agent_lanes.services.control import hold

    backend, until = session.backend, None
    if args.until is not None:
        from agent_lanes.cli import when

        until = when.instant("--until", args.until, backend.now().wall)
    after, repeated = hold(backend, task_id(args), by=args.by, reason=args.reason, until=until)
    view = session.looks.status(after)
    if args.json:
        output.json({"status": "on_hold", "task_id": after.id, "task": view, "already_done": repeated})
    else:
        output.values(status="on_hold", task_id=after.id, until=view["hold_until"])
    return 0
