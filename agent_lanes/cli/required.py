"""What several commands do with their arguments and lists."""

from __future__ import annotations

from agent_lanes.cli.options import Arguments
from agent_lanes.errors import BadUsage, Damaged


def task_id(args: Arguments) -> str:
    """The task id of a call that must have one. Raises BadUsage."""
    if args.task_id is None:
        raise BadUsage(f"{args.verb} needs a task id", hint="`agent-lanes list` shows the ids")
    return str(args.task_id)


def damaged_list(bad: list[Damaged]) -> dict[str, object]:
    """The `damaged` part of a list: nothing where nothing is damaged."""
    return {"damaged": [{"message": wrong.message, "hint": wrong.hint} for wrong in bad]} if bad else {}
