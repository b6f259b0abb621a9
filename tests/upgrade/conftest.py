"""The real agent-lanes 0.1.1, and a store that it made."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from upgrade.old_store import OldStore

VERSION = "0.1.1"
IN_CI = os.environ.get("CI") == "true"


def missing(reason: str) -> None:
    """What a test needs is not there: a skip at home, a failure in CI."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def old() -> Path:
    """The command of 0.1.1, in a virtual environment of its own.

    AGENT_LANES_PEER names the bin folder of one that is there already; otherwise it is made once, and kept below
    AGENT_LANES_TEST_CACHE or the system's folder for temporary files.
    """
    peer = os.environ.get("AGENT_LANES_PEER")
    if peer:
        command = Path(peer) / "agent-lanes"
        assert os.access(command, os.X_OK), f"AGENT_LANES_PEER: there is no program {command}"
        return command
    place = Path(tempfile.gettempdir()) / f"agent-lanes-tests-{os.geteuid()}"
    cache = Path(os.environ.get("AGENT_LANES_TEST_CACHE") or place)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    assert cache.stat().st_uid == os.geteuid(), f"{cache} belongs to somebody else: set AGENT_LANES_TEST_CACHE"
    environment = cache / f"peer-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "complete").exists():
            _install(environment)
    return environment / "bin" / "agent-lanes"


def _install(environment: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", f"agent-lanes=={VERSION}"]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        missing(f"pip cannot install agent-lanes {VERSION}: {done.stderr.strip()[-500:]}")
    (environment / "complete").touch()


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
