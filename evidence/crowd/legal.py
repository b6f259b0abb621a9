"""Which histories of a task are legal: the story that events.jsonl tells, line by line."""

from __future__ import annotations

from collections.abc import Iterable

from agent_lanes.core.task import CAUSES, EXHAUSTED, FETCHED, RECEIPTS, Event

AFTER_THE_ANSWER = ("note", "retried", "discarded", *RECEIPTS)
BY_THE_HOLDER = ("renewed", "released", "attempt_failed")


def problems(events: Iterable[Event]) -> list[str]:
    """What is wrong with a history; nothing, if it is legal.

    A killed process may have left out the line of what it did last, never an earlier one: where a claim is missing,
    the next writer adds `recovered` in its place.
    """
    story = _Story()
    for number, event in enumerate(events, 1):
        if event.number != number:
            story.found.append(f"line {number} has the number {event.number}")
        if (event.type == "created") != (number == 1):
            story.found.append(f"line {number} is {event.type}")
        story.go_on(event)
    return story.found


class _Story:
    """How far a history has been read."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.epoch, self.held, self.answered = 0, False, False
        self.attempts: tuple[int, ...] = (1,)
        """Which one the next claim may be."""

    def go_on(self, event: Event) -> None:
        """Read one line more."""
        type = event.type
        if self.answered and type not in AFTER_THE_ANSWER:
            self.found.append(f"{type} after the answer")
        if type == "recovered":
            self.epoch, self.held, self.attempts = event.epoch, True, ()
        elif type == "claimed":
            self._claimed(event)
        elif event.epoch != self.epoch:
            self.found.append(f"{type} of epoch {event.epoch} in epoch {self.epoch}")
        elif type in BY_THE_HOLDER:
            self._by_the_holder(type)
        elif type == "response":
            self._answered(event)
        elif type == FETCHED:
            self.answered = True  # the line of the answer may be lost
        elif type in ("on_hold", "parked"):
            self.held = False  # the line that put it back may be lost
        elif type == "cancelled":
            self.held, self.answered = False, True

    def _claimed(self, event: Event) -> None:
        attempt = int(event.data.get("attempt") or 1)  # type: ignore[call-overload]
        if event.epoch != self.epoch + 1:
            self.found.append(f"claimed with epoch {event.epoch} after {self.epoch}")
        if self.attempts and attempt not in self.attempts:
            self.found.append(f"attempt {attempt} where {' or '.join(map(str, self.attempts))} is next")
        self.epoch, self.held = event.epoch, True
        self.attempts = (attempt, attempt + 1)  # its lease runs out, or the line of its release is lost

    def _by_the_holder(self, type: str) -> None:
        if not self.held:
            self.found.append(f"{type} of epoch {self.epoch}, which nobody holds")
        self.held = type == "renewed"
        if not self.held and self.attempts:
            self.attempts = self.attempts[:1] if type == "released" else self.attempts[1:]

    def _answered(self, event: Event) -> None:
        cause = event.data.get("cause")
        if cause is None and not self.held:
            self.found.append(f"an answer of epoch {self.epoch}, which nobody holds")
        if cause is not None and cause not in CAUSES:
            self.found.append(f"ended for a cause that is none: {cause}")
        if cause is not None and cause != EXHAUSTED and self.held:
            self.found.append(f"ended by the queue ({cause}) while epoch {self.epoch} held it")
        self.held, self.answered = False, True
