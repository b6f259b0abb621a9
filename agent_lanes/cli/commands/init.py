"""Scaffold handoff/ in a project: config, dispatcher, wrapper, prompts, state folder.

Refuses to overwrite. --queue-root is written as given: a folder outside makes this project share a pool's queue.
With --pack also prompt-pack/: steps, two roles, a script that goes through them.
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import ALLOW_NETWORK, FLAG, Arguments, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(flag="PATH", help="the project's folder (default: this one)"),
    Option(flag="--workspace-id", metavar="N", help="a name for the project (default: the folder's name)"),
    Option(flag="--workspace-root", metavar="P", help="the project's root, seen from handoff/ (default: ..)"),
    Option(flag="--queue-root", metavar="P", help="the state folder, seen from handoff/ (default: state)"),
    Option(flag="--pack", kind=FLAG, default=False, help="a prompt pack as well; where there is a handoff/, only that"),
    ALLOW_NETWORK,
)
PACK_STEP = "put your steps into prompt-pack/steps/, then: bash prompt-pack/run.sh"


def run(args: Arguments, session: Session) -> int:
    """Scaffold, and say what comes next."""
    from agent_lanes import scaffold, wiring

    folder = os.path.join(session.folder, args.path or ".")
    handoff = os.path.join(folder, "handoff")
    if args.pack and os.path.isfile(os.path.join(handoff, "handoff.yaml")):
        return _pack_alone(args, scaffold.pack(folder))
    if not os.path.lexists(handoff):  # else it is refused, and the check's own files would be a change
        wiring.check_folder(os.path.join(handoff, args.queue_root or "."), network=args.allow_network)
    made = scaffold.project(folder, args.workspace_id, args.workspace_root, args.queue_root)
    if args.allow_network:
        wiring.make_network_store(os.path.normpath(os.path.join(made["handoff"], made["queue_root"])))
    if args.pack:
        made["prompt_pack"] = scaffold.pack(folder)
        made["next_steps"].append(PACK_STEP)
    if args.json:
        output.json(made)
        return 0
    output.line(f"agent-lanes engine scaffolded at: {made['handoff']}")
    for key in ("workspace_id", "workspace_root", "queue_root"):
        output.line(f"{key}: {made[key]}")
    for step in made["next_steps"]:
        output.line(f"next: {step}")
    return 0


def _pack_alone(args: Arguments, place: str) -> int:
    if args.json:
        output.json({"status": "initialized", "prompt_pack": place, "next_steps": [PACK_STEP]})
        return 0
    output.line(f"prompt pack scaffolded at: {place}")
    output.line(f"next: {PACK_STEP}")
    return 0
