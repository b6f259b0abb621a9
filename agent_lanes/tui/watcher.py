"""The one thread that waits for changes and looks; it ends with the program.

    Watcher(backend, tell, fail).start()      tell(picture) at once, and after each change; fail(error)

It sleeps in the store's own watch: what a key does is a change, too, and wakes it.
"""

from __future__ import annotations

import threading
import time

from agent_lanes.errors import AgentLanesError
from agent_lanes.services.board import Board
from agent_lanes.services.waiting import RECHECK_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.ports import Backend
    from agent_lanes.services.board import Picture

LEAST_SECONDS = 0.1  # changes come in bursts, and a wake-up may come just before its change
SHARE = 10  # looking takes at most this part of the time: one tenth


class Watcher(threading.Thread):
    """Looks, and waits; both callbacks are called from this thread."""

    def __init__(
        self, backend: Backend, tell: Callable[[Picture], None], fail: Callable[[AgentLanesError], None]
    ) -> None:
        super().__init__(name="top-watcher", daemon=True)  # nobody waits for a thread that sleeps in the kernel
        self._backend, self._tell, self._fail = backend, tell, fail
        self._board = Board(backend)
        self._over = False

    def end(self) -> None:
        """Tell nothing more; the thread goes with the process, or at its next wake-up."""
        self._over = True

    def run(self) -> None:
        """Until `end`."""
        while not self._over:
            with self._backend.watch_changes() as watch:  # set anew each time: the store may not have been there yet
                due, anew = time.monotonic() + RECHECK_SECONDS, True
                while not self._over and (anew or time.monotonic() < due):
                    pause = self._look(anew)
                    anew = False
                    if not watch.wait(max(0.0, due - time.monotonic())):
                        break
                    time.sleep(pause)

    def _look(self, anew: bool) -> float:
        """Look and tell; for how long to pause after the next change."""
        began = time.monotonic()
        try:
            picture = self._board.look(anew=anew)
        except AgentLanesError as error:
            if not self._over:
                self._fail(error)
        else:
            if not self._over:
                self._tell(picture)
        return max(LEAST_SECONDS, SHARE * (time.monotonic() - began))
