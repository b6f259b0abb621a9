"""K5 as CI takes it: a minute of clients that are killed and stopped at random."""

from __future__ import annotations

from pathlib import Path

import pytest
import storm
from experiment import Plan

SELDOM = ("failed attempts", "dead letters", "ended because another failed", "cancelled", "tasks put on hold")


@pytest.mark.slow
def test_in_a_storm_of_kills_nothing_is_lost_doubled_or_left_behind(tmp_path: Path) -> None:
    table = storm.run(Plan(whole=False, work=tmp_path, minutes=1))
    assert table.problems == []
    rows = dict(table.rows)
    assert int(rows["submits acknowledged"]) > 50 and int(rows["kill worker"]) > 10
    assert [row for row in SELDOM if not rows[row]] == []
    assert table.pictures["timeline"].startswith("<svg")
