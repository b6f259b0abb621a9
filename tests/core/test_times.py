"""Instants and their text, compared with datetime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_lanes.core import times
from agent_lanes.core.times import LAST_INSTANT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(0, LAST_INSTANT)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), timezones=st.just(UTC))


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(moments)
@example(datetime(2000, 2, 29, tzinfo=UTC))
@example(datetime(1970, 1, 1, tzinfo=UTC))
@example(datetime(2100, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC))
@example(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_an_instant_is_written_as_datetime_writes_it(moment: datetime) -> None:
    assert times.iso(micros(moment)) == moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    assert times.compact(micros(moment)) == moment.strftime("%Y%m%dT%H%M%S%fZ").rjust(22, "0")


@given(moments)
def test_a_time_is_read_as_datetime_reads_it(moment: datetime) -> None:
    assert times.parse_iso(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) == micros(moment)
    assert times.parse_iso(moment.strftime("%Y-%m-%dT%H:%M:%SZ")) == micros(moment.replace(microsecond=0))


@given(instants)
@example(0)
@example(LAST_INSTANT)
def test_what_is_written_is_read_again(instant: int) -> None:
    assert times.parse_iso(times.iso(instant)) == instant


@given(instants, instants)
def test_texts_sort_as_instants_do(first: int, second: int) -> None:
    assert (first < second) == (times.iso(first) < times.iso(second))
    assert (first < second) == (times.compact(first) < times.compact(second))


@pytest.mark.parametrize(("fraction", "expected"), [("5", 500_000), ("05", 50_000), ("123456", 123_456)])
def test_a_short_fraction_counts_from_the_left(fraction: str, expected: int) -> None:
    assert times.parse_iso(f"1970-01-01T00:00:00.{fraction}Z") == expected


@given(
    st.integers(1970, 9999),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
)
@example(2026, 2, 29, 0, 0, 0)
@example(2024, 2, 29, 0, 0, 0)
@example(2026, 4, 31, 0, 0, 0)
@example(2026, 6, 30, 23, 59, 60)
@example(9999, 12, 31, 23, 59, 60)
def test_what_is_no_time_of_the_calendar_is_refused(y: int, mo: int, d: int, h: int, mi: int, s: int) -> None:
    text = f"{y:04d}-{mo:02d}-{d:02d}T{h:02d}:{mi:02d}:{s:02d}.000000Z"
    try:
        expected = micros(datetime(y, mo, d, h, mi, s, tzinfo=UTC))
    except ValueError:
        with pytest.raises(ValueError, match="calendar"):
            times.parse_iso(text)
    else:
        assert times.parse_iso(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "now",
        "2026-11-21",
        "2026-11-21T02:39:29",
        "2026-11-21T02:39:29.158949",
        "2026-11-21T02:39:29+00:00",
        "2026-11-21 02:39:29.158949Z",
        "2026-11-21T02:39:29.1589490Z",
        "2026-11-21T02:39:29,158949Z",
        "2026-11-21T02:39:29.-58949Z",
        "2026-1-021T02:39:29.158949Z",
        "+026-11-21T02:39:29.158949Z",
        "\uff12\uff10\uff12\uff16-11-21T02:39:29.158949Z",
        "1969-12-31T23:59:59.999999Z",
        "2026-11-21T02:39:29.1.1Z",
        " 2026-11-21T02:39:29.158949Z",
        "12026-11-21T02:39:29.158949Z",
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        times.parse_iso(text)


@given(st.text())
def test_no_text_raises_anything_but_valueerror(text: str) -> None:
    try:
        times.parse_iso(text)
    except ValueError:
        pass
