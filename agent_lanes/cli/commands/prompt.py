"""The prompt that gives an agent its role, to be pasted or piped into it.

orchestrator   hands work over and reads the answers
dispatcher     a chat that polls the queue, and has a sub-agent do each task
reviewer       takes one task, reviews, answers, stops

The commands in it name the config of this call, so the chat may stand anywhere. LANE, VENDOR and NAME are filled in
where they are given, else from defaults: lane default, vendor claude.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import LANE, VENDOR, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

ROLES = ("orchestrator", "dispatcher", "reviewer")
OPTIONS = (
    Option(flag="ROLE", help="orchestrator, dispatcher or reviewer", choices=ROLES),
    LANE.replace(default="default", help="the lane's name (default: default)"),
    VENDOR.replace(default="claude", help="whose tasks a dispatcher takes (default: claude)"),
    Option(flag="--owner", metavar="NAME", help="what the agent calls itself (default: made of role and vendor)"),
)


def run(args: Arguments, session: Session) -> int:
    """Print the prompt."""
    if args.role is None:
        raise BadUsage(f"prompt needs a role: {', '.join(ROLES)}")
    from agent_lanes import guide

    told = guide.prompt(session, args.role, lane=args.lane, vendor=args.vendor, owner=args.owner)
    if args.json:
        output.json({"status": "ok", "role": args.role, "prompt": told})
    else:
        output.text(told)
    return 0
