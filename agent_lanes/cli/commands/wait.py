"""Block until a task is answered, or until a lane has work.

wait ID writes the answer to the task's response path, or prints it where the task has none.
Exit codes: 0 completed, 8 failed, 9 cancelled, 2 timed out (nothing is lost, call again).

wait --all ID ... blocks until all of them are answered, --any until one is, --first N until so many are; - reads the
ids from stdin. One process, however many ids: it is woken, and does not poll. The exit code is that of the worst: 8
where one failed, else 9 where one was cancelled; 2 timed out, naming those that are still open.

wait --lane L prints the next task without claiming it; after the timeout it prints status idle and exits 0.
To take it as well, in one step: agent-lanes claim --lane L --wait SECONDS.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.answers import report
from agent_lanes.cli.options import (
    FLAG,
    HEARTBEAT,
    ID,
    LANE,
    MATCH,
    MORE_IDS,
    QUIET,
    TIMEOUT,
    VENDOR,
    WHOLE,
    Arguments,
    Option,
    pairs,
)
from agent_lanes.errors import BadUsage, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from agent_lanes.core.task import Snapshot
    from agent_lanes.observation import Attendance
    from agent_lanes.ports import Backend
    from agent_lanes.wiring import Session

    T = TypeVar("T")

OPTIONS = (
    ID,
    MORE_IDS,
    Option(flag="--all", kind=FLAG, default=False, help="until all of these tasks are answered"),
    Option(flag="--any", kind=FLAG, default=False, help="until one of these tasks is answered, and tell which"),
    Option(flag="--first", metavar="N", kind=WHOLE, help="until N of these tasks are answered"),
    *(LANE, VENDOR, MATCH, TIMEOUT, HEARTBEAT, QUIET),
)


def run(args: Arguments, session: Session) -> int:
    """Wait for whichever was named."""
    if args.verb == "wait" and (args.all or args.any or args.first is not None):
        from agent_lanes.cli.joined import run as run_for_several

        return run_for_several(args, session)
    if args.task_ids:
        raise BadUsage("wait takes one task id; for several, say which: --all, --any or --first N")
    if args.task_id is not None and args.lane is not None:
        raise BadUsage("wait takes a task id or --lane, not both")
    if args.lane is not None:
        return for_lane(args, session)
    if args.task_id is None or args.verb != "wait":
        raise BadUsage(f"{args.verb} needs {'a task id or ' if args.verb == 'wait' else ''}--lane")
    return for_task(args.task_id, args, session)


def for_task(id: str, args: Arguments, session: Session) -> int:
    """Wait for an answer, write or print it, and return the exit code that its status has."""
    from agent_lanes import durability, newborn  # noqa: F401 - what is needed after the wake-up is loaded before it
    from agent_lanes.core import views  # noqa: F401
    from agent_lanes.services import artifacts, waiting  # noqa: F401

    timeout = waiting.timeout("--timeout", args.timeout)
    heartbeat = waiting.timeout("--heartbeat-seconds", args.heartbeat_seconds)
    if looked_on(args):
        from agent_lanes.cli import progress

        with progress.Progress() as line:
            found = _answer(
                id,
                session,
                timeout,
                progress.REFRESH_SECONDS,
                lambda snapshot: line.show(progress.of_task(snapshot, session.backend)),
            )
    else:
        beat = None if args.quiet else (lambda snapshot: output.note(_heartbeat(snapshot, session)))
        found = _answer(id, session, timeout, heartbeat, beat)
    if found is None:
        now = session.looks.read(id)
        parked = f"; it is parked: {now.claim.reason}" if now.parked and now.claim else ""
        hint = f"nothing is lost; go on: agent-lanes wait {id}"
        raise TimedOut(f"timed out waiting for response: {id}{parked}", hint=hint)
    return report(found, args, session)


def looked_on(args: Arguments) -> bool:
    """Whether a person waits at a terminal, and wants to see how it goes: one line there takes the place of many."""
    return not args.quiet and args.heartbeat_seconds != 0 and output.on_terminal(2)


def _answer(
    id: str, session: Session, timeout: float, beat_seconds: float, beat: Callable[[Snapshot], None] | None
) -> Snapshot | None:
    from agent_lanes.services import waiting

    backend = session.looks.backend
    return waiting.for_answer(backend, id, timeout_seconds=timeout, heartbeat_seconds=beat_seconds, beat=beat)


def for_lane(args: Arguments, session: Session) -> int:
    """Wait for work, print it, take nothing."""
    from agent_lanes.core import views  # noqa: F401 - loaded before the sleep, not after the wake-up
    from agent_lanes.services import waiting

    timeout = waiting.timeout("--timeout", args.timeout)
    session.serves(args.lane)
    queue, match = session.looks, pairs("--match", args.match)
    found = for_work(
        args,
        queue.backend,
        lambda: queue.peek_next(args.lane, vendor=args.vendor, match=match),
        timeout,
    )
    if found is None:
        return idle(args, session, timeout, named="message")
    output.json({"status": "task_available", "lane": args.lane, "task": queue.record(found)})
    from agent_lanes.core.presence import WAIT
    from agent_lanes.services import receipts

    receipts.seen(queue.backend, found, WAIT)
    return 0


def for_work(args: Arguments, backend: Backend, look: Callable[[], T | None], timeout: float) -> T | None:
    """What `look` finds on the lane, as services.waiting.for_work; a person who waits sees for how long."""
    from agent_lanes.core.presence import WAIT
    from agent_lanes.services import presence, waiting

    def attend() -> Attendance:
        return presence.attending(backend, args.lane, vendor=args.vendor, kind=WAIT)

    if timeout <= 0 or not looked_on(args):
        return waiting.for_work(backend, args.lane, look, timeout_seconds=timeout, attend=attend)
    from agent_lanes.cli import progress

    with progress.Progress() as line:
        return waiting.for_work(
            backend,
            args.lane,
            look,
            timeout_seconds=timeout,
            heartbeat_seconds=progress.REFRESH_SECONDS,
            beat=lambda: line.show(f"waiting for work on lane {args.lane} · Ctrl-C ends it"),
            attend=attend,
        )


def idle(args: Arguments, session: Session, timeout: float, *, named: str) -> int:
    """A wait on a lane that found nothing: exit code 0, status idle."""
    most = args.max_concurrency if args.verb == "claim" else None
    reason, message, next_action = session.looks.idle(
        args.lane, vendor=args.vendor, match=pairs("--match", args.match), max_concurrency=most
    )
    if args.json:
        output.json(
            {
                "status": "idle",
                "lane": args.lane,
                "reason": reason,
                "timeout_seconds": timeout,
                "message": message,
                "next_action": next_action,
            }
        )
    elif named == "message":
        output.note(f"{message} Timed out after {timeout:g}s.")
    else:
        output.values(status="idle", reason=reason, next_action=f"call again, or wait longer with --wait: {message}")
    return 0


def _heartbeat(snapshot: Snapshot, session: Session) -> str:
    view = session.looks.status(snapshot)
    parts = [f"agent-lanes wait: task_id={snapshot.id}", f"state={snapshot.state}"]
    if snapshot.state == "claimed":
        last = view["last_event"]
        shown = {key: view[key] for key in CLAIMED_PARTS}
        shown["last_event"] = f"{last['type']}@{last['created_at']}" if isinstance(last, dict) else None
        parts += [f"{key}={value}" for key, value in shown.items()]
    parts.append(f"next_action={view['next_action']}")
    return "; ".join(parts)


CLAIMED_PARTS = (
    "claim_owner",
    "claimed_age_seconds",
    "lease_expires_at",
    "lease_expired",
    "response_path",
    "response_exists",
)
