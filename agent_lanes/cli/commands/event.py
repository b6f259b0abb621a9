"""Add a line to a task's history: progress for whoever waits.

agent-lanes event "$id" --type note --message "tests pass, writing the summary"

Anybody may. With --claim-token, only who holds that claim: a worker that has lost its task is refused (exit code 4).
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import ID, PAIRS, TOKEN, Arguments, Option, pairs, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    Option(flag="--type", metavar="TYPE", default="note", help="the kind of event (default: note)"),
    Option(flag="--message", metavar="M", default="", help="what happened"),
    Option(flag="--data", metavar="K=V", kind=PAIRS, help="details; repeatable"),
    TOKEN.replace(help="refuse the event once this claim is lost", required=False),
)


def run(args: Arguments, session: Session) -> int:
    """Append the event."""
    data: JsonObject = {**pairs("--data", args.data)}
    session.queue.event(task_id(args), type=args.type, message=args.message, data=data, token=args.claim_token)
    if args.json:
        output.json({"status": "ok", "task_id": args.task_id})
    else:
        output.line(args.task_id)
    return 0
