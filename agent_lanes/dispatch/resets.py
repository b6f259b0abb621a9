"""When does a usage limit end? From the words of an error message to an instant.

Pure. Clock times without a zone are those of the machine, which is where the agent runs.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

SECOND = 1_000_000  # microseconds
FARTHEST_DAYS = 40  # what lies farther ahead was misread
UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
UNIT = r"(?:ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
SPAN = re.compile(rf"\b(?:in|after)\s+((?:\d+(?:\.\d+)?\s*{UNIT}(?![a-z])[\s,]*(?:and\s+)?)+)", re.IGNORECASE)
PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[dhms])", re.IGNORECASE)
EPOCH = re.compile(r"(?:\||resets?_?at\W{1,4}|reset\W{1,4})(\d{10}|\d{13})\b", re.IGNORECASE)
ISO = re.compile(r"\b(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d\d:?\d\d)?")
CLOCK = re.compile(
    r"(?:resets?|again|until|available)\b(?:\s+(?:at|on|by))?\s+"
    r"(?:(?P<month>[A-Z][a-z]{2})[a-z]*\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?:(?P<year>\d{4}),?\s+)?(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>am|pm)?(?:\s*\((?P<zone>[\w/+-]+)\))?",
    re.IGNORECASE,
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def instant(stated: float, now: int) -> int | None:
    """Microseconds UTC of a number that is seconds, or milliseconds, since 1970; None where it is past, or far off."""
    return _sane(int(stated * SECOND) if stated < 1e11 else int(stated * 1_000), now)


def found(text: str, now: int) -> int | None:
    """The instant that a message names, microseconds UTC; None where it names none after `now` (0: not known)."""
    epoch = EPOCH.search(text)
    if epoch:
        return instant(float(epoch[1]), now)
    iso = ISO.search(text)
    if iso:
        return _sane(_iso(iso), now)
    if not now:
        return None
    span = SPAN.search(text)
    if span:
        seconds = sum(float(number) * UNITS[unit.lower()] for number, unit in PART.findall(span[1]))
        return _sane(now + int(seconds * SECOND), now)
    clock = CLOCK.search(text)
    return _sane(_clock(clock, now), now) if clock else None


def _sane(at: int | None, now: int) -> int | None:
    return at if at is not None and (not now or now <= at <= now + FARTHEST_DAYS * 86_400 * SECOND) else None


def _iso(match: re.Match[str]) -> int | None:
    zone = "+00:00" if match[2] in (None, "Z", "UTC") else match[2]
    try:
        return int(datetime.fromisoformat(match[1] + zone).timestamp()) * SECOND
    except ValueError:
        return None


def _clock(match: re.Match[str], now: int) -> int | None:
    """The next time that the clock shows this; with a date, on that day."""
    if not match["half"] and not match["minute"]:
        return None  # `try again 3` is no time
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    today = datetime.fromtimestamp(now / SECOND, UTC).astimezone(_zone(match["zone"]))
    try:
        at = today.replace(hour=hour, minute=int(match["minute"] or 0), second=0, microsecond=0)
        if match["month"]:
            month = MONTHS.index(match["month"].lower()) + 1
            at = at.replace(year=int(match["year"] or today.year), month=month, day=int(match["day"]))
    except ValueError:
        return None
    at += timedelta(minutes=1)  # only then is the minute over that was named
    if at < today:
        at = at.replace(year=at.year + 1) if match["month"] and not match["year"] else at + timedelta(days=1)
    return int(at.timestamp()) * SECOND


def _zone(name: str | None) -> tzinfo | None:
    """None: that of the machine."""
    if not name:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError):
        return None
