"""What a dispatcher was told to do."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import ANY_VENDOR
from agent_lanes.dispatch.runner import Limits

LEASE_SECONDS, WAIT_SECONDS = 900.0, 21_600.0
LANE = "default"


class Settings(Frozen):
    """`vendor` None or `any`: nobody's in the table; `command` replaces the vendor's; `renew_seconds` None is a third
    of the lease."""

    lane: str = LANE
    vendor: str | None = None
    command: tuple[str, ...] = ()
    owner: str
    concurrency: int = 1
    once: bool = False
    lease_seconds: float = LEASE_SECONDS
    renew_seconds: float | None = None
    wait_seconds: float = WAIT_SECONDS
    limits: Limits

    @property
    def named(self) -> str | None:
        """The vendor that was named; None for a program of the user's."""
        return None if self.vendor == ANY_VENDOR else self.vendor

    @property
    def called(self) -> str:
        """What the agent is called in the history and in answers: the vendor, else the program."""
        return self.named or self.command[0].rsplit("/", 1)[-1]

    @property
    def takes(self) -> str:
        """Whose tasks it takes beside those for anybody; `any`: everybody's, which must have been asked for."""
        return self.vendor or self.called
