"""Submit a task, wait for it, print the answer (and write it to --response-to, if given): everything in one.

While it waits, a terminal shows one line of progress (state, owner, last event, age). The exit code is that of
wait: 0 completed, 8 failed, 2 timed out (nothing is lost: the line says how to go on).
"""

from __future__ import annotations

import time

from agent_lanes.cli import output
from agent_lanes.cli.commands import submit, wait
from agent_lanes.cli.options import HEARTBEAT, QUIET, SUBMISSION, TIMEOUT, Arguments
from agent_lanes.core.escapes import one_line
from agent_lanes.errors import Interrupted, TimedOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Snapshot
    from agent_lanes.wiring import Session

OPTIONS = (*SUBMISSION, TIMEOUT, HEARTBEAT, QUIET)
REFRESH_SECONDS = 1.0


def run(args: Arguments, session: Session) -> int:
    """Submit, then wait."""
    from agent_lanes.services import waiting

    waiting.timeout("--timeout", args.timeout)
    waiting.timeout("--heartbeat-seconds", args.heartbeat_seconds)
    wanted, watched = submit.submission(args, session), output.on_terminal(2) and not args.quiet
    with output.shielded():  # whoever interrupts this is told which task goes on
        task, new = session.queue.submit(wanted)
        submit.tell(task, new, wanted)
        if not watched and not args.quiet:
            output.note(f"agent-lanes run: task_id={task.id}")
    how = f"the task goes on; do not run it again, but wait for it: agent-lanes wait {task.id}"
    try:
        return _wait(task.id, args, session, watched)
    except TimedOut as over:
        over.hint, over.retryable = how, False  # another `run` would be another task
        raise
    except KeyboardInterrupt:
        interrupted = Interrupted("interrupted", hint=how)
        interrupted.retryable = False
        raise interrupted from None


def _wait(id: str, args: Arguments, session: Session, watched: bool) -> int:
    if not watched:
        return wait.for_task(id, args, session)
    progress = Progress(session)
    try:
        return wait.for_task(id, args, session, beat=progress.show, beat_seconds=REFRESH_SECONDS, after=progress.end)
    except BaseException:
        progress.end()
        raise


class Progress:
    """One line on the terminal that is written over and over."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._started = time.monotonic()
        self._width = 0

    def show(self, snapshot: Snapshot) -> None:
        """Draw the line anew."""
        last = self._session.backend.last_event(snapshot.id)
        owner = f" by {snapshot.claim.owner}" if snapshot.claim and snapshot.claim.held else ""
        event = f" · {last.type}{': ' + last.message if last.message else ''}" if last else ""
        age = int(time.monotonic() - self._started)
        line = one_line(f"{snapshot.state}{owner}{event} · {age // 60}:{age % 60:02d} · {snapshot.id}")[:110]
        output.over(line.ljust(self._width))
        self._width = len(line)

    def end(self) -> None:
        """Remove the line."""
        output.over(" " * self._width)
        output.over("")
