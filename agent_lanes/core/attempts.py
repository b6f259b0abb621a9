"""The attempts of a task, told from its history: one for each claim.

    attempt, epoch, owner, claimed_at     how it began
    ended_at, outcome, reason             how it ended; null while it goes on
    metadata                              what the worker noted with that: output tail, cost

The outcome is `failed` (that attempt, or the task by its worker), `completed`, `released`, `lease_expired` or
`cancelled`. Of a lease that ran out, `ended_at` is when somebody noticed. History is for people: a line that a power
cut took is an attempt, or an end, that is missing here.
"""

from __future__ import annotations

from agent_lanes.core.task import CANCELLED, EXHAUSTED, FAILED, Response
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event

SAID = ("attempt", "owner", "reason", "not_before")  # of a failed attempt's line; the rest of it is metadata
LAPSED = "lease_expired"


def history(events: Iterable[Event], response: Response | None) -> list[JsonObject]:
    """The attempts, oldest first; `response` is the task's answer, whose metadata belongs to the last one."""
    found: list[JsonObject] = []
    running: JsonObject | None = None

    def ended(event: Event, outcome: str, reason: object = None, metadata: JsonObject | None = None) -> None:
        nonlocal running
        if running is not None:
            running.update(ended_at=iso(event.created_at), outcome=outcome, metadata=metadata or {})
            running["reason"] = reason if isinstance(reason, str) and reason else None
        running = None

    for event in events:
        data = event.data
        if event.type == "claimed":
            ended(event, LAPSED)
            running = _begun(event)
            found.append(running)
        elif event.type == "attempt_failed":
            noted = {key: value for key, value in data.items() if key not in SAID}
            ended(event, FAILED, data.get("reason"), noted)
        elif event.type == "released":
            ended(event, "released", data.get("reason"))
        elif event.type == "parked":
            ended(event, LAPSED)
        elif event.type == "cancelled":
            ended(event, CANCELLED, data.get("reason"))
        elif event.type == "response":
            by_queue = data.get("cause") == EXHAUSTED
            reason = event.message if by_queue else response.failure_reason if response else None
            outcome = LAPSED if by_queue else str(data.get("status", FAILED))
            ended(event, outcome, reason, response.metadata if response else None)
    return found


def _begun(event: Event) -> JsonObject:
    return {
        "attempt": event.data.get("attempt"),
        "epoch": event.epoch,
        "owner": event.data.get("owner"),
        "claimed_at": iso(event.created_at),
        "ended_at": None,
        "outcome": None,
        "reason": None,
        "metadata": {},
    }
