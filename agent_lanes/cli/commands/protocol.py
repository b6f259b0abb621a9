"""The guide for an agent of any make: how to hand work over, how to take it on, exit codes.

Give it to an agent that has never seen agent-lanes: `agent-lanes protocol | some-agent`, or paste it. It names the
config and the store of this call. For a prompt that gives an agent its role: agent-lanes prompt.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Option
    from agent_lanes.wiring import Session

OPTIONS: tuple[Option, ...] = ()


def run(args: Arguments, session: Session) -> int:
    """Print the guide."""
    from agent_lanes import guide

    told = guide.protocol(session)
    if args.json:
        output.json({"status": "ok", "protocol": told})
    else:
        output.text(told)
    return 0
