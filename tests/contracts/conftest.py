"""Every test of this folder runs against every backend; a new backend is one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.backends.traced import Traced
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from contracts.stores import BOOT, Clock, ClockedFileStore

BACKENDS: dict[str, Callable[[Path, Clock], Backend]] = {
    "memory": lambda folder, clock: MemoryStore(now=clock),
    "files": lambda folder, clock: ClockedFileStore(str(folder / "state"), clock),
    "traced files": lambda folder, clock: Traced(ClockedFileStore(str(folder / "state"), clock)),  # type: ignore[dict-item, return-value]
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the backend."""
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", BOOT)
    return Clock()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Backend:
    """One backend, empty."""
    return BACKENDS[request.param](tmp_path, clock)


@pytest.fixture
def empty(request: pytest.FixtureRequest, backend: Backend, tmp_path: Path, clock: Clock) -> Backend:
    """Another one of the same kind, empty."""
    return BACKENDS[request.node.callspec.params["backend"]](tmp_path / "another", clock)


@pytest.fixture
def queue(backend: Backend) -> QueueService:
    """The services on it."""
    return QueueService(backend)
