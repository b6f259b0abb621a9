"""Take a task under a lease: one by its id, or the next one of a lane.

claim --lane L [--vendor V] [--wait SECONDS] finds and claims in one step; status is claimed or idle, both exit 0.
Keep the token: renew, release and respond need it.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.leases import tell_cut
from agent_lanes.cli.options import (
    ID,
    LANE,
    LEASE,
    MATCH,
    MAX_CONCURRENCY,
    NUMBER,
    OWNER,
    VENDOR,
    Arguments,
    Option,
    pairs,
)
from agent_lanes.core.times import iso
from agent_lanes.errors import BadUsage, Busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agent_lanes.core.task import Snapshot
    from agent_lanes.wiring import Session

WAIT = Option(
    flag="--wait", metavar="SECONDS", kind=NUMBER, default=0, help="with --lane: block so long for a task (default: 0)"
)
REQUEST_ID = Option(
    flag="--request-id",
    metavar="R",
    help="a key of yours: the same claim repeated with it returns the same token while the lease holds",
)
OPTIONS = (ID, LANE, VENDOR, MATCH, WAIT, OWNER, LEASE, REQUEST_ID, MAX_CONCURRENCY)


def run(args: Arguments, session: Session) -> int:
    """Claim whichever was named."""
    if (args.task_id is None) == (args.lane is None):
        raise BadUsage("claim takes a task id or --lane, one of the two")
    if args.task_id is not None:
        if args.vendor is not None or args.match or args.wait or args.max_concurrency is not None:
            raise BadUsage("--vendor, --match, --wait and --max-concurrency go with --lane, not with a task id")
        with output.shielded():
            return _report(session.queue.claim(args.task_id, **_how(args)), args, session)
    from agent_lanes.core.presence import CLAIM
    from agent_lanes.services import presence, requests, waiting  # noqa: F401 - loaded before the sleep, not after it

    timeout = waiting.timeout("--wait", args.wait)
    session.serves(args.lane)
    queue, match = session.queue, pairs("--match", args.match)

    def attempt() -> int | None:
        with output.shielded():  # a claim whose token nobody saw would keep its task for a whole lease
            taken = queue.claim_next(
                args.lane, vendor=args.vendor, match=match, max_concurrency=args.max_concurrency, **_how(args)
            )
            return None if taken is None else _report(taken, args, session)

    code = waiting.for_work(
        queue.backend,
        args.lane,
        attempt,
        timeout_seconds=timeout,
        attend=lambda: presence.attending(queue.backend, args.lane, vendor=args.vendor, owner=args.owner, kind=CLAIM),
    )
    if code is not None:
        return code
    from agent_lanes.cli.commands.wait import idle

    return idle(args, session, timeout, named="values")


def _how(args: Arguments) -> dict[str, Any]:
    return {"owner": args.owner, "lease_seconds": args.lease_seconds, "request_id": args.request_id}


def _report(taken: Snapshot, args: Arguments, session: Session) -> int:
    """Print the token; where nobody can read it, put the task back: else it would be held for a whole lease."""
    assert taken.claim is not None
    try:
        _print(taken, args, session)
    except output.NotWritten:
        session.queue.release(taken.id, taken.claim.token, reason="the claimer was gone before it had its token")
        raise Busy(
            f"claimed {taken.id}, but nobody could read the token: released again", hint="repeat the call"
        ) from None
    return 0


def _print(taken: Snapshot, args: Arguments, session: Session) -> None:
    task, claim = taken.task, taken.claim
    assert claim is not None
    tell_cut(taken, args)
    if args.json:
        view = session.queue.record(taken)
        output.json({"status": "claimed", "task_id": task.id, "claim_token": claim.token, "task": view})
        return
    output.values(
        task_id=task.id,
        claim_token=claim.token,
        lane=task.lane,
        request_path=session.backend.request_location(task),
        response_path=task.response_path,
        workspace_root=task.workspace_root,
        worktree_path=task.worktree_path,
        branch=task.expected_branch,
        lease_expires_at=iso(claim.lease.expires_at),
    )
