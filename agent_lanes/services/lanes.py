"""What the rules of its lane make of a task that is submitted."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.errors import BadUsage, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.fairness import Flow
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.rules import Lanes, Rules
    from agent_lanes.core.task import Task
    from agent_lanes.ports import Backend


def declared(lane: str, lanes: Lanes) -> Rules:
    """The rules of a lane. Raises Refused where only declared lanes take tasks, and this is none of them."""
    if lanes.strict and lane not in lanes.rules:
        raise Refused(
            f"lane {names.shown(lane)} is not declared, and the config says strict_lanes",
            hint=f"declared are: {names.some(sorted(lanes.rules))}",
        )
    return lanes.of(lane)


def served(lane: str, lanes: Lanes, backend: Backend) -> Rules:
    """The rules of a lane that somebody wants work from.

    Raises Refused as `declared`, but for a lane that has had tasks: those that are there may be done.
    """
    if lanes.strict and lane not in lanes.rules and not backend.ever_submitted(lane):
        declared(lane, lanes)
    return lanes.of(lane)


def of_lane(lane: str, rules: Rules, metadata: JsonObject) -> dict[str, object]:
    """What the lane says of the route and of the answer. Raises BadUsage, BadData; see services.schemas."""
    schema = None
    if rules.response_schema is not None:
        from agent_lanes.services import schemas

        schema = schemas.of(lane, rules.response_schema)
    return {"route": _route(rules, metadata), "response_schema": schema}


def _route(rules: Rules, metadata: JsonObject) -> str | None:
    """The value that routes a task in a lane with `route_by`. Raises BadUsage where it can be no route."""
    if rules.route_by is None:
        return None
    value = metadata.get(rules.route_by)
    if value is None:
        return names.ANY_VENDOR
    try:
        return names.vendor(value)
    except BadUsage as wrong:
        raise BadUsage(wrong.message.replace("vendor", f"metadata.{rules.route_by}", 1)) from None


def flow_of(task: Task) -> Flow:
    """Whose turn a task takes in a fair lane."""
    from agent_lanes.core.fairness import Flow

    return Flow(source=task.source_agent, route=task.vendor, priority=task.priority)
