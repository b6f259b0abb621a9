"""Delete archived tasks: every month that ended so long ago.

Only what `archive` has moved is ever looked at. What is pruned is gone, and so are its idempotency keys; --dry-run
tells what that would be.
"""

from __future__ import annotations

from agent_lanes.cli.commands.archive import progress, told
from agent_lanes.cli.options import DRY_RUN, Arguments, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(flag="--older-than", metavar="TIME", required=True, help="only months that ended so long ago: 90d, 365d"),
    DRY_RUN,
)


def only_looks(args: Arguments) -> bool:
    """Whether this call changes nothing."""
    return bool(args.dry_run)


def run(args: Arguments, session: Session) -> int:
    """Prune, and say how much."""
    from agent_lanes.cli import when
    from agent_lanes.services import shelf

    age = when.seconds("--older-than", args.older_than)
    total = shelf.prune(session.queue.backend, age, dry_run=args.dry_run, tell=progress(args))
    return told(total, "would_prune" if args.dry_run else "pruned", args)
