"""One task, or the whole queue: readable on a terminal, else JSON.

status ID prints the record and what follows from it: last event, ages, lease left, what to do next; and its attempts.
status --all counts by state and lists every task; --active-only leaves out what is finished.
--watch shows either anew after each change.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, ID, LANE, WATCH, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    Option(flag="--all", kind=FLAG, default=False, help="the whole queue"),
    LANE,
    Option(flag="--active-only", kind=FLAG, default=False, help="with --all: leave out what is finished"),
    Option(flag="--rack", kind=FLAG, default=False, help="an older name of --all", hidden=True),
    WATCH,
)


def run(args: Arguments, session: Session) -> int:
    """Print one status or all."""
    if args.rack:
        output.note("[deprecated] --rack is an old name of --all")
    everything = args.all or args.rack
    if everything == (args.task_id is not None):
        raise BadUsage("status takes a task id or --all, one of the two")
    session.looks_at(args.lane)
    if args.watch or (output.on_terminal(1) and not args.json):
        from agent_lanes.cli import overview

        return overview.run(args, session)
    if everything:
        return _all(args, session)
    queue = session.looks
    snapshot = queue.read(args.task_id)
    output.json({"status": "ok", "task": queue.status(snapshot), **queue.told(snapshot)})
    return 0


def _all(args: Arguments, session: Session) -> int:
    from agent_lanes.cli import listing
    from agent_lanes.core.advice import for_summary
    from agent_lanes.core.holds import encode_hold
    from agent_lanes.core.views import no_counts, tally
    from agent_lanes.services import presence

    counts = no_counts()

    def after() -> dict[str, object]:
        return {
            "summary": counts,
            "holds": [encode_hold(hold) for hold in session.looks.holds()],
            "next_action": for_summary(counts["queued"], counts["claimed"], counts["stale_claims"]),
            "listening": presence.listed(session.backend, args.lane),
        }

    found = session.looks.each(lane=args.lane, active_only=args.active_only)
    listing.show(found, each=lambda view: tally(counts, view), after=after)
    return 0
