"""Keep a claim alive while a chat or a script works on its task: renew the lease until there is no more need.

It ends by itself: exit code 0 once the task is answered, or the program that started it has ended; 4 when the task
is somebody else's by now, 9 when it was cancelled: stop work on it then. Start it in the background.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import ID, LEASE, TOKEN, Arguments, Option, task_id
from agent_lanes.errors import Cancelled, LostClaim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    TOKEN,
    LEASE.replace(default=900, help="how long each renewal holds (default: 900)"),
    Option(flag="--for", metavar="TIME", default="12h", help="not longer than this: 90s, 10m, 12h (default: 12h)"),
)


def run(args: Arguments, session: Session) -> int:
    """Keep it."""
    from agent_lanes.cli import when
    from agent_lanes.services import keeping
    from agent_lanes.services.ancestors import Starter

    id, longest = task_id(args), when.seconds("--for", args.__dict__["for"])
    claim = keeping.Keeping(session.backend, id, args.claim_token, lease_seconds=args.lease_seconds)
    starter = Starter()
    claim.renew()  # refused at once where the token is wrong
    ended = keeping.keep(session.backend, claim, longest_seconds=longest, wanted=starter.lives)
    if ended.state == keeping.LOST:
        raise LostClaim(f"the claim of {id} is lost: {ended.why}", hint="stop work on it; claim a task to go on")
    if ended.state == keeping.CANCELLED_MEANWHILE:
        raise Cancelled(f"{id} was cancelled: {ended.why}", hint="stop work on it; claim a task to go on")
    status = "answered" if ended.state == keeping.ANSWERED else "left"
    if args.json:
        output.json({"status": status, "task_id": id, "why": ended.why})
    else:
        output.values(status=status, task_id=id, why=ended.why)
    return 0
