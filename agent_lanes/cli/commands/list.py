"""All tasks as JSON, by id: the oldest first.

Records that cannot be read are listed under `damaged`; all others are there. What is archived is listed by --archived,
by month.
"""

from __future__ import annotations

from agent_lanes.cli import listing
from agent_lanes.cli.options import FLAG, LANE, WHOLE, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    LANE,
    Option(flag="--active-only", kind=FLAG, default=False, help="leave out what is finished"),
    Option(flag="--limit", metavar="N", kind=WHOLE, help="only the N newest"),
    Option(flag="--archived", kind=FLAG, default=False, help="what is archived instead"),
)


def run(args: Arguments, session: Session) -> int:
    """Print the list."""
    if args.limit is not None and args.limit < 0:
        raise BadUsage(f"--limit: {args.limit} is below 0")
    if args.archived:
        if args.active_only or args.limit is not None:
            raise BadUsage("list --archived takes neither --active-only nor --limit")
        listing.show(session.looks.archived(lane=args.lane))
        return 0
    listing.show(session.looks.each(lane=args.lane, active_only=args.active_only, limit=args.limit))
    return 0
