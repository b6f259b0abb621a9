"""The fields of a request's body, by type; what is wrong is named."""

from __future__ import annotations

from agent_lanes.core import names, terms
from agent_lanes.errors import BadData
from agent_lanes.services import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


def text(body: JsonObject, field: str) -> str | None:
    """A text, or nothing. Raises BadData."""
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise BadData(f"{field}: {names.shown(value)} is not a text")
    return value


def texts(body: JsonObject, field: str) -> tuple[str, ...]:
    """A list of texts; empty where there is none. Raises BadData."""
    value = body.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadData(f"{field}: {names.shown(value)} is not a list of texts")
    return tuple(map(str, value))


def mapping(body: JsonObject, field: str) -> JsonObject:
    """An object; empty where there is none. Raises BadData."""
    value = body.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadData(f"{field}: {names.shown(value)} is not an object")
    return value


def maybe_number(body: JsonObject, field: str) -> float | None:
    """A number, or None where the field is missing. Raises BadData."""
    if field not in body:
        return None
    value = body[field]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadData(f"{field}: {names.shown(value)} is not a number")
    return value


def whole(body: JsonObject, field: str) -> int | None:
    """A whole number, or nothing. Raises BadData."""
    value = body.get(field)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadData(f"{field}: {names.shown(value)} is not a whole number")
    return value


def flag(body: JsonObject, field: str) -> bool:
    """true or false; false where it is missing. Raises BadData."""
    value = body.get(field, False)
    if not isinstance(value, bool):
        raise BadData(f"{field}: {names.shown(value)} is not true or false")
    return value


def instant_after(body: JsonObject, field: str, now: int) -> int | None:
    """The instant so many seconds from now, or nothing. Raises BadData, BadUsage."""
    seconds = maybe_number(body, field)
    return None if seconds is None else terms.instant_in(field, control.pause(field, seconds), now)
