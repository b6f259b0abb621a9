"""A store that the real agent-lanes 0.1.1 made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from upgrade.old_store import OldStore
from upgrade.peer import Unavailable, program


def missing(reason: str) -> NoReturn:
    """What a test needs is not there: a skip at home, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def old() -> Path:
    """The program of 0.1.1."""
    try:
        return program()
    except Unavailable as reason:
        missing(str(reason))


@pytest.fixture(scope="session")
def old_store(old: Path, tmp_path_factory: pytest.TempPathFactory) -> OldStore:
    """A workspace whose store only 0.1.1 has ever touched. Tests change copies of it."""
    made = OldStore(old, tmp_path_factory.mktemp("old"))
    made.fill()
    return made


@pytest.fixture
def empty_store(old: Path, tmp_path: Path) -> OldStore:
    """Another one of 0.1.1 with nothing in it yet, for one test alone."""
    return OldStore(old, tmp_path / "own")


@pytest.fixture
def store(old_store: OldStore, tmp_path: Path) -> Path:
    """A copy of that store."""
    return old_store.copy(tmp_path / "state")
