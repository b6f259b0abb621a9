"""Which histories of a task are legal: the story that events.jsonl tells, line by line."""

from __future__ import annotations

from collections.abc import Iterable

from agent_lanes.core.task import FETCHED, RECEIPTS, Event


def problems(events: Iterable[Event]) -> list[str]:
    """What is wrong with a history; nothing, if it is legal.

    A killed process may have left out the line of what it did last, never an earlier one: the next writer adds
    `recovered` in its place.
    """
    found: list[str] = []
    epoch, held, answered = 0, False, False
    for number, event in enumerate(events, 1):
        if event.number != number:
            found.append(f"line {number} has the number {event.number}")
        if (event.type == "created") != (number == 1):
            found.append(f"line {number} is {event.type}")
        if event.type == FETCHED and not answered:
            found.append("an answer fetched that was not there")
        if answered and event.type not in ("note", *RECEIPTS):
            found.append(f"{event.type} after the answer")
        if event.type == "recovered":
            epoch, held = event.epoch, True
        elif event.type == "claimed":
            if event.epoch != epoch + 1:
                found.append(f"claimed with epoch {event.epoch} after {epoch}")
            epoch, held = event.epoch, True
        elif event.type in ("renewed", "released", "response"):
            if not held or event.epoch != epoch:
                found.append(f"{event.type} of epoch {event.epoch}, held: {held}, epoch: {epoch}")
            held = event.type == "renewed"
            answered = event.type == "response"
        elif event.epoch != epoch:
            found.append(f"{event.type} of epoch {event.epoch} in epoch {epoch}")
    return found
