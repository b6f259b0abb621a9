"""Times as people type them: `90s`, `10m`, `1h30m`, `2d`, or an instant of the calendar."""

from __future__ import annotations

import time

from agent_lanes.core.names import shown
from agent_lanes.core.terms import duration
from agent_lanes.core.times import LAST_INSTANT, SECOND, parse_iso
from agent_lanes.errors import BadUsage

EXAMPLES = "90s, 10m, 1h30m, 2d"


def seconds(flag: str, text: str) -> float:
    """A duration in seconds; a bare number is seconds. Raises BadUsage that names the flag."""
    found = duration(text)
    if found is None:
        raise BadUsage(f"{flag}: {shown(text)} is not a duration such as {EXAMPLES}")
    return found


def instant(flag: str, text: str, now: int) -> int:
    """An instant (microseconds UTC): a duration from now, a time in UTC (Z), or a local one. Raises BadUsage."""
    after = duration(text)
    at = now + round(after * SECOND) if after is not None else _calendar(text)
    if at is None or not 0 <= at <= LAST_INSTANT:
        raise BadUsage(
            f"{flag}: {shown(text)} is neither a duration ({EXAMPLES}) nor a time "
            "(2026-11-21T18:00, or with seconds and Z for UTC)"
        )
    return at


def past(flag: str, text: str, now: int) -> int:
    """An instant: a duration ago, or a time as for `instant`. Raises BadUsage."""
    ago = duration(text)
    return instant(flag, text, now) if ago is None else max(0, now - round(ago * SECOND))


def _calendar(text: str) -> int | None:
    try:
        return parse_iso(text)
    except ValueError:
        pass
    for shape in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"):
        try:
            return int(time.mktime(time.strptime(text, shape))) * SECOND
        except (ValueError, OverflowError):
            continue
    return None
