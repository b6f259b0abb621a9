"""One task for people: what was asked, what happened, what was answered.

show ID --input prints the text that an agent is given: prompt, request, supporting files.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, ID, Arguments, Option, task_id
from agent_lanes.core.escapes import readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID, Option(flag="--input", kind=FLAG, default=False, help="only the text that an agent is given"))


def run(args: Arguments, session: Session) -> int:
    """Print the task."""
    queue = session.looks
    snapshot = queue.read(task_id(args))
    if args.input:
        from agent_lanes.services.briefing import agent_input

        given = agent_input(queue, snapshot)
        if args.json:
            output.json({"status": "ok", "task_id": snapshot.id, "input": given})
        else:
            output.body(given)
        return 0
    from agent_lanes.services import report

    events = list(queue.events(snapshot.id))
    if args.json:
        output.json(report.whole(queue, snapshot, events))
    else:
        page = readable(report.page(queue, snapshot, events))
        output.styled(_headed(page, args) if output.on_terminal(1) or os.environ.get("FORCE_COLOR") else page)
    return 0


def _headed(page: str, args: Arguments) -> str:
    """The page with its headings in bold: what is not indented is none of the task's."""
    from agent_lanes.cli import screen

    paint = screen.Paint(screen.colours(args))
    return "\n".join(paint(line, screen.BOLD) if line[:1] not in ("", " ") else line for line in page.split("\n"))
