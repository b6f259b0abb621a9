"""The queue live in the terminal: lanes, tasks, who is there; with keys to look closer and to step in.

Woken by changes, as every wait. Needs Textual: pip install 'agent-lanes[tui]'. Press ? for the keys.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import LANE, Arguments, Option
from agent_lanes.core.task import FINISHED
from agent_lanes.errors import BadUsage, missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    LANE,
    Option(
        flag="--state",
        choices=("open", "queued", "claimed", *FINISHED, "ended"),
        help="only tasks in this state; open: queued and claimed, ended: all others",
    ),
)


def run(args: Arguments, session: Session) -> int:
    """Show it until q or Ctrl-C."""
    if args.json:
        raise BadUsage("top: it has no JSON", hint="agent-lanes status --all --json, or agent-lanes events --follow")
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):  # Textual draws on stderr
        if not output.on_terminal(descriptor):
            raise BadUsage(f"top: {name} is no terminal", hint="agent-lanes status --all")
    if args.no_color:
        os.environ["NO_COLOR"] = "1"
    looks = session.looks
    if args.lane is not None:
        from agent_lanes.core import names

        names.lane(args.lane)
    try:
        from agent_lanes.tui.app import Top
    except ModuleNotFoundError as wrong:
        package = (wrong.name or "").partition(".")[0]
        if package not in ("textual", "rich"):
            raise
        raise missing("top", package, "tui") from None
    top = Top(looks, lane=args.lane or "", state=args.state or "")
    top.run()
    return top.return_code or 0
