"""What every test may rely on: an environment of its own, and the command as users run it.

tests/ is no package, and its folders may be: `from core.values import ...` finds tests/core/values.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "house",
    deadline=None,  # this machine may be busy: time decides nothing
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # tests in a script's background: their processes heed Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No variable of the developer's reaches a test, and no test writes into anybody's home."""
    for name in [name for name in os.environ if name.startswith("AGENT_LANES_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    yield


@pytest.fixture
def agent_lanes(tmp_path: Path) -> Run:
    """`agent_lanes("status", id, stdin="...", env={...})`: the command in a process of its own, in tmp_path."""

    def run(
        *words: object, stdin: str = "", env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent_lanes", *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=cwd or tmp_path,
            env={**os.environ, **(env or {})},
            timeout=120,
        )

    return run
