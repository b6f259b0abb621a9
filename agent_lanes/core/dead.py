"""Dead letters: tasks that the queue itself failed, because their attempts or their time were over.

Nobody has answered them, so somebody should look: to try again, or to let them be. Which of the two happened stands
in the history; until then the task is listed. One that fails because a task it depends on did is no letter of its own.
"""

from __future__ import annotations

from agent_lanes.core.task import EXHAUSTED, EXPIRED, Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.task import Event

DEAD = (EXHAUSTED, EXPIRED)
RETRIED, DISCARDED = SEEN_TO = "retried", "discarded"


def died(snapshot: Snapshot) -> bool:
    """Whether the queue itself failed it so."""
    return snapshot.response is not None and snapshot.response.cause in DEAD


def seen_to(events: Iterable[Event]) -> bool:
    """Whether these lines of history say that somebody tried it again, or let it be."""
    return any(event.type in SEEN_TO for event in events)
