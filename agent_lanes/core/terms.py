"""On which terms a task is offered: how urgent, when, how often, after which others. One vocabulary for all doors.

priority      0 (most urgent) to 9
delay         not offered for so long: seconds, or a text such as 10m
not_before    not offered before this time
expires       failed, if it is not begun within so long
expires_at    failed, if it is not begun by this time
max_attempts  failed after so many failed attempts; 0: never
backoff       the pause after the first of them, twice as long after each further one
depends_on    ids of tasks that must complete first, or key:K for what was submitted with the idempotency key K, or
              @name for a task of the same stream
on_failure    fail or run: what becomes of it when one of those does not complete
unique_key    no second open task of the lane with this key
if_exists     return or refuse: what a submit does that finds one
max_cost_usd  what all its attempts together may cost; then it is put on hold
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import key, shown, task_id
from agent_lanes.core.rules import LEFT_TO_THE_LANE
from agent_lanes.core.task import LEAST_URGENT, ON_FAILURE
from agent_lanes.core.times import LAST_INSTANT, SECOND, parse_iso
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = (
    *("priority", "delay", "not_before", "expires", "expires_at", "max_attempts", "backoff", "depends_on"),
    *("on_failure", "unique_key", "if_exists", "max_cost_usd"),
)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_SECONDS = 10 * 366 * 86_400
MOST_ATTEMPTS, MOST_DEPENDENCIES = 1_000_000, 1000
MOST_AT_ONCE = 1_000_000
MOST_USD = 1_000_000
LONGEST_BACKOFF_SECONDS = 3600
SHORTEST_LEASE_SECONDS, LONGEST_LEASE_SECONDS = 0.1, 366 * 86_400
BY_KEY, LOCAL = "key:", "@"
IF_EXISTS = ("return", "refuse")


class Terms(Frozen):
    """The terms, checked; None where they are left to the rules of the lane. Instants are microseconds UTC.

    `depends_on` is as it was stated: who submits makes ids of it.

    `max_attempts` 0 is without limit.
    """

    priority: int | None = None
    not_before: int | None = None
    expires_at: int | None = None
    max_attempts: int | None = None
    backoff_seconds: float | None = None
    depends_on: tuple[str, ...] = ()
    on_failure: str = ON_FAILURE[0]
    unique_key: str | None = None
    if_exists: str = IF_EXISTS[0]
    max_cost_usd: float | None = None

    def of_task(self) -> dict[str, object]:
        """Those that a task keeps, under its names."""
        return {name: value for name, value in self.__dict__.items() if name != "if_exists"}

    def left(self) -> tuple[str, ...]:
        """The fields that are left to the rules of the lane."""
        return tuple(field for field in LEFT_TO_THE_LANE if getattr(self, field) is None)


def stated(data: Mapping[str, object], now: int) -> Terms:
    """The terms that a task file, a line or a request states. Raises BadUsage that names the key."""
    found: dict[str, object] = {}
    if data.get("priority") is not None:
        found["priority"] = whole("priority", data["priority"], LEAST_URGENT)
    if data.get("max_attempts") is not None:
        found["max_attempts"] = whole("max_attempts", data["max_attempts"], MOST_ATTEMPTS)
    if data.get("max_cost_usd") is not None:
        found["max_cost_usd"] = usd("max_cost_usd", data["max_cost_usd"])
    if data.get("backoff") is not None:
        found["backoff_seconds"] = backoff("backoff", data["backoff"])
    for field, after, at in (("not_before", "delay", "not_before"), ("expires_at", "expires", "expires_at")):
        if data.get(after) is not None and data.get(at) is not None:
            raise BadUsage(f"{after}: given beside {at}; give one of the two")
        if data.get(after) is not None:
            found[field] = instant_in(after, seconds(after, data[after]), now)
        elif data.get(at) is not None:
            found[field] = instant(at, data[at])
    if data.get("depends_on") is not None:
        found["depends_on"] = _dependencies(data["depends_on"])
    if data.get("unique_key") is not None:
        found["unique_key"] = key("unique_key", data["unique_key"])
    for field, choices in (("on_failure", ON_FAILURE), ("if_exists", IF_EXISTS)):
        if data.get(field) is not None:
            if data[field] not in choices:
                raise BadUsage(f"{field}: {shown(data[field])} is not one of {', '.join(choices)}")
            found[field] = data[field]
    if "if_exists" in found and "unique_key" not in found:
        raise BadUsage("if_exists: there is no unique_key beside it that another task could have")
    return Terms(**found)  # type: ignore[arg-type]


def backoff(field: str, value: object) -> float:
    """The first pause, in seconds: at most as long as pauses ever get. Raises BadUsage."""
    found = seconds(field, value)
    if found > LONGEST_BACKOFF_SECONDS:
        raise BadUsage(f"{field}: {shown(value)} is more than an hour, which is the longest pause")
    return found


def usd(field: str, value: object) -> float:
    """A sum of money, in US dollars; also as a text, as on a command line. Raises BadUsage."""
    try:
        found = float(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found <= MOST_USD:
        raise BadUsage(f"{field}: {shown(value)} is not a sum of US dollars above 0, such as 2.50")
    return float(found)


def lease_seconds(seconds: object, field: str = "lease_seconds") -> float:
    """A lease's length that makes sense. Raises BadUsage for what is no number, NaN, negative, endless."""
    legal = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not legal or not SHORTEST_LEASE_SECONDS <= seconds <= LONGEST_LEASE_SECONDS:  # type: ignore[operator]
        raise BadUsage(
            f"{field}: {shown(seconds)} is not a number of seconds from {SHORTEST_LEASE_SECONDS} to "
            f"{LONGEST_LEASE_SECONDS} (a year)"
        )
    return seconds  # type: ignore[return-value]


