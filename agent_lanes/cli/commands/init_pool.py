"""Scaffold a pool: one queue, with dispatchers, for many projects.

Makes PATH/.agent-lanes-queue/ and PATH/dispatchers/. Projects join with: agent-lanes init --queue-root <queue>/state.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import ALLOW_NETWORK, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(flag="PATH", help="the folder for the pool"),
    Option(flag="--workspace-id", metavar="N", help="a name for the pool (default: the folder's name)"),
    ALLOW_NETWORK,
)


def run(args: Arguments, session: Session) -> int:
    """Scaffold, and say what comes next."""
    from agent_lanes import scaffold, wiring

    if args.path is None:
        raise BadUsage("init-pool needs the folder for the pool", hint="agent-lanes init-pool PATH")
    folder = os.path.join(session.folder, args.path)
    if not any(os.path.lexists(os.path.join(folder, name)) for name in (scaffold.POOL, scaffold.DISPATCHERS)):
        # Where either is there it is refused, and this check would be a change.
        wiring.check_folder(folder, network=args.allow_network)
    made = scaffold.pool(folder, args.workspace_id)
    if args.allow_network:
        wiring.make_network_store(made["store"])
    if args.json:
        output.json(made)
        return 0
    output.line(f"agent-lanes pool scaffolded for workspace_id: {made['workspace_id']}")
    output.line(f"queue: {made['queue']}")
    for dispatcher in made["dispatchers"]:
        output.line(f"dispatcher: {dispatcher['wrapper']}")
    output.line(f"polling prompt: {made['polling_prompt']}")
    for step in made["next_steps"]:
        output.line(f"next: {step}")
    return 0
