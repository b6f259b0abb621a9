"""Who works beside a command that blocks: without them it would wait for ever.

A companion starts once the command really sleeps, and ends with it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from scene import Scene

Companion = Callable[[Scene, Path], None]
PATIENCE_SECONDS = 1.5  # for a command that cannot set a watch, and polls


def answers_what_is_asked(scene: Scene, store: Path) -> None:
    """Answers every task that nobody has answered."""
    for task in sorted((store / "tasks").iterdir()):
        if not (task / "response.json").exists():
            scene.run("respond", task.name, "--body", "The answer of a companion.")


def asks_for_something(scene: Scene, store: Path) -> None:
    """Submits a task."""
    scene.run("submit", "--lane", "work", "--prompt", "Something came up.")


class Beside:
    """`with Beside(companion, scene, store) as beside:` - call `beside.started(pid)` once the command runs."""

    def __init__(self, companion: Companion | None, scene: Scene, store: Path) -> None:
        self._companion, self._scene, self._store = companion, scene, store
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Beside:
        return self

    def started(self, pid: int) -> None:
        """The command is this process, or its child."""
        if self._companion is not None:
            self._thread = threading.Thread(target=self._run, args=(pid, self._companion))
            self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, pid: int, companion: Companion) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._over.wait(0.005):
            if _sleeps(pid) or time.monotonic() > deadline:
                companion(self._scene, self._store)
                return


def _sleeps(pid: int) -> bool:
    """Whether the process, or a child of it, watches a folder of the store and sleeps."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
        if any(link.endswith("/signals") or "/tasks/" in link or "inotify" in link for link in links):
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                if file.read().rpartition(")")[2].split()[0] == "S":
                    return True
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return any(_sleeps(int(child)) for child in file.read().split())
    except OSError:  # a descriptor that was closed meanwhile, a process that has ended
        return False
