"""The lanes of a picture as rows, and who is there as lines: pure, no Textual."""

from __future__ import annotations

from agent_lanes.core import glance
from agent_lanes.core.escapes import one_line
from agent_lanes.core.ledger import Sum
from agent_lanes.core.task import CLAIMED
from agent_lanes.core.times import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.core.holds import Hold
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.presence import Sign
    from agent_lanes.services.board import Picture

NOTHING: JsonObject = {"ready": 0, "claimed": 0, "later": 0, "last_hour": {}, "oldest_ready_at": None}


def rows(picture: Picture, now: int) -> list[JsonObject]:
    """A row for each lane that has had tasks, or on which somebody listens; by name."""
    found = {str(lane["lane"]): _row(lane, now) for lane in picture.lanes}
    for sign in picture.signs:
        found.setdefault(sign.lane, {**NOTHING, "lane": sign.lane})
    for name, row in found.items():
        row["listening"] = _listening(name, picture)
        row["spent"] = glance.spent(picture.lane_costs[name]) if name in picture.lane_costs else ""
    return [found[name] for name in sorted(found)]


def _row(lane: JsonObject, now: int) -> JsonObject:
    oldest = lane["oldest_ready_seconds"]
    later = sum(count for field in ("delayed", "blocked", "on_hold") if isinstance(count := lane[field], int))
    at = now - int(oldest * SECOND) if isinstance(oldest, (int, float)) else None
    return {**lane, "later": later, "oldest_ready_at": at}


def _listening(name: str, picture: Picture) -> str:
    """`ON HOLD · codex (2), any`."""
    held = [hold for hold in picture.holds if hold.lane == name and hold.vendor is None]
    counts: dict[str, int] = {}
    for sign in picture.signs:
        if sign.lane == name:
            counts[sign.vendor] = counts.get(sign.vendor, 0) + 1
    who = ", ".join(vendor if count == 1 else f"{vendor} ({count})" for vendor, count in counts.items())
    return " · ".join(part for part in ("ON HOLD" if held else "", who) if part) or "nobody"


def held(picture: Picture, lane: str) -> bool:
    """Whether a lane as a whole is on hold."""
    return any(hold.lane == lane and hold.vendor is None for hold in picture.holds)


def present(picture: Picture, now: int) -> Iterator[str]:
    """A line for each who listens, each who works, and each hold; escaped."""
    yield from _titled("listening", (_sign(sign, now) for sign in picture.signs))
    yield from _titled("at work", _working(picture, now))
    yield from _titled("on hold", (_hold(hold, now) for hold in picture.holds))
    yield from _titled("spent today", _spent(picture))


def spent(picture: Picture) -> str:
    """What all lanes took today: `0.42 USD today`; nothing where nothing was."""
    total = Sum()
    for one in picture.lane_costs.values():
        total = total.together(one)
    return f"{glance.spent(total)} USD today" if total.attempts else ""


def _spent(picture: Picture) -> Iterator[str]:
    for vendor, sum in picture.vendor_costs.items():
        yield f"{vendor}: {glance.spent(sum)} USD, {sum.attempts} {'attempt' if sum.attempts == 1 else 'attempts'}"


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = [one_line(line) for line in lines]
    if found:
        yield f"{title}:"
        yield from (f"  {line}" for line in found)


def _sign(sign: Sign, now: int) -> str:
    owner = f" by {sign.owner}" if sign.owner else ""
    since = glance.age((now - sign.since) / SECOND)
    return f"{sign.vendor} on {sign.lane}: {sign.kind}{owner}, process {sign.pid}, {since}"


def _working(picture: Picture, now: int) -> Iterator[str]:
    for entry in picture.entries:
        claim = entry.snapshot.claim
        if claim is not None and entry.snapshot.state == CLAIMED:
            yield f"{claim.owner} on {entry.snapshot.task.lane}: {glance.age((now - claim.claimed_at) / SECOND)}"


def _hold(hold: Hold, now: int) -> str:
    until = "" if hold.until is None else f" for {glance.age((hold.until - now) / SECOND)} more"
    return f"{hold.what}{until}{f': {hold.reason}' if hold.reason else ''}"
