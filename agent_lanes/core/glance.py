"""A task at a glance: a word for how it stands, a few words for what it is, how long ago something was.

Made from what `status` shows (views.py), so that a table, a card and a page say the same.
"""

from __future__ import annotations

from agent_lanes.core.task import CLAIMED, QUEUED
from agent_lanes.core.times import SECOND, parse_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.ledger import Sum

PARKED, ON_HOLD, BLOCKED, DELAYED, LAPSED = "parked", "on hold", "blocked", "delayed", "lapsed"
UNKNOWN = "?"
LONGEST_TITLE = 200
UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def spent(sum: Sum) -> str:
    """`0.42`, `1234`; `0.42+` where some attempts did not tell their cost, `?` where none did."""
    known = sum.known_cost
    if known is None:
        return UNKNOWN
    shown = f"{known:.2f}" if known < 1000 else f"{known:.0f}"
    return shown + ("+" if sum.unknown_cost else "")


def phase(view: JsonObject) -> str:
    """The state; of a queued task that is not offered, why; of a claim whose lease has run out, `lapsed`."""
    if view["state"] == CLAIMED and view["lease_expired"]:
        return LAPSED
    if view["state"] != QUEUED or view["offered"]:
        return str(view["state"])
    if view["on_hold"] or view["hold"]:
        return ON_HOLD
    if view["waits_for"]:
        return BLOCKED
    return PARKED if view["parked_reason"] is not None else DELAYED


def title(view: JsonObject) -> str:
    """The first words of the prompt; without one, the name of the request's file, or the correlation id."""
    prompt = str(view["prompt"] or "")[: 2 * LONGEST_TITLE]
    folder, _, request = str(view["request_path"] or "").rpartition("/")
    own = "" if folder.endswith(f"/{view['id']}") else request  # what the store keeps has no name of its own
    return " ".join(prompt.split())[:LONGEST_TITLE] or own or str(view["correlation_id"])


def attempt(view: JsonObject) -> str:
    """Which attempt this is or was, and of how many: `1/3`, `2`; nothing before the first."""
    failed = view["attempts"]
    assert isinstance(failed, int)
    number = failed + (view["claim_owner"] is not None)
    most = view["max_attempts"]
    if most is None:
        return str(number) if number else ""
    return f"{min(number, most) if isinstance(most, int) else number}/{most}"


def span(seconds: float) -> str:
    """A duration in its two largest units, the second one only while it says something: `41 s`, `3 m`, `1 h 58 m`."""
    whole = max(0, int(seconds))
    for place, (size, unit) in enumerate(UNITS):
        if whole >= size:
            count, rest = divmod(whole, size)
            below, name = UNITS[place + 1] if place + 1 < len(UNITS) else (1, "")
            more = f" {rest // below} {name}" if size > 60 and count < 10 and rest >= below else ""
            return f"{count} {unit}{more}"
    return "0 s"


def age(seconds: float) -> str:
    """A duration in one unit: `3 m`."""
    whole = max(0, int(seconds))
    return next((f"{whole // size} {unit}" for size, unit in UNITS if whole >= size), "0 s")


def seconds_since(iso: object, now: int) -> float:
    """From a time as records show it to an instant (microseconds)."""
    return (now - parse_iso(str(iso))) / SECOND
