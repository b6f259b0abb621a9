"""What somebody may want to be told of: `notify` of handoff.yaml, as rules, and which of them a transition meets."""

from __future__ import annotations

from agent_lanes.core.dead import DEAD
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, EXPIRED, FAILED, NEEDS_REVISION, SUBMITTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event, Snapshot

DIED, LAPSED, TO_REVISE, PERSON = "dead", "expired", "needs_revision", "needs_person"
OF_EVENT: dict[str, tuple[str, ...]] = {
    "created": (SUBMITTED,),
    "claimed": (CLAIMED,),
    "attempt_failed": ("attempt_failed",),
    "parked": ("parked", PERSON),  # until somebody brings its request back
    "cancelled": (CANCELLED,),
}
OCCASIONS = (
    *(SUBMITTED, CLAIMED, COMPLETED, FAILED, CANCELLED, "attempt_failed", "parked"),
    *(DIED, LAPSED, TO_REVISE, PERSON),
)
LONGEST_TEXT = 200


class Notice(Frozen):
    """One rule: on which occasions, of which lane (None: of any), a command is started, or the desktop told."""

    on: tuple[str, ...]
    lane: str | None = None
    command: tuple[str, ...] = ()
    desktop: bool = False


def occasions(snapshot: Snapshot, event: Event) -> tuple[str, ...]:
    """What a line of history that a transition wrote is an occasion for; `snapshot` is the task after it."""
    response = snapshot.response
    if event.type != "response" or response is None:
        return OF_EVENT.get(event.type, ())
    found = [response.status]
    if response.cause in DEAD:
        found += [DIED, PERSON]  # nobody has answered it: somebody must try again, or let it be
    if response.cause == EXPIRED:
        found.append(LAPSED)
    if response.verdict == NEEDS_REVISION:
        found.append(TO_REVISE)
    return tuple(found)


def due(rules: Iterable[Notice], snapshot: Snapshot, event: Event) -> list[tuple[Notice, tuple[str, ...]]]:
    """The rules that a transition meets, each with the occasions for which it does."""
    met = occasions(snapshot, event)
    found = []
    for rule in rules:
        words = tuple(word for word in met if word in rule.on)
        if words and rule.lane in (None, snapshot.task.lane):
            found.append((rule, words))
    return found


def headline(snapshot: Snapshot, event: Event, words: tuple[str, ...]) -> tuple[str, str]:
    """Title and text for people, each one line that no program takes for an option."""
    from agent_lanes.core.escapes import one_line

    task, response = snapshot.task, snapshot.response
    said = task.prompt
    if response is not None:
        said = response.failure_reason or response.verdict or response.body
    elif event.type in ("attempt_failed", "parked"):
        said = event.message
    title = f"agent-lanes: {task.lane}: {words[-1]}"
    return one_line(title), one_line(f"{task.correlation_id} ({task.id[-12:]}): {said[:LONGEST_TEXT]}")


def public_notice(snapshot: Snapshot, event: Event, words: tuple[str, ...], record: JsonObject) -> JsonObject:
    """What a command is told: without the token, which would let whoever reads it answer the task."""
    from agent_lanes.core.answers import public_response
    from agent_lanes.core.codec import public_event

    told, response = public_event(event), snapshot.response
    return {
        "on": list(words),
        "event": {key: value for key, value in told.items() if key != "number"},
        "task": {key: value for key, value in record.items() if key != "claim_token"},
        "response": None if response is None else public_response(response),
    }
