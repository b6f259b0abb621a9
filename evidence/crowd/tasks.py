"""One task of the storm: what the store holds of it in the end, and all that clients did to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from agent_lanes.core.task import Event
from crowd.journal import FAIL, OK, Operation

HELD = ("renew", "release", "event", "respond", "fail")
"""What only the holder of a claim may do."""
PUT_BACK = ("release", "fail")
ENDING = ("respond", "cancel", "fail")
SLACK = 2_000  # microseconds by which NTP may bend the wall clock of two lines of history


@dataclass
class Record:
    """A task as the store holds it in the end. Instants are microseconds of the wall clock."""

    id: str
    prompt: str
    body: str | None = None
    status: str | None = None
    epoch: int = 0
    events: list[Event] = field(default_factory=list)
    cause: str | None = None
    answered_at: int = 0
    lane: str = ""
    max_attempts: int | None = None
    not_before: int = 0
    depends_on: tuple[str, ...] = ()
    on_failure: str = "fail"
    unique_key: str | None = None

    def lines(self, *types: str) -> list[Event]:
        """Of its history, those of these types."""
        return [event for event in self.events if event.type in types]


class Done:
    """All that was done to one task."""

    def __init__(self, record: Record, operations: list[Operation]) -> None:
        self.record = record
        self._by: dict[str, list[Operation]] = defaultdict(list)
        for one in operations:
            self._by[one.f].append(one)

    def all(self, *fs: str, ok: bool = False) -> list[Operation]:
        """What may have taken place; only what certainly did, with `ok`."""
        found = [one for f in fs for one in self._by[f]]
        return [one for one in found if one.type == OK or (not ok and one.type != FAIL)]

    def failed(self, f: str) -> list[Operation]:
        """What did not take place."""
        return [one for one in self._by[f] if one.type == FAIL]

    def claims(self) -> dict[int, Operation]:
        """Of each epoch, who certainly had it: of a claim that was asked for again, the first to be told."""
        return {one.epoch: one for one in sorted(self.all("claim", ok=True), key=lambda one: -one.end)}

    def lease_ends(self, epoch: int) -> float:
        """When the last lease that somebody was granted under this epoch runs out, as far as that is certain."""
        grants = [one for one in self.all("claim", "renew", ok=True) if one.epoch == epoch]
        return max(one.ends or (one.asked or one.begin) + one.lease * 1e6 for one in grants)

    def put_back(self) -> list[Operation]:
        """What certainly put it back: releases, and failed attempts that were not the last."""
        return [one for one in self.all(*PUT_BACK, ok=True) if not one.final]

    def ended(self) -> list[Operation]:
        """What certainly ended it, or found it ended so."""
        return [one for one in self.all(*ENDING, ok=True) if one.f != "fail" or one.final]
