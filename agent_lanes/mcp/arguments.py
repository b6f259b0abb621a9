"""The arguments of a tool: a flat JSON Schema that clients are shown, and the check by the same schema. Pure."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import shown, some
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from agent_lanes.core.jsontext import JsonObject

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class Argument(Frozen):
    """One argument. An array is one of strings; `most` is the largest number."""

    name: str
    kind: str = "string"
    help: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    most: float | None = None

    def schema(self) -> JsonObject:
        """What a client is shown of it."""
        said: JsonObject = {"type": self.kind}
        if self.kind == "array":
            said["items"] = {"type": "string"}
        if self.choices:
            said["enum"] = list(self.choices)
        if self.most is not None:
            said["minimum"], said["maximum"] = 0, self.most
        if self.help:
            said["description"] = self.help
        return said

    def check(self, value: object) -> None:
        """Refuse what is of another kind. Raises BadUsage that names the argument."""
        fits = isinstance(value, KINDS[self.kind]) and (self.kind == "boolean" or not isinstance(value, bool))
        if self.kind == "array" and isinstance(value, list):
            fits = all(isinstance(item, str) for item in value)
        if not fits:
            what = "an array of strings" if self.kind == "array" else f"of type {self.kind}"
            raise BadUsage(f"{self.name}: {shown(value)} is not {what}")
        if self.choices and value not in self.choices:
            raise BadUsage(f"{self.name}: {shown(value)} is not one of {', '.join(self.choices)}")
        if self.most is not None and isinstance(value, (int, float)) and not 0 <= value <= self.most:
            raise BadUsage(f"{self.name}: {shown(value)} is not a number from 0 to {self.most:g}")


def schema(arguments: tuple[Argument, ...]) -> JsonObject:
    """The JSON Schema of all of them."""
    return {
        "type": "object",
        "properties": {one.name: one.schema() for one in arguments},
        "required": [one.name for one in arguments if one.required],
        "additionalProperties": False,
    }


def checked(arguments: tuple[Argument, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, without nulls, found right. Raises BadUsage that names the argument."""
    known = {one.name: one for one in arguments}
    strange = [name for name in given if name not in known]
    if strange:
        raise BadUsage(f"unknown arguments: {some(strange)}", hint=f"known are: {', '.join(known)}")
    said = {name: value for name, value in given.items() if value is not None}
    for name, value in said.items():
        known[name].check(value)
    missing = [one.name for one in arguments if one.required and one.name not in said]
    if missing:
        raise BadUsage(f"{', '.join(missing)}: missing")
    return said
