"""K8 as CI takes it: good inputs and the crashes of old, through every target; seconds of the fuzzer, where it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import fuzz
import pytest
from experiment import Plan
from fuzzing.seeds import SEEDS, crashes
from fuzzing.targets import TARGETS


def test_every_target_has_seeds() -> None:
    assert set(SEEDS) == set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_no_target_lets_out_what_it_must_not(target: str) -> None:
    for content in (*SEEDS[target], *crashes(target), b"", b"\0", b"\xff", b"[" * 3000, b"9" * 3000):
        TARGETS[target](content)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_seconds_of_the_fuzzer_find_nothing(tmp_path: Path) -> None:
    table = fuzz.run(Plan(whole=False, work=tmp_path, minutes=0.05))
    assert table.problems == []
    assert all(int(row[2]) > 100 for row in table.rows)
