"""How many, how much and how long: what a server takes of its clients by either transport (CONTRACT.md, HTTP)."""

from __future__ import annotations

import threading

from agent_lanes.errors import TimedOut, TooMany
from agent_lanes.server.guard import MAX_REQUEST_BYTES

MOST_CONNECTIONS = 4096
MOST_HEADER_BYTES = 64 << 10
HEAD_SECONDS, BODY_SECONDS, TAKING_SECONDS, IDLE_SECONDS = 10.0, 60.0, 60.0, 75.0
"""For the head of a request; for a body; without taking anything of an answer; between two requests."""
BODIES_BYTES = 4 * MAX_REQUEST_BYTES  # of all requests that are being read or worked on


class SlowBody(TimedOut):
    """A body that has not come in time."""

    def __init__(self) -> None:
        super().__init__(f"body: not all there after {BODY_SECONDS:.0f} seconds", hint="send it again")


def too_many_connections() -> TooMany:
    """What one client more is told."""
    return TooMany(f"more than {MOST_CONNECTIONS} connections", hint="close some, or try again later")


class Bodies:
    """Room for the bodies of all requests, from when they are announced until they have been worked on."""

    def __init__(self) -> None:
        self._lock, self._bytes = threading.Lock(), 0

    def take(self, length: int) -> None:
        """Room for one. Raises TooMany."""
        with self._lock:
            if self._bytes + length > BODIES_BYTES:
                raise TooMany("body: too many large bodies at once", hint="send it again in a moment")
            self._bytes += length

    def give(self, length: int) -> None:
        """It is done with."""
        with self._lock:
            self._bytes -= length
