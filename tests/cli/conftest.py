"""A project with a queue, and the command in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.process import Command


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "peer: compares with agent-lanes 0.1.1, whose program AGENT_LANES_PEER names")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder for the processes."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def bare(tmp_path: Path, home: Path) -> Command:
    """The command in an empty folder without a queue."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Command(folder, home)


@pytest.fixture
def run(bare: Command) -> Command:
    """The command in a project that has a queue and the file request.md."""
    (bare.folder / "request.md").write_text("Please look at this.\n")
    bare("init")
    return bare


@pytest.fixture
def store(run: Command) -> Path:
    """The state folder of that project."""
    return run.folder / "handoff" / "state"
