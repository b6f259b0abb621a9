"""K9 as CI takes it: every case that takes less than ten seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import served
from holding.place import Case

CASES = served.cases(whole=False)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.done for case in CASES])
def test_what_is_promised_of_the_server_is_so(case: Case, tmp_path: Path) -> None:
    house = served.house(case, tmp_path)
    try:
        assert case.play(house)
    finally:
        house.close()


def test_every_case_of_the_table_has_a_row_of_its_own() -> None:
    rows = [case.done for case in served.cases(whole=True)]
    assert len(rows) == len(set(rows))
