"""A watch as a client sees it: told of names that appear or are written in a folder, a moment later."""

from __future__ import annotations

import os
from types import TracebackType

from simulated.truth import Truth
from simulated.world import Client, World

WAKING = ("create", "link", "write", "pwrite")
LATENCY = 150


class SimulatedWatch:
    """Takes the place of the store's own watch on a folder."""

    world: World
    truth: Truth

    def __init__(self, folder: str, names: tuple[str, ...]) -> None:
        client = self.world.current()
        assert client is not None
        self.client: Client = client
        self.world.point(client, "watch", folder)
        self.folder, self.paths = folder, {f"{folder}/{name}" for name in names}
        self.inode = self.world.real["stat"](folder).st_ino  # type: ignore[attr-defined]
        self.fired = self.asleep = False
        self.truth.watches.append(self)

    def notice(self, call: str, place: str) -> None:
        """A call of somebody's has succeeded."""
        if call not in WAKING or place not in self.paths:
            return
        if os.stat(self.folder).st_ino == self.inode:  # the watch stays with the folder, not with its name
            self.fired = True
            if self.asleep:
                self.client.awake_at = min(self.client.awake_at, self.world.elapsed + LATENCY)

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until told, or until the time is over."""
        self.world.point(self.client, "sleep", f"{self.folder} {timeout_seconds:.3f}")
        self._nothing_missed()
        if not self.fired:
            self.asleep = True
            try:
                self.world.sleep(self.client, round(timeout_seconds * 1_000_000))
            finally:
                self.asleep = False
        woken, self.fired = self.fired, False
        return woken

    def __enter__(self) -> SimulatedWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.truth.watches.remove(self)

    def _nothing_missed(self) -> None:
        """Set, then look, then sleep: an answer that came before the look was seen, one that came later has told."""
        task = self.truth.tasks.get(os.path.basename(self.folder))
        answered = task is not None and task.response is not None
        if answered and not self.fired and self.world.real["stat"](self.folder).st_ino == self.inode:  # type: ignore[attr-defined]
            self.world.problem(f"{self.client.name} goes to sleep on {self.folder}, which is answered: a lost wake-up")
