"""The OpenAPI 3.1 description of the routes, made from their table."""

from __future__ import annotations

import agent_lanes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_lanes.core.jsontext import Json, JsonObject
    from agent_lanes.server.route import Route

ERROR = {"error": "string", "code": "string", "hint": "string", "retryable": "boolean"}
ERRORS = {
    400: "refused: what was sent, or the state of the task, does not allow it",
    401: "no token, or another",
    403: "a Host or an Origin that may not use this server",
    404: "no such task, or no such route",
    405: "no method of this route",
    408: "the wait ran out, or the body took too long",
    411: "a body without Content-Length",
    413: "a body beyond the limit",
    415: "a body that is not said to be JSON",
    429: "more at once than the server takes",
    500: "the store could not do it",
    503: "somebody else holds what this needs",
}


def description(table: Sequence[Route]) -> JsonObject:
    """The whole document."""
    paths: dict[str, Json] = {}
    for route in table:
        operations = paths.setdefault(route.path, {})
        assert isinstance(operations, dict)
        operations[route.method.lower()] = _operation(route)
    licence: JsonObject = {"name": "MIT", "identifier": "MIT"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "agent-lanes", "version": agent_lanes.__version__, "license": licence},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _object({name: {"type": kind} for name, kind in ERROR.items()}, tuple(ERROR))},
        },
    }


def _operation(route: Route) -> JsonObject:
    made: JsonObject = {
        "operationId": f"{route.method.lower()}_{'_'.join(route.parts)}".replace("{id}", "task").replace(".", "_"),
        "summary": route.summary,
        "responses": _responses(route),
    }
    parameters = _parameters(route)
    if parameters:
        made["parameters"] = parameters
    if route.body is not None:
        schema = {**_object(route.body, route.needed), "additionalProperties": False}
        made["requestBody"] = {"required": bool(route.needed), "content": {"application/json": {"schema": schema}}}
    if route.is_open:
        made["security"] = []
    return made


def _parameters(route: Route) -> list[Json]:
    found: list[Json] = []
    if "{id}" in route.parts:
        found.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    for name, schema in route.query.items():
        found.append({"name": name, "in": "query", "required": name in route.needed, "schema": schema})
    return found


def _responses(route: Route) -> JsonObject:
    responses: JsonObject = {}
    for status in route.statuses:
        schema = _object({key: {} for key in route.keys}, route.keys)
        content: JsonObject = {route.media: {"schema": schema if route.keys else {"type": "string"}}}
        if route.path == "/events":
            content["text/event-stream"] = {"schema": {"type": "string"}}
        responses[str(status)] = {"description": route.summary, "content": content}
    for status, meaning in ERRORS.items():
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        responses[str(status)] = {"description": meaning, "content": content}
    return responses


def _object(properties: dict[str, JsonObject], needed: tuple[str, ...]) -> JsonObject:
    made: JsonObject = {"type": "object", "properties": dict(properties)}
    if needed:
        made["required"] = list(needed)
    return made
