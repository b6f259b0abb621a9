"""Holds of a lane, of a vendor, or of a vendor on a lane: a person stopped what it covers, until they let it go on.

A hold of a vendor stops the tasks that are for it, and those who claim in its name: its agents cannot work. A hold
says nothing about the tasks themselves; they keep their places.
"""

from __future__ import annotations

from agent_lanes.core.fields import Malformed, instant, maybe_instant, maybe_text, text
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import ANY_VENDOR
from agent_lanes.core.times import Moment, iso
from agent_lanes.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import JsonObject


class Hold(Frozen):
    """What is on hold: `lane` None is every lane, `vendor` None everybody; `until` None is until it is resumed."""

    lane: str | None
    vendor: str | None
    until: int | None = None
    reason: str = ""
    by: str = ""
    created_at: int

    @property
    def what(self) -> str:
        """In words: `lane review`, `vendor codex on lane review`."""
        lane = None if self.lane is None else f"lane {self.lane}"
        vendor = None if self.vendor is None else f"vendor {self.vendor}"
        return " on ".join(part for part in (vendor, lane) if part)

    @property
    def story(self) -> str:
        """`lane review is on hold until 2026-...: the API is down`."""
        until = "" if self.until is None else f" until {iso(self.until)}"
        return f"{self.what} is on hold{until}: {self.reason or 'no reason given'}"

    @property
    def way_out(self) -> str:
        """The command that ends it."""
        flags = [f" --{flag} {value}" for flag, value in (("lane", self.lane), ("vendor", self.vendor)) if value]
        return f"agent-lanes resume{''.join(flags)}"

    def stands(self, now: Moment) -> bool:
        """Whether its time is not over."""
        return self.until is None or now.wall < self.until

    def covers(self, lane: str, vendor: str | None) -> bool:
        """Whether it stops what is for a vendor (None, any: for everybody) on a lane."""
        return self.lane in (None, lane) and (self.vendor is None or self.vendor == vendor)


def standing(holds: Iterable[Hold], lane: str, vendor: str | None, now: Moment) -> Hold | None:
    """The hold that stops a task of a lane for a vendor, or a claimer of a vendor; of several that which ends last."""
    found = [hold for hold in holds if hold.stands(now) and hold.covers(lane, vendor)]
    return max(found, key=lambda hold: (hold.until is None, hold.until or 0), default=None)


def held_vendors(holds: Iterable[Hold], lane: str, now: Moment) -> tuple[str, ...]:
    """The vendors whose tasks on a lane are not offered."""
    found = {hold.vendor for hold in holds if hold.stands(now) and hold.lane in (None, lane)}
    return tuple(sorted(vendor for vendor in found if vendor is not None))


def next_end(holds: Iterable[Hold], lane: str, now: Moment) -> int | None:
    """When the next hold on a lane ends by itself."""
    ends = [hold.until for hold in holds if hold.until is not None and hold.stands(now) and hold.lane in (None, lane)]
    return min(ends, default=None)


def refuse_held(holds: Iterable[Hold], id: str, lane: str, vendor: str, now: Moment) -> None:
    """Raises Refused where a task must not be claimed now."""
    hold = standing(holds, lane, vendor, now)
    if hold is not None:
        raise Refused(f"cannot claim {id}; {hold.story}", hint=f"let it go on with: {hold.way_out}")


def encode_hold(hold: Hold) -> JsonObject:
    """A hold as a file, and as commands show it."""
    return {
        "lane": hold.lane,
        "vendor": hold.vendor,
        "until": None if hold.until is None else iso(hold.until),
        "reason": hold.reason,
        "by": hold.by,
        "created_at": iso(hold.created_at),
    }


def decode_hold(record: JsonObject) -> Hold:
    """The Hold of a record. Raises Malformed."""
    hold = Hold(
        lane=maybe_text(record, "lane"),
        vendor=maybe_text(record, "vendor"),
        until=maybe_instant(record, "until"),
        reason=text(record, "reason", empty=True),
        by=text(record, "by", empty=True),
        created_at=instant(record, "created_at"),
    )
    if (hold.lane is None and hold.vendor is None) or hold.vendor == ANY_VENDOR:
        raise Malformed("lane and vendor name nothing to hold")
    return hold
