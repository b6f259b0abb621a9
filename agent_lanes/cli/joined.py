"""wait --all, --any and --first N: several tasks in one process.

The answers of those that have ended are written to their response paths, as wait does, whatever becomes of the others.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.answers import noted, report, written
from agent_lanes.cli.options import Arguments
from agent_lanes.core.escapes import one_line
from agent_lanes.core.names import some
from agent_lanes.errors import BadUsage, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot
    from agent_lanes.services.joins import Joined
    from agent_lanes.wiring import Session

STDIN = "-"


def run(args: Arguments, session: Session) -> int:
    """Wait, tell, and return the exit code of what has ended; 2 where the time ran out."""
    from agent_lanes import durability, newborn  # noqa: F401 - loaded before the sleep, not after the wake-up
    from agent_lanes.core import views  # noqa: F401
    from agent_lanes.services import artifacts, joins, waiting  # noqa: F401

    ids = joins.checked(_ids(args))
    enough = len(ids) if args.all else 1 if args.any else joins.count("--first", args.first, ids)
    heartbeat = waiting.timeout("--heartbeat-seconds", args.heartbeat_seconds)
    joined = joins.until(
        session.backend,
        ids,
        enough=enough,
        timeout_seconds=waiting.timeout("--timeout", args.timeout),
        heartbeat_seconds=0 if args.quiet else heartbeat,
        beat=lambda so_far: output.note(_heartbeat(so_far)),
    )
    if len(joined.ended) < enough:
        return _timed_out(joined, ids, args, session)
    if args.any:
        return _told(joined.ended[0], joined, args, session)
    ended = joined.in_order(ids) if args.all else joined.ended[:enough]
    shown = [written(one, session) for one in ended]
    if args.json:
        output.json({"status": _status(ended), "tasks": shown, "open": list(joined.open)})
    else:
        output.text("".join(map(_line, shown)))
    noted(ended, session)
    return joins.exit_code(ended)


def _ids(args: Arguments) -> list[str]:
    if sum((args.all, args.any, args.first is not None)) > 1:
        raise BadUsage("wait takes one of --all, --any and --first")
    if args.lane is not None or args.vendor is not None or args.match:
        raise BadUsage("wait --all, --any and --first take task ids; --lane, --vendor and --match do not go with them")
    given = [args.task_id, *args.task_ids] if args.task_id is not None else []
    if given == [STDIN]:
        from agent_lanes.cli.stdin import read

        given = read("task ids").decode("utf-8", "replace").split()
    if not given:
        raise BadUsage("wait: no task ids", hint="agent-lanes wait --all ID ID ...; - reads them from stdin")
    return given


def _told(first: Snapshot, joined: Joined, args: Arguments, session: Session) -> int:
    """The outcome of the one that ended first, as a wait for it alone tells it; and which are still open."""
    if args.json:
        from agent_lanes.services import joins

        output.json({**written(first, session), "open": list(joined.open)})
        noted([first], session)
        return joins.exit_code([first])
    code = report(first, args, session)
    still = f"; still open: {some(joined.open)}" if joined.open else ""
    output.note(f"agent-lanes wait: {first.id} ended first{still}")
    return code


def _timed_out(joined: Joined, ids: Sequence[str], args: Arguments, session: Session) -> int:
    from agent_lanes.services import joins

    shown = [written(one, session) for one in joined.in_order(ids)]
    wrong = TimedOut(joins.still_open(joined), hint="nothing is lost: call again")
    output.failure(wrong, as_json=False)
    if args.json:
        output.json({**output.as_object(wrong), "tasks": shown, "open": list(joined.open)})
    else:
        output.text("".join(map(_line, shown)))
    noted(joined.in_order(ids), session)
    return wrong.exit_code


def _line(shown: JsonObject) -> str:
    response = shown["response"]
    verdict = response.get("verdict") if isinstance(response, dict) else None
    parts = (f"status={shown['status']}", f"task_id={shown['task_id']}", f"verdict={verdict or ''}")
    return one_line(" ".join((*parts, f"response_path={shown['response_path'] or ''}"))) + "\n"


def _status(ended: Sequence[Snapshot]) -> str:
    states = {one.state for one in ended}
    return next((state for state in ("failed", "cancelled") if state in states), "completed")


def _heartbeat(joined: Joined) -> str:
    count = len(joined.ended) + len(joined.open)
    return f"agent-lanes wait: {len(joined.ended)} of {count} ended; open: {some(joined.open)}"
