"""The tools: few, and short, because every agent that is told of them pays for each word."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import ACTIVE as UNFINISHED
from agent_lanes.core.task import COMPLETED, FAILED, FINISHED, VERDICTS
from agent_lanes.mcp import calls
from agent_lanes.mcp.arguments import Argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LONGEST_WAIT_SECONDS = 3600  # a client that asks for more has its own limit, and calls again
DEFAULT_WAIT_SECONDS = 50  # below the 60 s after which the most impatient client gives up a call


class Tool(Frozen):
    """One tool. `call` answers at once; one that waits has `look`, called until it finds something, and `nothing`,
    which says what became of a wait that ran out.
    """

    name: str
    description: str
    arguments: tuple[Argument, ...] = ()
    call: Callable[..., Any] | None = None
    look: Callable[..., Any] | None = None
    nothing: Callable[..., Any] | None = None
    default_wait_seconds: float = 0
    reads: bool = False


TASK = Argument(name="task_id", required=True)
TOKEN = Argument(name="claim_token", required=True)
LANE = Argument(name="lane", required=True)
LEASE = Argument(name="lease_seconds", kind="number")
REASON = Argument(name="reason")


def _wait(default: float) -> Argument:
    help = f"default {default:g}"
    return Argument(name="wait_seconds", kind="number", help=help, most=LONGEST_WAIT_SECONDS)


TOOLS = (
    Tool(
        name="submit_task",
        description="Queue work for another agent; then wait_for_response.",
        arguments=(
            LANE,
            Argument(name="prompt", help="what to do"),
            Argument(name="request", help="the text to do it with"),
            Argument(name="request_path", help="or a file in the workspace"),
            Argument(name="response_to", help="file in the workspace to write the answer to"),
            Argument(name="vendor", help="claude, codex, ...; default any"),
            Argument(name="depends_on", kind="array", help="task ids that must complete first"),
            Argument(name="priority", kind="integer", help="0 urgent to 9, default 5", most=9),
            Argument(name="idempotency_key", help="makes repeating safe"),
            Argument(name="metadata", kind="object"),
        ),
        call=calls.submit,
    ),
    Tool(
        name="wait_for_response",
        description="Block until the task is answered. status pending: call again, nothing is lost.",
        arguments=(TASK, _wait(DEFAULT_WAIT_SECONDS)),
        look=calls.wait,
        nothing=calls.still_open,
        default_wait_seconds=DEFAULT_WAIT_SECONDS,
    ),
    Tool(
        name="get_task", description="State of a task, and its answer.", arguments=(TASK,), call=calls.get, reads=True
    ),
    Tool(
        name="list_tasks",
        description="Newest tasks; unfinished ones unless a state is named or finished is true.",
        arguments=(
            Argument(name="lane"),
            Argument(name="state", choices=(*UNFINISHED, *FINISHED)),
            Argument(name="finished", kind="boolean"),
            Argument(name="limit", kind="integer", help=f"default {calls.MANY}", most=500),
        ),
        call=calls.several,
        reads=True,
    ),
    Tool(
        name="claim_next",
        description="Take the next task of a lane, to do it yourself. Returns input and claim_token.",
        arguments=(LANE, Argument(name="vendor", help="yours"), Argument(name="owner"), LEASE, _wait(0)),
        look=calls.work,
        call=calls.claim,
        nothing=calls.idle,
    ),
    Tool(
        name="report_progress",
        description="Note progress and renew the lease of a claimed task.",
        arguments=(TASK, TOKEN, Argument(name="message", required=True), LEASE),
        call=calls.progress,
    ),
    Tool(
        name="respond",
        description="Answer a claimed task, once.",
        arguments=(
            TASK,
            TOKEN,
            Argument(name="body", required=True, help="the whole answer; if failed, why"),
            Argument(name="status", choices=(COMPLETED, FAILED)),
            Argument(name="retry", kind="boolean", help="with failed: let another attempt follow"),
            Argument(name="verdict", choices=VERDICTS),
            Argument(name="metadata", kind="object"),
        ),
        call=calls.respond,
    ),
    Tool(name="release", description="Give a claimed task back.", arguments=(TASK, TOKEN, REASON), call=calls.release),
    Tool(name="cancel", description="Stop a task for good.", arguments=(TASK, REASON), call=calls.cancel),
    Tool(name="where", description="Which queue, lanes and listeners.", call=calls.where, reads=True),
)


def tool(name: str) -> Tool | None:
    """The tool of that name, if there is one."""
    return next((one for one in TOOLS if one.name == name), None)
