"""Instants and their text.

Inside, an instant is an integer: microseconds since 1970 in UTC. Outside it is ISO 8601 with microseconds and
`Z` (CONTRACT.md, "Times"). `datetime` would do the same and cost every command its import.
The calendar arithmetic is Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen

SECOND = 1_000_000
DAY = 86_400 * SECOND
DAYS_KNOWN, SECONDS_KNOWN = 64, 64
_days: dict[str, int] = {}  # when the days of late began: records name the same few again and again
_seconds: dict[int, str] = {}
LAST_INSTANT = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z


class Moment(Frozen):
    """What the clocks say now: `wall` for people; `boottime` within `boot_id` for leases.

    Both instants are microseconds. `boot_id` is empty where the machine has no clock that counts sleep.
    """

    wall: int
    boot_id: str = ""
    boottime: int = 0


def iso(instant: int) -> str:
    """`2026-11-21T02:39:29.158949Z` for microseconds since 1970."""
    seconds, micro = divmod(instant, SECOND)
    return f"{_to_second(seconds)}.{micro:06d}Z"


def compact(instant: int) -> str:
    """`20261121T023929158949Z`: the head of a task id; sorts by time."""
    seconds, micro = divmod(instant, SECOND)
    text = _to_second(seconds)
    return f"{text[:4]}{text[5:7]}{text[8:13]}{text[14:16]}{text[17:]}{micro:06d}Z"


def parse_iso(text: str) -> int:
    """The instant of an ISO 8601 text in UTC, with or without a fraction. Raises ValueError."""
    day = _days.get(text[:10])
    if day is not None and len(text) == 27 and text[10::3][:3] == "T::" and text[19] == "." and text[26] == "Z":
        digits = f"{text[11:13]}{text[14:16]}{text[17:19]}{text[20:26]}"
        if digits.isascii() and digits.isdigit():
            hour, minute, second = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
            if hour < 24 and minute < 60 and second < 60:
                return day + ((hour * 60 + minute) * 60 + second) * SECOND + int(digits[6:])
    if not text.isascii() or len(text) < 20 or text[-1] != "Z":
        raise ValueError(f"not a UTC time like 2026-11-21T02:39:29.158949Z: {text!r}")
    head, _, fraction = text[:-1].partition(".")
    marks = head[4::3] if len(head) == 19 else ""  # what stands between the numbers
    digits = f"{head[:4]}{head[5:7]}{head[8:10]}{head[11:13]}{head[14:16]}{head[17:19]}{fraction}"
    if marks != "--T::" or len(fraction) > 6 or not digits.isdigit():
        raise ValueError(f"not a UTC time like 2026-11-21T02:39:29.158949Z: {text!r}")
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:14])
    days = _days_from_civil(year, month, day)
    if year < 1970 or _civil_from_days(days) != (year, month, day) or not (hour < 24 and minute < 60 and second < 60):
        raise ValueError(f"not a time of the calendar: {text!r}")
    if len(_days) >= DAYS_KNOWN:
        _days.clear()
    _days[text[:10]] = days * DAY
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds * SECOND + int((fraction or "0").ljust(6, "0"))


def _to_second(seconds: int) -> str:
    """`2026-11-21T02:39:29`, remembered: what happens in one second is told many times."""
    text = _seconds.get(seconds)
    if text is None:
        if len(_seconds) >= SECONDS_KNOWN:
            _seconds.clear()
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        year, month, day = _civil_from_days(days)
        text = _seconds[seconds] = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
    return text


def _civil_from_days(days: int) -> tuple[int, int, int]:
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def _days_from_civil(year: int, month: int, day: int) -> int:
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
