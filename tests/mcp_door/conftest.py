"""A project with a queue."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.process import Command


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """The command in a project with a queue and the file request.md."""
    run = Command(tmp_path / "project", tmp_path / "home")
    run.folder.mkdir()
    run.home.mkdir()
    (run.folder / "request.md").write_text("Please look at this.\n")
    run("init")
    return run