def duration(text: str) -> float | None:
    """Seconds of `90s`, `10m`, `1h30m`, `2d` or a bare number; None if it is none of these."""
    total, number = 0.0, ""
    for char in text:
        if char in "0123456789.":
            number += char
        elif char in UNITS and _is_number(number):
            total += float(number) * UNITS[char]
            number = ""
        else:
            return None
    if number and total == 0 and _is_number(number):
        total, number = float(number), ""
    return total if text and not number and total <= LONGEST_SECONDS else None


def instant_in(field: str, seconds: float, now: int) -> int:
    """The instant so many seconds from now. Raises BadUsage."""
    at = now + round(seconds * SECOND)
    if not 0 <= at <= LAST_INSTANT:
        raise BadUsage(f"{field}: {seconds:g} s from now is no time from 1970 to 9999")
    return at


def seconds(field: str, value: object) -> float:
    """The seconds of a number or a text. Raises BadUsage."""
    found = duration(value) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= LONGEST_SECONDS:
        raise BadUsage(f"{field}: {shown(value)} is not a duration: seconds, or a text such as 90s, 10m, 1h30m, 2d")
    return found


def instant(field: str, value: object) -> int:
    """The instant of a text in UTC. Raises BadUsage."""
    try:
        if not isinstance(value, str):
            raise ValueError("not a text")
        return parse_iso(value)
    except ValueError:
        raise BadUsage(f"{field}: {shown(value)} is not a time in UTC such as 2026-11-21T18:00:00Z") from None


def whole(field: str, value: object, most: int, least: int = 0) -> int:
    """A whole number within limits. Raises BadUsage."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadUsage(f"{field}: {shown(value)} is not a whole number from {least} to {most}")
    return value


def _dependencies(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_DEPENDENCIES:
        raise BadUsage(f"depends_on: {shown(value)} is not a list of at most {MOST_DEPENDENCIES} task ids")
    return tuple(dict.fromkeys(map(_dependency, value)))


def _dependency(item: object) -> str:
    if not isinstance(item, str):
        raise BadUsage(f"depends_on: {shown(item)} is not a task id")
    for sign in (BY_KEY, LOCAL):
        if item.startswith(sign):
            key(f"depends_on: {sign}", item[len(sign) :])
            return item
    return task_id(item, "depends_on")


def _is_number(text: str) -> bool:
    return bool(text) and text.count(".") <= 1 and text.strip(".") != "" and len(text) < 16
