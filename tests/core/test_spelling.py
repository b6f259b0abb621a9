"""core.spelling: what was probably meant."""

from __future__ import annotations

import pytest

from agent_lanes.core.spelling import nearest

NAMES = ("review", "revision", "build", "a", "x" * 200)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("reviwe", "review"),
        ("Review", "review"),
        ("reviews", "review"),
        ("revisoin", "revision"),
        ("biuld", "build"),
        ("x" * 199, "x" * 200),
        ("b", None),
        ("", None),
        ("tests", None),
        ("elsewhere", None),
    ],
)
def test_a_name_two_letters_away_was_meant_and_none_that_is_farther(slip: str, meant: str | None) -> None:
    assert nearest(slip, NAMES) == meant
    assert nearest(slip, ()) is None
