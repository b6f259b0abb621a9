"""Answer a task, once and for all.

The body comes from --file, from --body, or from stdin, and is kept byte for byte (UTF-8, at most 32 MiB). A second
answer is refused; the same answer repeated by the same holder is confirmed. Exit code 76: done, but not confirmed;
repeat the same call.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, ID, PAIRS, WHOLE, Arguments, Option, pairs, task_id
from agent_lanes.core.task import VERDICTS
from agent_lanes.errors import AgentLanesError, BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    ID,
    Option(flag="--claim-token", metavar="T", help="the token that claim printed; not needed for an unclaimed task"),
    Option(flag="--file", metavar="P", help="the body: a file, or - for stdin"),
    Option(flag="--body", metavar="T", help="the body itself"),
    Option(flag="--reviewer", metavar="NAME", default="worker", help="who answers (default: worker)"),
    Option(flag="--status", choices=("completed", "failed"), default="completed", help="how it ended"),
    Option(flag="--retry", kind=FLAG, default=False, help="with --status failed: only this attempt; try again later"),
    Option(flag="--retry-in", metavar="TIME", help="with --retry: after 90s, 10m, 2h (default: doubling)"),
    Option(flag="--follow-up-required", kind=FLAG, default=False, help="more work is needed"),
    Option(flag="--verdict", choices=VERDICTS, help="the verdict of a review"),
    Option(flag="--blocking-count", metavar="N", kind=WHOLE, help="how many findings block (needs needs-revision)"),
    Option(flag="--nonblocking-count", metavar="N", kind=WHOLE, help="how many findings do not"),
    Option(flag="--expect-sha256", metavar="S", help="the SHA-256 of the request that was read"),
    Option(flag="--metadata", metavar="K=V", kind=PAIRS, help="metadata of the response; repeatable"),
)


def run(args: Arguments, session: Session) -> int:
    """Respond, and say what follows."""
    if args.retry or args.retry_in is not None:
        return _retry(args, session)
    from agent_lanes.core.advice import after_response
    from agent_lanes.core.answers import public_response

    queue = session.queue
    answered, repeated = queue.respond(
        task_id(args),
        _body(args),
        token=args.claim_token,
        reviewer=args.reviewer,
        status=args.status,
        verdict=args.verdict,
        blocking_count=args.blocking_count,
        nonblocking_count=args.nonblocking_count,
        follow_up_required=args.follow_up_required,
        expect_sha256=args.expect_sha256,
        metadata={**pairs("--metadata", args.metadata)},
    )
    task, response = answered.task, answered.response
    assert response is not None
    if repeated:
        output.note(f"agent-lanes: task {task.id} had this answer already; confirmed")
    depth, next_action = _depth(session, task.lane), after_response(task.id, held=args.claim_token is not None)
    if args.json:
        output.json(
            {
                "status": response.status,
                "task_id": task.id,
                "correlation_id": task.correlation_id,
                "lane": task.lane,
                "response_path": task.response_path,
                "verdict": response.verdict,
                "blocking_count": response.blocking_count,
                "nonblocking_count": response.nonblocking_count,
                "queue_depth": depth,
                "next_action": next_action,
                "already_done": repeated,
                "response": public_response(response),
            }
        )
        return 0
    output.values(
        status=response.status,
        task_id=task.id,
        verdict=response.verdict,
        response_path=task.response_path,
        queue_depth=depth,
        next_action=next_action,
    )
    return 0


def _retry(args: Arguments, session: Session) -> int:
    """This attempt failed: the task goes back, or is failed for good."""
    if args.status != "failed" or not args.retry:
        raise BadUsage("--retry goes with --status failed, --retry-in with --retry")
    if args.claim_token is None:
        raise BadUsage("--retry needs --claim-token: an attempt is what a claim began")
    from agent_lanes.cli import when
    from agent_lanes.services.control import fail_attempt

    after, repeated = fail_attempt(
        session.backend,
        task_id(args),
        args.claim_token,
        _body(args),
        reviewer=args.reviewer,
        retry_in_seconds=None if args.retry_in is None else when.seconds("--retry-in", args.retry_in),
        metadata={**pairs("--metadata", args.metadata)},
    )
    if repeated:
        output.note(f"agent-lanes: this was said of task {after.id} already; confirmed")
    view = session.looks.status(after)
    if args.json:
        output.json({"status": after.state, "task_id": after.id, "task": view, "already_done": repeated})
        return 0
    shown = ("attempts", "max_attempts", "not_before", "cause", "next_action")
    output.values(status=after.state, task_id=after.id, **{key: view[key] for key in shown})
    return 0


def _depth(session: Session, lane: str) -> int | None:
    """How many tasks wait on the lane; None where that cannot be read: the answer is given, whatever this look says."""
    try:
        return session.looks.depth(lane)
    except AgentLanesError as wrong:
        output.warning(f"queue_depth is not known: {wrong.message}")
        return None


def _body(args: Arguments) -> str:
    from agent_lanes.services import bodies

    if args.body is not None:
        if args.file is not None:
            raise BadUsage("respond takes --file or --body, not both")
        return str(args.body)
    if args.file is not None and args.file != "-":
        from agent_lanes.cli.stdin import read_file

        return bodies.text("body", read_file(args.file, "body"))
    from agent_lanes.cli.stdin import read

    return bodies.text("body", read("body"))
