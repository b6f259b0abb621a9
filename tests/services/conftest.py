"""A workspace with a request in it, and the services on the memory backend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.stores import BOOT, Clock

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core.task import Task
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission

Submit = Callable[..., Task]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the queue."""
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", BOOT)
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> QueueService:
    """The services."""
    return QueueService(MemoryStore(now=clock))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A project with a request; its path has blanks and quotes."""
    root = tmp_path / 'a project\'s "root"'
    (root / "docs").mkdir(parents=True)
    (root / "request.md").write_text("please")
    return root


@pytest.fixture
def wanted(workspace: Path) -> Submission:
    """A submission in which everything is right."""
    return Submission(
        lane="default",
        workspace_id="w",
        workspace_root=str(workspace),
        base=str(workspace),
        request="request.md",
        metadata={},
    )


@pytest.fixture
def submit(queue: QueueService, wanted: Submission) -> Submit:
    """`submit(prompt="...")`: submit it, with those fields changed."""
    return lambda **changes: queue.submit(wanted.replace(**changes))[0]
