"""Reading what an agent prints: from its bytes to records, and from those what a row of the table points at.

Pure. Agents print what they like: a line that is no JSON is passed over, a path that leads nowhere is nothing.
"""

from __future__ import annotations

import json
import re

from agent_lanes.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

JSONL, JSON, ARRAY, TEXT = FORMATS = ("jsonl", "json", "array", "text")
THOUSANDS = {"k": 1_000, "m": 1_000_000}


class Pattern(Frozen):
    """Which records are meant: those that have these values at these dotted paths."""

    values: dict[str, object]

    def fits(self, record: object) -> bool:
        """Whether a record has all of them."""
        return all(next(_at(record, path), None) == value for path, value in self.values.items())

    def __str__(self) -> str:
        """As the table writes it."""
        return ", ".join(f"{path}: {value}" for path, value in self.values.items()) or "anything"


class Reading(Frozen):
    """Where something stands: CONTRACT.md, "Vendors". `match` is looked for in the text, all else in the records."""

    of: Pattern = Pattern(values={})
    after: Pattern | None = None
    at: tuple[str, ...] = ()
    every: bool = False
    match: str = ""


class Condition(Frozen):
    """What must be so: the last record like `last` is like `equal` and not like `unequal`; none is like `never`."""

    last: Pattern | None = None
    equal: Pattern = Pattern(values={})
    unequal: Pattern = Pattern(values={})
    never: Pattern | None = None

    def broken(self, printed: Printed) -> str:
        """Empty if it holds; otherwise what is wrong, in words."""
        if self.never is not None and any(self.never.fits(record) for record in printed.records):
            return f"it reported {self.never}"
        if self.last is None:
            return ""
        found = [record for record in printed.records if self.last.fits(record)]
        if not found:
            return f"it never reported {self.last}"
        if not self.equal.fits(found[-1]):
            return f"it ended without {self.equal}"
        if self.unequal.values and self.unequal.fits(found[-1]):
            return f"it ended with {self.unequal}"
        return ""


class Printed(Frozen):
    """What an agent printed: its text, and the records in it."""

    text: str
    records: tuple[dict[str, Any], ...]


def printed(format: str, stdout: bytes, stderr: bytes) -> Printed:
    """What stands in the output of an agent."""
    text = stdout.decode("utf-8", "replace")
    if format == JSONL:
        found: list[object] = [_value(line) for line in text.splitlines()]
    elif format == ARRAY:
        whole = _value(text)
        found = whole if isinstance(whole, list) else [whole]
    elif format == JSON:
        found = [_value(text) or _last_object(text) or _last_object(stderr.decode("utf-8", "replace"))]
    else:
        found = []
    return Printed(text=text, records=tuple(record for record in found if isinstance(record, dict)))


def text(reading: Reading, source: Printed) -> str:
    """The first text that it points at, or with `every` all of them together; empty where there is none."""
    found = texts(reading, source)
    return "".join(found if reading.every else found[:1])


def texts(reading: Reading, source: Printed) -> list[str]:
    """Every text that it points at."""
    return [value for group in _values(reading, source) for value in map(_text, group) if value]


def number(reading: Reading, source: Printed) -> float | None:
    """The sum of the numbers that it points at; None where there is none."""
    found = [value for group in _values(reading, source) for value in map(_number, group) if value is not None]
    return sum(found) if found else None


def _values(reading: Reading, source: Printed) -> Iterator[list[object]]:
    if reading.match:
        found = re.search(reading.match, source.text)
        if found:
            yield [found[1] if found.re.groups else found[0]]
    if not reading.at:
        return
    records = source.records
    if reading.after is not None:
        last = max((at for at, record in enumerate(records) if reading.after.fits(record)), default=-1)
        records = records[last + 1 :]
    fitting = [record for record in records if reading.of.fits(record)]
    for record in fitting if reading.every else reversed(fitting):
        group = [value for path in reading.at for value in _at(record, path) if value is not None]
        yield group
        if group and not reading.every:
            return


def _at(value: object, path: str) -> Iterator[object]:
    """The values at a dotted path; `*` stands for everything below, `#` for the names there."""
    step, _, rest = path.partition(".")
    for item in _below(value, step):
        if rest:
            yield from _at(item, rest)
        else:
            yield item


def _below(value: object, step: str) -> list[object]:
    if isinstance(value, list):
        return value if step == "*" else []
    if not isinstance(value, dict):
        return []
    if step == "*":
        return list(value.values())
    if step == "#":
        return list(value)
    return [value[step]] if step in value else []


def _text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value)))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a character, which no answer may hold
    return "" if value is None or isinstance(value, dict) else str(value)


def _number(value: object) -> float | None:
    """A number, also one written as 1.2k."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        plain = value.replace(",", "").strip().lower()
        times = THOUSANDS.get(plain[-1:], 1)
        try:
            value = float(plain.rstrip("km")) * times
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or not 0 <= value < 1e18:
        return None
    return int(value) if float(value).is_integer() else value


def _value(line: str) -> object:
    try:
        return json.loads(line) if line.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None


def _last_object(content: str) -> object:
    """The last JSON object that begins on a line of its own."""
    starts = [found.start() for found in re.finditer(r"^\{", content, re.MULTILINE)]
    for start in reversed(starts[-20:]):
        try:
            return json.JSONDecoder().raw_decode(content, start)[0]
        except (ValueError, RecursionError):
            continue
    return None
