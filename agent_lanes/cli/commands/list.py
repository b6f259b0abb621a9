"""All tasks as JSON, by id: the oldest first.

Records that cannot be read are listed under `damaged`; all others are there.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, LANE, Arguments, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (LANE, Option(flag="--active-only", kind=FLAG, default=False, help="leave out what is finished"))


def run(args: Arguments, session: Session) -> int:
    """Print the list."""
    good, bad = session.looks.statuses(lane=args.lane, active_only=args.active_only)
    output.json({"status": "ok", "count": len(good), "tasks": good} | output.damaged_list(bad))
    return 0
