"""Who waits for work right now: blocked claims and waits, work loops, dispatchers.

One line for each: lane, vendor, kind, owner, process, since when. A listener is listed for as long as its process
lives, however that ends; where a dispatcher of 0.1 works on a task it is not listed, but the task is claimed.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import LANE, Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (LANE,)


def run(args: Arguments, session: Session) -> int:
    """Print them."""
    from agent_lanes.core.times import iso
    from agent_lanes.services import presence

    session.looks_at(args.lane)
    if args.json:
        output.json({"status": "ok", "listeners": presence.listed(session.backend, args.lane)})
        return 0
    found = presence.listeners(session.backend, args.lane)
    if not found:
        on_lane = f" on lane {args.lane}" if args.lane is not None else ""
        start = f"agent-lanes work --lane {args.lane or 'LANE'} --vendor VENDOR"
        output.note(f"agent-lanes listeners: nobody listens{on_lane} (start a dispatcher: {start})")
    for sign in found:
        owner = f" by {sign.owner}" if sign.owner else ""
        where = f"process {sign.pid} on {sign.host}"
        line = f"{sign.lane}  {sign.vendor}  {sign.kind}{owner}  {where}  since {iso(sign.since)}"
        output.line(output.one_line(line))
    return 0
