"""Lengthen the lease of a claim.

Also works after the lease has run out, as long as nobody has claimed the task since. Exit code 4 means that the
task is no longer yours: stop work on it.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.leases import tell_cut
from agent_lanes.cli.options import ID, LEASE, TOKEN, Arguments, task_id
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (ID, TOKEN, LEASE)


def run(args: Arguments, session: Session) -> int:
    """Renew, and say until when."""
    renewed = session.queue.renew(task_id(args), args.claim_token, lease_seconds=args.lease_seconds)
    assert renewed.claim is not None
    tell_cut(renewed, args)
    if args.json:
        view = session.queue.record(renewed)
        output.json({"status": "renewed", "task_id": renewed.id, "claim_token": args.claim_token, "task": view})
    else:
        until = iso(renewed.claim.lease.expires_at)
        output.values(status="renewed", task_id=renewed.id, lease_expires_at=until)
    return 0
