"""Which config, store and workspace this call means, and why.

Use it first when two agents do not see each other's tasks: their stores must be the same.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import Arguments
from agent_lanes.core.holds import encode_hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Option
    from agent_lanes.wiring import Session

OPTIONS: tuple[Option, ...] = ()


def run(args: Arguments, session: Session) -> int:
    """Print it."""
    from agent_lanes.services import presence

    found, store = session.found, session.store_address
    workspace_id, root = session.workspace
    holds = session.looks.holds() if os.path.isdir(store) else []
    listening = presence.listed(session.backend)
    answer = {
        "status": "ok",
        "config": found.config_path,
        "config_why": found.config_why,
        "store": store,
        "store_why": found.store_why,
        "store_exists": os.path.isdir(store),
        "workspace_id": workspace_id,
        "workspace_root": os.path.realpath(root),
        "lanes": sorted(session.lanes.rules),
        "holds": [encode_hold(hold) for hold in holds],
        "listening": listening,
    }
    if args.json:
        output.json(answer)
        return 0
    output.line(f"config     {found.config_path or 'none'}  ({found.config_why})")
    output.line(f"store      {store}  ({found.store_why}{'' if answer['store_exists'] else '; not there yet'})")
    output.line(f"workspace  {workspace_id}  {answer['workspace_root']}")
    for hold in holds:
        output.line(f"on hold    {hold.story}")
    output.line(f"listening  {len(listening)}" + ("  (agent-lanes listeners)" if listening else "  (nobody)"))
    return 0
