"""Do not offer a queued task for now; or a lane, a vendor, or a vendor on a lane.

Until it is resumed, or until a time. What somebody works on goes on: cancel it, or wait for its answer. With --vendor,
the tasks for it are not offered, and who claims in its name gets nothing: its agents cannot work. What is on hold
already keeps its time and its reason, unless others are given.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import BY, HELD_VENDOR, ID, LANE, REASON, Arguments, Option, task_id
from agent_lanes.core.names import shown
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    LANE,
    HELD_VENDOR,
    Option(flag="--until", metavar="TIME", help="until then: 90s, 10m, 2h, 1d from now, or a time (default: resume)"),
    REASON,
    BY,
)


OR_MORE = ", --lane or --vendor"


def run(args: Arguments, session: Session) -> int:
    """Hold, and say until when."""
    backend, until = session.backend, None
    if args.until is not None:
        from agent_lanes.cli import when

        now = backend.now().wall
        until = when.instant("--until", args.until, now)
        if until <= now:
            raise BadUsage(f"--until: {shown(args.until)} has passed: nothing would be on hold")
    if args.lane is not None or args.vendor is not None:
        return _lane(args, session, until)
    from agent_lanes.services.control import hold

    after, repeated = hold(backend, task_id(args, OR_MORE), by=args.by, reason=args.reason or None, until=until)
    view = session.looks.status(after)
    if args.json:
        output.json({"status": "on_hold", "task_id": after.id, "task": view, "already_done": repeated})
    else:
        output.values(status="on_hold", task_id=after.id, until=view["hold_until"], reason=view["hold_reason"])
    return 0


def _lane(args: Arguments, session: Session, until: int | None) -> int:
    one_of(args)
    if args.lane is not None:
        session.serves(args.lane)
    from agent_lanes.core.holds import encode_hold
    from agent_lanes.services.holds import hold

    held, repeated = hold(session.backend, args.lane, args.vendor, until=until, reason=args.reason or None, by=args.by)
    view = encode_hold(held)
    if args.json:
        output.json({"status": "on_hold", "hold": view, "already_done": repeated})
    else:
        output.values(status="on_hold", lane=held.lane, vendor=held.vendor, until=view["until"], reason=held.reason)
    return 0


def one_of(args: Arguments) -> None:
    """A task, or a lane and a vendor, not both. Raises BadUsage."""
    if args.task_id is not None:
        raise BadUsage(f"{args.verb} takes a task id, or --lane and --vendor, not both")
