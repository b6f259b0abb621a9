"""K6 as CI takes it: every case that takes less than ten seconds."""

from __future__ import annotations

import os
from pathlib import Path

import holders
import pytest
from holding.clocks import Missing
from holding.place import Case, Place

CASES = holders.cases(whole=False)
NEEDS_ROOT = "A process in a time namespace of its own"


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.done for case in CASES])
def test_what_is_promised_to_holders_is_so(case: Case, tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        assert case.play(place)
    except Missing as missing:
        if os.environ.get("CI") and case.done != NEEDS_ROOT:
            raise
        pytest.skip(str(missing))
    finally:
        place.close()


def test_every_case_of_the_table_has_a_row_of_its_own() -> None:
    rows = [case.done for case in holders.cases(whole=True)]
    assert len(rows) == len(set(rows))
