"""Users who check their types see the API as it is: typed (py.typed), strict, with nothing unknown."""

from __future__ import annotations

import importlib.resources
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files("agent_lanes").joinpath("py.typed").is_file()


def test_the_public_api_has_the_types_that_it_promises(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "--config-file="),
            *("--cache-dir", str(tmp_path), str(HERE / "public_api.py")),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
