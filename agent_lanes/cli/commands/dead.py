"""Dead letters: tasks that the queue itself failed, because their attempts or their time were over.

    dead list [--lane L] [--limit N]      those that nobody has seen to yet; only the N newest
    dead retry ID | --lane L | --all      once more, each as a new task
    dead discard ID | --lane L | --all    let them be: they stay as they are, and are no longer listed

Exit code 4: that task is no dead letter, or somebody has seen to it.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import BY, FLAG, ID, LANE, REASON, WHOLE, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Snapshot
    from agent_lanes.wiring import Session

LIST, RETRY, DISCARD = "list", "retry", "discard"
OPTIONS = (
    Option(flag="ACTION", choices=(LIST, RETRY, DISCARD), default=LIST, help="list, retry or discard"),
    ID,
    LANE,
    Option(flag="--all", kind=FLAG, default=False, help="all of them"),
    Option(flag="--limit", metavar="N", kind=WHOLE, help="with list: only the N newest"),
    REASON,
    BY,
)


def only_looks(args: Arguments) -> bool:
    """Whether this call changes nothing."""
    return bool(args.action == LIST)


def run(args: Arguments, session: Session) -> int:
    """Look at them, or see to them."""
    session.looks_at(args.lane)
    if args.action == LIST:
        if args.task_id is not None:
            raise BadUsage("dead list takes --lane, no task id", hint="`agent-lanes show ID` tells about one task")
        return _list(args, session)
    if args.limit is not None:
        raise BadUsage(f"--limit: goes with dead list, not with dead {args.action}")
    from agent_lanes.services import dead

    letters = dead.chosen(session.backend, args.task_id, args.lane, args.all)
    return (_retry if args.action == RETRY else _discard)(letters, args, session)


def _list(args: Arguments, session: Session) -> int:
    from agent_lanes.services import dead

    looks = session.looks
    views = (looks.status(letter) for letter in dead.letters(session.backend, args.lane, args.limit))
    if args.json:
        from agent_lanes.cli import listing

        listing.show(views)
        return 0
    count = 0
    for view in views:
        parts = [f"{key}={view[key]}" for key in ("lane", "cause", "attempts", "failed_at")]
        output.line(output.one_line("  ".join([str(view["id"]), *parts, str(view["failure_reason"])])))
        count += 1
    if not count:
        output.note("agent-lanes dead: none")
    elif count == args.limit:
        output.note(f"agent-lanes dead: the newest {count}; without --limit, all of them")
    return 0


def _retry(letters: list[Snapshot], args: Arguments, session: Session) -> int:
    from agent_lanes.services import dead

    done = []
    for letter in letters:
        with output.shielded():
            task = dead.retry(session.backend, letter)
            done.append({"task_id": task.id, "retry_of": letter.id})
            if not args.json:
                output.line(task.id)
    if args.json:
        output.json({"status": "retried", "retried": done})
    return 0


def _discard(letters: list[Snapshot], args: Arguments, session: Session) -> int:
    from agent_lanes.services import dead

    for letter in letters:
        dead.discard(session.backend, letter.id, by=args.by, reason=args.reason)
    if args.json:
        output.json({"status": "discarded", "discarded": [letter.id for letter in letters]})
    else:
        output.values(status="discarded", tasks=len(letters))
    return 0
