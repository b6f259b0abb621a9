"""Submit a task, wait for it, print the answer (and write it to --response-to, if given): everything in one.

While it waits, a terminal shows one line of progress (state, owner, last event, age). The exit code is that of
wait: 0 completed, 8 failed, 2 timed out (nothing is lost: the line says how to go on).
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.commands import submit, wait
from agent_lanes.cli.options import HEARTBEAT, QUIET, SUBMISSION, TIMEOUT, Arguments
from agent_lanes.errors import Interrupted, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (*SUBMISSION, TIMEOUT, HEARTBEAT, QUIET)


def run(args: Arguments, session: Session) -> int:
    """Submit, then wait."""
    from agent_lanes.services import waiting
    from agent_lanes.services.presence import Audience

    waiting.timeout("--timeout", args.timeout)
    waiting.timeout("--heartbeat-seconds", args.heartbeat_seconds)
    wanted = submit.submission(args, session)
    audience = Audience(session.backend, every=False)
    audience.look(wanted)
    with output.shielded():  # whoever interrupts this is told which task goes on
        task, new = session.queue.submit(wanted)
        submit.tell(task, new, wanted)
        if not args.quiet and not wait.looked_on(args):
            output.note(f"agent-lanes run: task_id={task.id}")
    if new:
        submit.warn(audience, task, args)
    how = f"the task goes on; do not run it again, but wait for it: agent-lanes wait {task.id}"
    try:
        return wait.for_task(task.id, args, session)
    except TimedOut as over:
        over.hint, over.retryable = how, False  # another `run` would be another task
        raise
    except KeyboardInterrupt:
        interrupted = Interrupted("interrupted", hint=how)
        interrupted.retryable = False
        raise interrupted from None
