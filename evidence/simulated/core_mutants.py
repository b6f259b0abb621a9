"""Mutants in the pure core: rules that decide wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agent_lanes.core import transitions
from agent_lanes.core.task import Claim, Lease, Snapshot
from agent_lanes.core.times import Moment


def _by_wall(lease: Lease, now: Moment) -> bool:
    return now.wall >= lease.expires_at


def _any_boot(lease: Lease, now: Moment) -> bool:
    return now.boottime >= lease.ends_boottime


def _any_token(before: Snapshot, verb: str, token: str | None) -> Claim:
    transitions.legal(before, verb if verb != "respond" else "complete")
    assert before.claim is not None
    return before.claim


def _same_epoch(self: Snapshot) -> int:
    return max(0, self.claim.epoch - 1) if self.claim else 0


CORES: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "leases end by the wall clock": (Lease, "expired", _by_wall),
    "leases of a former boot hold": (Lease, "expired", _any_boot),
    "any token will do": (transitions, "held_by", _any_token),
    "a claim keeps the epoch": (Snapshot, "epoch", property(_same_epoch)),
}


@contextmanager
def broken(mutant: str | None) -> Iterator[None]:
    """Inside the block the core is broken so."""
    if mutant not in CORES:
        yield
        return
    place, name, other = CORES[mutant]
    original = place.__dict__[name]
    setattr(place, name, other)
    try:
        yield
    finally:
        setattr(place, name, original)
