"""Put a claimed task back into the queue, for somebody else.

Repeating it with the same token is safe.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import ID, REASON, TOKEN, Arguments, Option, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    TOKEN,
    REASON,
    Option(flag="--delay", metavar="TIME", help="not offered again before: 90s, 10m, 2h, 1d, or a time"),
)


def run(args: Arguments, session: Session) -> int:
    """Release."""
    not_before = None
    if args.delay is not None:
        from agent_lanes.cli import when

        not_before = when.instant("--delay", args.delay, session.backend.now().wall)
    released, repeated = session.queue.release(
        task_id(args), args.claim_token, reason=args.reason, not_before=not_before
    )
    if repeated:
        output.note(f"agent-lanes: task {released.id} had been released with this token already; confirmed")
    if args.json:
        output.json(
            {
                "status": "released",
                "task_id": released.id,
                "task": session.looks.record(released),
                "already_done": repeated,
            }
        )
    else:
        output.values(status="released", task_id=released.id)
    return 0
