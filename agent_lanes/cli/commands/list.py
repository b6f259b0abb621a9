"""All tasks by id, the oldest first: a table on a terminal, else JSON.

The table has a short id, which every command takes in place of the whole one; state, lane, owner, age, attempt,
priority and the first words of the prompt. Records that cannot be read are listed under `damaged`; all others are
there. What is archived is listed by --archived, by month. --ready --lane L lists what may be claimed now, in the order
in which it is offered.
"""

from __future__ import annotations

from agent_lanes.cli import listing, output
from agent_lanes.cli.options import FLAG, LANE, MATCH, VENDOR, WATCH, WHOLE, Arguments, Option, pairs
from agent_lanes.core.task import ACTIVE, FINISHED
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.errors import Damaged
    from agent_lanes.wiring import Session

OPTIONS = (
    LANE,
    Option(flag="--active-only", kind=FLAG, default=False, help="leave out what is finished"),
    Option(flag="--state", choices=(*ACTIVE, *FINISHED), help="only tasks in this state"),
    MATCH,
    Option(flag="--limit", metavar="N", kind=WHOLE, help="only the N newest; with --ready: only the next N"),
    Option(flag="--ready", kind=FLAG, default=False, help="with --lane: what may be claimed now, the next one first"),
    VENDOR,
    Option(flag="--archived", kind=FLAG, default=False, help="what is archived instead"),
    WATCH,
)


def run(args: Arguments, session: Session) -> int:
    """Print the list."""
    _sensible(args)
    session.looks_at(args.lane)
    if args.watch:
        return _watch(args, session)
    if args.json or not output.on_terminal(1):
        listing.show(_found(args, session, args.limit))
        return 0
    from agent_lanes.cli import screen, tabular

    tabular.show(_found(args, session, args.limit), session.backend.now().wall, screen.Paint(screen.colours(args)))
    return 0


def _sensible(args: Arguments) -> None:
    """Refuse what does not go together. Raises BadUsage."""
    if args.limit is not None and args.limit < 0:
        raise BadUsage(f"--limit: {args.limit} is below 0")
    if args.archived and (args.active_only or args.limit is not None or args.watch or args.state or args.match):
        raise BadUsage("list --archived takes neither --active-only, --limit, --state, --match nor --watch")
    if args.ready and args.lane is None:
        raise BadUsage("list --ready needs --lane", hint="agent-lanes list --ready --lane LANE")
    if args.ready and (args.active_only or args.archived or args.state):
        raise BadUsage("list --ready takes neither --active-only nor --archived or --state")
    if args.vendor is not None and not args.ready:
        raise BadUsage("list: --vendor goes with --ready")


def _found(args: Arguments, session: Session, limit: int | None) -> Iterator[JsonObject | Damaged]:
    looks, match = session.looks, pairs("--match", args.match)
    if args.archived:
        return looks.archived(lane=args.lane)
    if args.ready:
        from itertools import islice

        found = islice(looks.ready(args.lane, vendor=args.vendor, match=match), limit)
        return (looks.status(one) for one in found)
    return looks.each(lane=args.lane, active_only=args.active_only, limit=limit, state=args.state, match=match)


def _watch(args: Arguments, session: Session) -> int:
    from agent_lanes.cli import live, screen, tabular
    from agent_lanes.errors import Damaged

    paint = screen.Paint(screen.colours(args))

    def draw(columns: int, lines: int) -> Sequence[str]:
        limit = min(lines - 2, lines if args.limit is None else args.limit)
        found = [one for one in _found(args, session, limit) if not isinstance(one, Damaged)]
        return list(tabular.lines(found, session.backend.now().wall, columns, paint)) or ["no tasks"]

    return live.run(args, session.backend, draw)
