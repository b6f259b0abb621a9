"""Queue a task.

The request is a file inside the workspace, or text on stdin (-), which the store then keeps. Prints the id:

    id=$(agent-lanes submit --lane review --request-from plan.md --response-to outputs/review.md)
    agent-lanes wait "$id"

--many takes tasks as lines of JSON, with the keys of a task file, and submits them together: many times faster than
one by one. Each line is done or not done, whatever becomes of the others. It prints an id for each line, in order, or
- for one that was refused; which, and why, stands on stderr. Exit code 65: some were refused.

A line may have a name, and depend on the lines that have these names, before or behind it:

    {"name": "a", "lane": "build", "prompt": "..."}
    {"name": "b", "lane": "test", "prompt": "...", "depends_on": ["@a"]}
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.asking import submission, tell, warn
from agent_lanes.cli.options import FLAG, SUBMISSION, Arguments, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    *SUBMISSION,
    Option(
        flag="--many",
        metavar="FILE.jsonl",
        help="tasks as lines of JSON, - for stdin; flags hold for each of them",
    ),
    Option(flag="--quiet", kind=FLAG, default=False, help="no warning where nobody is listening"),
)


def run(args: Arguments, session: Session) -> int:
    """Submit, and print the id."""
    if args.many is not None:
        from agent_lanes.cli.many import run as run_many

        return run_many(args, session)
    from agent_lanes.services.presence import Audience

    wanted, audience = submission(args, session), Audience(session.backend, every=args.json)
    audience.look(wanted)
    with output.shielded():  # a task whose id nobody saw would be submitted twice
        task, new = session.queue.submit(wanted)
        tell(task, new, wanted)
        if args.json:
            from agent_lanes.core.task import Snapshot

            view = session.queue.record(Snapshot(task=task) if new else session.queue.read(task.id))
            output.json({"task_id": task.id, "task": view, "already_done": not new, "listeners": audience.count(task)})
        else:
            output.line(task.id)
    if new:
        warn(audience, task, args)
    return 0
