"""What happens in the whole store: one line for each event, oldest first; with --follow, also what is still to come.

    agent-lanes events --follow --type response --json

With --json each line is an object; its cursor, given to --since, goes on after it, also after a restart. The newest
128 MiB are kept. events ID tells the whole history of one task.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, ID, LANE, PAIRS, WHOLE, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.logged import Logged
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    Option(flag="--follow", kind=FLAG, default=False, help="go on with what is still to come, until Ctrl-C"),
    LANE,
    Option(flag="--type", metavar="T", kind=PAIRS, help="only events of this type; repeatable"),
    Option(flag="--since", metavar="CURSOR", help="after this cursor, or from a time on (10m, 2h, or a time)"),
    Option(flag="--limit", metavar="N", kind=WHOLE, help="the newest N; with --follow, end after N"),
)


def run(args: Arguments, session: Session) -> int:
    """Print them, as they come."""
    if args.limit is not None and args.limit < 1:
        raise BadUsage(f"--limit: {args.limit} is below 1")
    from agent_lanes.services import following

    session.looks_at(args.lane)
    cursor, since = _since(args, session)
    found = following.selected(
        _lines(args, session, cursor, since),
        task_id=None if args.task_id is None else session.looks.read(args.task_id).id,
        lane=args.lane,
        types=tuple(args.type),
        since=since,
    )
    if args.limit is not None and not args.follow:
        found = iter(list(found)[-args.limit :])
    for count, one in enumerate(found, start=1):
        output.text(_shown(one, args))
        if count == args.limit:
            break
    return 0


def _lines(args: Arguments, session: Session, cursor: str | None, since: int | None) -> Iterator[Logged]:
    backend = session.backend
    if args.follow:
        from agent_lanes.services import following

        return following.follow(backend, backend.log_end() if cursor is None and since is None else cursor)
    if args.task_id is not None and cursor is None:
        from agent_lanes.core.logged import Logged

        snapshot = session.looks.read(args.task_id)
        return (Logged(task_id=snapshot.id, lane=snapshot.task.lane, event=one) for one in backend.events(snapshot.id))
    return backend.log(cursor)


def _since(args: Arguments, session: Session) -> tuple[str | None, int | None]:
    """A cursor, or an instant."""
    if args.since is None:
        return None, None
    from agent_lanes.core.logged import is_cursor

    if is_cursor(args.since):
        return args.since, None
    from agent_lanes.cli import when

    now = session.backend.now().wall
    try:
        return None, now - round(when.seconds("--since", args.since) * 1_000_000)
    except BadUsage:
        return None, when.instant("--since", args.since, now)


def _shown(one: Logged, args: Arguments) -> str:
    from agent_lanes.core.logged import public_logged

    if args.json:
        return output.json_line(public_logged(one))
    import time

    event = one.event
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.created_at / 1_000_000))
    data = " ".join(f"{key}={value}" for key, value in event.data.items())
    line = f"{at}  {one.task_id[-12:]}  {one.lane}  {event.type}  {event.message}"
    return output.one_line(f"{line}  {data}" if data else line) + "\n"
