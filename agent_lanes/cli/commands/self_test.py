"""A whole cycle in a temporary folder: submit, claim, respond, wait. Prints a line with `passed`.

Touches no queue of yours.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Option
    from agent_lanes.wiring import Session

OPTIONS: tuple[Option, ...] = ()


def run(args: Arguments, session: Session) -> int:
    """Run it."""
    import tempfile

    from agent_lanes.wiring import Session as Fresh

    with tempfile.TemporaryDirectory(prefix="agent-lanes-self-test-") as folder:
        task_id = _cycle(Fresh(store=folder + "/state"), folder)
    if args.json:
        output.json({"status": "passed", "task_id": task_id})
    else:
        output.line(f"self-test passed: {task_id}")
    return 0


def _cycle(session: Session, folder: str) -> str:
    from agent_lanes.errors import AgentLanesError
    from agent_lanes.services import artifacts, waiting
    from agent_lanes.services.submission import Submission

    queue, body = session.queue, "the answer\n"
    task, _ = queue.submit(
        Submission(
            lane="self-test",
            workspace_id="self-test",
            workspace_root=folder,
            base=folder,
            request_bytes=b"the request\n",
            response_to="answer.md",
            metadata={},
        )
    )
    taken = queue.claim_next("self-test", owner="self-test")
    if taken is None or taken.id != task.id or taken.claim is None:
        raise AgentLanesError("self-test failed: the task that was submitted was not found")
    queue.renew(task.id, taken.claim.token)
    queue.respond(task.id, body, token=taken.claim.token)
    found = waiting.for_answer(queue.backend, task.id, timeout_seconds=10)
    if found is None or found.response is None or found.response.body != body or found.task.response_path is None:
        raise AgentLanesError("self-test failed: the answer did not come back as it was given")
    artifacts.write_answer(found.task, found.response.body, store=session.store_address, config=None)
    return task.id
