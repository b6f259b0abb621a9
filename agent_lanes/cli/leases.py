"""What a claimer is told of its lease."""

from __future__ import annotations

from agent_lanes.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Arguments
    from agent_lanes.core.task import Snapshot


def tell_cut(held: Snapshot, args: Arguments) -> None:
    """Say so where the lease is shorter than what was asked for."""
    most = held.task.max_lease_seconds
    if most is not None and args.lease_seconds is not None and args.lease_seconds > most:
        output.note(
            f"agent-lanes {args.verb}: the lease is {most:g} s, the longest of this task, not what was asked for"
        )
