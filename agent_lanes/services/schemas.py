"""JSON Schemas of answers: checked at submit, applied to the answer. The only door to `jsonschema`.

It is an extra, and slow to load: nothing here is imported unless a lane, or a task, has a schema.
"""

from __future__ import annotations

from agent_lanes.core.jsontext import loads, loads_object
from agent_lanes.errors import AgentLanesError, BadData, missing, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agent_lanes.core.jsontext import JsonObject

LONGEST_SCHEMA_BYTES = 256 << 10
DEEPEST = 40
MOST_PROBLEMS = 5
REFERENCES = ("$ref", "$dynamicRef")
HINT = "mend the answer and respond again, or with status failed"


def of(lane: str, stated: JsonObject | str) -> JsonObject:
    """The schema of a lane, from its config or from the file that it names, found to be one.

    Raises BadData, StorageFailed; AgentLanesError where `jsonschema` is not installed.
    """
    where = f"response_schema of lane {lane}"
    schema = _read(where, stated) if isinstance(stated, str) else stated
    _closed(where, schema, 0)
    kind = type(_validator(where, schema))
    problem = next(iter(kind(kind.META_SCHEMA).iter_errors(schema)), None)
    if problem is not None:
        raise BadData(f"{where}: not a JSON Schema: {problem.json_path}: {_short(problem.message)}")
    return schema


def check(schema: JsonObject, body: str) -> None:
    """Refuse an answer that is not JSON that matches. Raises BadData that names the paths that do not."""
    try:
        answer = loads(body)
    except ValueError as wrong:
        raise BadData(f"body: response_schema asks for JSON, and it is none: {wrong}", hint=HINT) from None
    try:
        found = sorted(_validator("response_schema", schema).iter_errors(answer), key=lambda one: one.json_path)
    except AgentLanesError:
        raise
    except Exception as wrong:  # a reference to nothing, an endless one, a pattern that is none: all of them its own
        line = f"response_schema cannot be applied: {type(wrong).__name__}: {_short(str(wrong))}"
        raise BadData(line, hint="mend the lane's schema and submit the task again") from None
    if found:
        told = [f"{one.json_path}: {_short(one.message)}" for one in found[:MOST_PROBLEMS]]
        more = f"; and {len(found) - MOST_PROBLEMS} more" if len(found) > MOST_PROBLEMS else ""
        raise BadData(f"body: does not match the task's response_schema: {'; '.join(told)}{more}", hint=HINT)


def _read(where: str, path: str) -> JsonObject:
    try:
        with open(path, "rb") as file:
            data = file.read(LONGEST_SCHEMA_BYTES + 1)
    except FileNotFoundError:
        raise BadData(f"{where}: there is no file {path}", hint="give a path relative to the config") from None
    except OSError as wrong:
        raise of_system(f"{where}: cannot read {path}: {wrong.strerror}", wrong) from wrong
    if len(data) > LONGEST_SCHEMA_BYTES:
        raise BadData(f"{where}: larger than {LONGEST_SCHEMA_BYTES >> 10} KiB: {path}")
    try:
        return loads_object(data.decode())
    except ValueError as wrong:
        raise BadData(f"{where}: {path}: {wrong}") from None


def _closed(where: str, part: object, depth: int) -> None:
    """A schema is copied into tasks, so it must hold all that it refers to; nothing is fetched from anywhere."""
    if depth > DEEPEST:
        raise BadData(f"{where}: nested deeper than {DEEPEST} levels")
    if isinstance(part, dict):
        for key in REFERENCES:
            target = part.get(key)
            if isinstance(target, str) and not target.startswith("#"):
                raise BadData(f"{where}: {key}: {_short(target)} lies outside of it; only references with # are taken")
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _closed(where, item, depth + 1)


def _validator(where: str, schema: JsonObject) -> Any:
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import validator_for
        from referencing import Registry
    except ImportError:
        raise missing(where, "jsonschema", "schema") from None
    registry: Any = Registry()  # an empty one: it fetches nothing
    return validator_for(schema, default=Draft202012Validator)(schema, registry=registry)


def _short(message: str) -> str:
    return message if len(message) <= 200 else message[:200] + "..."
