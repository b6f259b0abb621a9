"""The real agent-lanes 0.1.1, in a virtual environment of its own.

    python tests/upgrade/peer.py        make it if it is not there, and print the path of its program

AGENT_LANES_PEER names one that is there already: its program, or the folder `bin` with it. Otherwise it is made once,
and kept below AGENT_LANES_TEST_CACHE, or below the system's folder for temporary files.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "0.1.1"


class Unavailable(Exception):
    """It cannot be had here; the text says why."""


def program() -> Path:
    """The path of its program. Raises Unavailable."""
    named = os.environ.get("AGENT_LANES_PEER")
    if named:
        found = Path(named) / "agent-lanes" if Path(named).is_dir() else Path(named)
        if not os.access(found, os.X_OK):
            raise Unavailable(f"AGENT_LANES_PEER: there is no program {found}")
        return found
    cache = _cache()
    environment = cache / f"peer-{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs, or two workers of one
        if not (environment / "complete").exists():
            _install(environment)
    return environment / "bin" / "agent-lanes"


def _cache() -> Path:
    own = Path(tempfile.gettempdir()) / f"agent-lanes-tests-{os.geteuid()}"
    cache = Path(os.environ.get("AGENT_LANES_TEST_CACHE") or own)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cache.stat().st_uid != os.geteuid():
        raise Unavailable(f"{cache} belongs to somebody else: set AGENT_LANES_TEST_CACHE")
    return cache


def _install(environment: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", f"agent-lanes=={VERSION}"]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"pip cannot install agent-lanes {VERSION}: {done.stderr.strip()[-500:]}")
    (environment / "complete").touch()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{program()}\n")
    except Unavailable as reason:
        sys.exit(str(reason))
