"""Move finished tasks into compressed files, a folder for each month.

Looks at the time of the answer. What is archived costs next to nothing and is found as before: show, status, wait,
export, list --archived, and `zcat STORE/archive/*/*/tasks.jsonl.gz`. Nothing more can be added to it. Safe beside
everything that goes on, and to interrupt: the same call goes on where it was. prune removes old months.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import DRY_RUN, LANE, Arguments, Option
from agent_lanes.core.names import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.archiving import Packed
    from agent_lanes.services.shelf import Total
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(
        flag="--older-than",
        metavar="TIME",
        help="only what was answered so long ago: 90s, 12h, 30d (default: as the lane says, else 30d)",
    ),
    LANE,
    DRY_RUN,
)


def only_looks(args: Arguments) -> bool:
    """Whether this call changes nothing."""
    return bool(args.dry_run)


def run(args: Arguments, session: Session) -> int:
    """Archive, and say how much."""
    from agent_lanes.cli import when
    from agent_lanes.services import shelf

    age = None if args.older_than is None else when.seconds("--older-than", args.older_than)
    backend = session.queue.backend
    session.looks_at(args.lane)
    total = shelf.archive(backend, age, lane=args.lane, lanes=session.lanes, dry_run=args.dry_run, tell=progress(args))
    return told(total, "would_archive" if args.dry_run else "archived", args)


def progress(args: Arguments) -> Callable[[Packed], None]:
    """Where a person looks on, a line for each step that is done."""
    wanted = not args.dry_run and output.on_terminal(2)

    def tell(step: Packed) -> None:
        if wanted and step.month:
            output.note(f"agent-lanes {args.verb}: {step.month}: {counted(step.tasks, 'task')}")

    return tell


def told(total: Total, status: str, args: Arguments) -> int:
    """Print what was done."""
    if args.json:
        output.json(
            {
                "status": status,
                "tasks": total.tasks,
                "bytes": total.bytes,
                "months": total.months,
                "lanes": total.counts,
                "kept": total.kept,
                "dead": total.dead,
            }
        )
        return 0
    if total.kept:
        output.warning(f"kept {counted(len(total.kept), 'task')}: {_why(len(total.dead), len(total.kept))}")
    months = ",".join(f"{month}:{count}" for month, count in sorted(total.months.items()))
    output.values(status=status, tasks=total.tasks, bytes=total.bytes, months=months)
    return 0


def _why(dead: int, kept: int) -> str:
    """Why tasks stay that are due."""
    letters = f"dead {'letter' if dead == 1 else 'letters'} that nobody has seen to yet (agent-lanes dead list)"
    others = "in use, damaged, or with files of others (--json names them)"
    if not dead or dead == kept:
        return letters if dead else others
    return f"{dead} {letters}; {kept - dead} {others}"
