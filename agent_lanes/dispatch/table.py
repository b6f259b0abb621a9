"""Is that a table of vendors? Pure: from parsed data to Vendors, and one table laid over another.

Errors are BadData that names the file and the key.
"""

from __future__ import annotations

import re

from agent_lanes.core.names import shown, some
from agent_lanes.dispatch.reading import FORMATS, Condition, Pattern, Reading
from agent_lanes.dispatch.vendor import SAFE, Choice, Reads, Retries, Signs, Vendor, Verified
from agent_lanes.errors import BadData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LIKE = "like"
Data = dict[str, object]


def laid_over(table: dict[str, Data], over: object, where: str) -> dict[str, Data]:
    """The table with another one laid over it, key by key. `like: NAME` begins a new row with a copy of another."""
    rows = dict(table)
    for name, row in _mapping(over, where).items():
        place = f"{where}.{name}"
        if not NAME.fullmatch(name):
            raise BadData(f"{place}: {shown(name)} is not a vendor's name: lower-case letters, digits and ._-")
        row = dict(_mapping(row, place))
        like = row.pop(LIKE, name)
        if like != name and like not in rows:
            raise BadData(f"{place}.{LIKE}: {shown(like)} is no vendor; there are {some(sorted(rows))}")
        rows[name] = _merged(rows.get(str(like), {}), row)
    return rows


def names(data: object, where: str) -> list[str]:
    """The vendors of one table."""
    return list(_mapping(data, where))


def _merged(below: Data, above: Data) -> Data:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def vendor(name: str, row: Data, where: str) -> Vendor:
    """One row. Raises BadData."""
    made = Vendor(**{"program": "", **_fields(row, f"{where}.{name}", {**VENDOR, "name": _text}), "name": name})
    if made.permission not in made.permissions and (made.permission != SAFE or made.permissions):
        raise BadData(
            f"{where}.{name}.permission: {shown(made.permission)} is not one of {some(sorted(made.permissions))}"
        )
    return made


def _fields(row: object, where: str, known: dict[str, Callable[[object, str], Any]]) -> dict[str, Any]:
    """The checked values of a mapping; what is null is left out. Raises BadData for a key that is not known."""
    found = {}
    for key, value in _mapping(row, where).items():
        if key not in known:
            raise BadData(f"{where}: {shown(key)} is no key; it may have {', '.join(sorted(known))}")
        if value is not None:
            found[key] = known[key](value, f"{where}.{key}")
    return found


def _mapping(value: object, where: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise BadData(f"{where}: {shown(value)} is not a mapping of names to values")
    return value


def _text(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\0" in str(value):
        raise BadData(f"{where}: {shown(value)} is not a text; quote it if it is meant as one")
    return str(value)


def _word(value: object, where: str) -> str:
    return "" if value is False else _text(value, where)


def _pattern_text(value: object, where: str) -> str:
    pattern = _text(value, where)
    try:
        re.compile(pattern)
    except re.error as wrong:
        raise BadData(f"{where}: {shown(pattern)} is not a regular expression: {wrong}") from None
    return pattern


def _whole(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadData(f"{where}: {shown(value)} is not a whole number")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadData(f"{where}: {shown(value)} is neither true nor false")
    return value


def _many(check: Callable[[object, str], Any]) -> Callable[[object, str], Any]:
    """A list, or one value in its place."""
    return lambda value, where: tuple(check(item, where) for item in (value if isinstance(value, list) else [value]))


def _each(check: Callable[[object, str], Any]) -> Callable[[object, str], Any]:
    """A mapping; what is null in it is left out, so that a table can take away what is in the one below."""
    return lambda value, where: {
        key: check(item, f"{where}.{key}") for key, item in _mapping(value, where).items() if item is not None
    }


def _made(kind: type, known: dict[str, Callable[[object, str], Any]], names: dict[str, str] = {}) -> Any:  # noqa: B006 - only read
    """A value of a class; `names`: keys that cannot be names of fields."""

    def make(value: object, where: str) -> Any:
        return kind(**{names.get(key, key): item for key, item in _fields(value, where, known).items()})

    return make


def _records(value: object, where: str) -> Pattern:
    return Pattern(values=dict(_mapping(value, where)))


def _format(value: object, where: str) -> str:
    if value not in FORMATS:
        raise BadData(f"{where}: {shown(value)} is not one of {', '.join(FORMATS)}")
    return str(value)


def _seconds(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise BadData(f"{where}: {shown(value)} is not a number of seconds above 0")
    return float(value)


_words = _many(_text)
_reading = _made(Reading, {"of": _records, "after": _records, "at": _words, "every": _flag, "match": _pattern_text})
_condition = _made(
    Condition,
    {"last": _records, "is": _records, "is_not": _records, "never": _records},
    {"is": "equal", "is_not": "unequal"},
)
_choice = _made(Choice, {"words": _words, "names": _each(_text), "default": _text})
_signs = _made(
    Signs,
    {"codes": _many(_whole), "status": _many(_whole), "text": _many(_pattern_text), "answer": _many(_pattern_text)},
)
READINGS = (
    "answer",
    "status",
    "session_id",
    "model_used",
    "effort_used",
    "denied",
    "tokens_in",
    "tokens_out",
    "cost_usd",
    "reset_at",
)
_reads = _made(
    Reads,
    {
        "format": _format,
        **dict.fromkeys(READINGS, _reading),
        "error": _many(_reading),
        "complete": _many(_condition),
        "drop": _many(_pattern_text),
    },
)
VENDOR: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("program", "install", "login", "permission", "guard"), _text),
    **dict.fromkeys(("version", "words", "session", "max_cost", "answer_file", "git_folder", "extra", "last"), _words),
    "permissions": _each(_words),
    "model": _choice,
    "effort": _choice,
    "environment": _each(_text),
    "reads": _reads,
    "retries": _made(Retries, {"match": _pattern_text, "seconds": _seconds}),
    **dict.fromkeys(("usage_limit", "not_logged_in", "incomplete", "permanent"), _signs),
    "verified": _made(Verified, {"version": _word, "date": _text, "how": _text}),
}
