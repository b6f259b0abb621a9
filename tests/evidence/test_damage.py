"""K4 as CI takes it: the kinds of damage change what they say, and a sample of all damages breaks no promise."""

from __future__ import annotations

from pathlib import Path

import damage
import pytest
from damaging.kinds import FILE_KINDS, Kind
from experiment import Plan


@pytest.mark.parametrize("kind", FILE_KINDS, ids=[kind.name for kind in FILE_KINDS])
def test_every_kind_of_damage_changes_a_record(kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "claim.json"
    content = b'{"format": 2, "claimed_at": "2026-06-01T12:00:00.000000Z", "lease_us": 12}\n'
    file.write_bytes(content)
    assert kind.do(file) is not False
    assert kind.unreadable or not file.is_file() or file.is_symlink() or file.read_bytes() != content


@pytest.mark.slow
def test_no_damage_of_a_sample_breaks_a_promise(tmp_path: Path) -> None:
    table = damage.run(Plan(whole=False, work=tmp_path))
    assert table.problems == []
    assert sum(int(row[1]) for row in table.rows) > 40
