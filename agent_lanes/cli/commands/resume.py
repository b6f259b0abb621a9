"""Offer a task again that was on hold; or a lane, a vendor, or a vendor on a lane.

Tasks have kept their places in the lane. What is not on hold is refused with exit code 4.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import BY, HELD_VENDOR, ID, LANE, Arguments, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID, LANE, HELD_VENDOR, BY)


def run(args: Arguments, session: Session) -> int:
    """Resume."""
    if args.lane is not None or args.vendor is not None:
        return _lane(args, session)
    from agent_lanes.cli.commands.hold import OR_MORE
    from agent_lanes.services.control import resume

    after = resume(session.backend, task_id(args, OR_MORE), by=args.by)
    if args.json:
        output.json({"status": "resumed", "task_id": after.id, "task": session.looks.status(after)})
    else:
        output.values(status="resumed", task_id=after.id)
    return 0


def _lane(args: Arguments, session: Session) -> int:
    from agent_lanes.cli.commands.hold import one_of
    from agent_lanes.services.holds import resume

    one_of(args)
    resume(session.backend, args.lane, args.vendor)
    told = {"status": "resumed", "lane": args.lane, "vendor": args.vendor}
    if args.json:
        output.json(told)
    else:
        output.values(**told)
    return 0
