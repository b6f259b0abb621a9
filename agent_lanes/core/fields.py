"""The fields of records, read strictly: what is missing, or of a wrong type, raises Malformed, which says which."""

from __future__ import annotations

from agent_lanes.core.task import Supporting
from agent_lanes.core.times import iso, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

FORMAT = 2
MAX_SEQUENCE = 10**12
MAX_EPOCH = 10**9
MAX_LEASE_SECONDS = 10**9


class Malformed(ValueError):
    """A record is not what its format says. The text names the field."""


def formatted(record: JsonObject) -> None:
    """Insist on format 2."""
    number = record.get("format")
    if number != FORMAT:
        raise Malformed(f"format is {number!r}; this program reads {FORMAT}")


def text(record: JsonObject, field: str, *, empty: bool = False) -> str:
    """A text field; not empty unless `empty`."""
    value = record.get(field)
    if not isinstance(value, str) or not (value or empty):
        raise Malformed(f"{field} is missing or not a text")
    return value


def maybe_text(record: JsonObject, field: str) -> str | None:
    """A text field that may be null or absent."""
    value = record.get(field)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{field} is not a text")
    return value


def whole(record: JsonObject, field: str, most: int) -> int:
    """A whole number from 0 to `most`."""
    value = record.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Malformed(f"{field} is not a whole number from 0 to {most}")
    return value


def maybe_whole(record: JsonObject, field: str) -> int | None:
    """A whole number, or null, or absent."""
    return None if record.get(field) is None else whole(record, field, MAX_SEQUENCE)


def flag(record: JsonObject, field: str) -> bool:
    """true or false; absent is false."""
    value = record.get(field, False)
    if not isinstance(value, bool):
        raise Malformed(f"{field} is not true or false")
    return value


def instant(record: JsonObject, field: str) -> int:
    """An ISO 8601 time in UTC."""
    value = text(record, field)
    try:
        return parse_iso(value)
    except ValueError as wrong:
        raise Malformed(f"{field} is {wrong}") from None


def maybe_instant(record: JsonObject, field: str) -> int | None:
    """A time, or null, or absent."""
    return None if record.get(field) is None else instant(record, field)


def maybe_iso(instant: int | None) -> str | None:
    """The text of an instant that may be missing."""
    return None if instant is None else iso(instant)


def seconds(record: JsonObject, field: str, absent: float | None) -> float:
    """A number of seconds; `absent` is what a missing one means, None that it must be there."""
    value = record.get(field, absent)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_LEASE_SECONDS:
        raise Malformed(f"{field} is not a number of seconds")
    return value


def maybe_lease(record: JsonObject, field: str) -> float | None:
    """The length of a lease, or null, or absent."""
    if record.get(field) is None:
        return None
    found = seconds(record, field, None)
    if not found:
        raise Malformed(f"{field} is no time at all")
    return found


def maybe_usd(record: JsonObject, field: str) -> float | None:
    """A sum of money above 0, or null, or absent."""
    value = record.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise Malformed(f"{field} is not a sum of money")
    return value


def one_of(record: JsonObject, field: str, words: tuple[str, ...]) -> str:
    """One of some words; absent is the first."""
    value = record.get(field, words[0])
    if not isinstance(value, str) or value not in words:
        raise Malformed(f"{field} is not one of {', '.join(words)}")
    return value


def texts(record: JsonObject, field: str) -> tuple[str, ...]:
    """A list of texts; absent is an empty one."""
    value = record.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise Malformed(f"{field} is not a list of texts")
    return tuple(str(item) for item in value)


def wholes(record: JsonObject, field: str, most: int) -> dict[str, int]:
    """Names with whole numbers from 0 to `most`; absent is none."""
    values = mapping(record, field)
    try:
        return {name: whole(values, name, most) for name in values}
    except Malformed:
        raise Malformed(f"{field} is not an object of whole numbers from 0 to {most}") from None


def mapping(record: JsonObject, field: str) -> JsonObject:
    """A JSON object; absent or null is an empty one (records of v0.1)."""
    value = record.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{field} is not an object")
    return value


def supporting(record: JsonObject) -> tuple[Supporting, ...]:
    """The list of supporting paths with their hashes; absent or null is none."""
    value = record.get("supporting_paths")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(file, dict) for file in value):
        raise Malformed("supporting_paths is not a list of objects")
    return tuple(
        Supporting(path=text(file, "path"), sha256=text(file, "sha256")) for file in value if isinstance(file, dict)
    )
