"""A project with a queue and a server on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.process import Command

from server.client import Client, serving


def project(base: Path) -> Command:
    """The command in a project with a queue and the file request.md."""
    run = Command(base / "project", base / "home")
    run.folder.mkdir()
    run.home.mkdir()
    (run.folder / "request.md").write_text("Please look at this.\n")
    run("init")
    return run


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """A project of its own."""
    return project(tmp_path)


@pytest.fixture
def http(run: Command) -> Iterator[Client]:
    """A server on that project."""
    with serving(run) as client:
        yield client
