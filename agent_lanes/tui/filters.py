"""Which tasks are shown: by lane, by state, by words."""

from __future__ import annotations

from agent_lanes.core import glance
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

OPEN, ENDED = "open", "ended"
GROUPS = {OPEN: (QUEUED, CLAIMED), ENDED: (COMPLETED, FAILED, CANCELLED)}
STATES = ("", OPEN, QUEUED, CLAIMED, FAILED, ENDED)  # in the order in which a key goes through them


class Filter(Frozen):
    """What is asked for; empty is everything. A task must hold every word of `words`."""

    lane: str = ""
    state: str = ""
    words: str = ""

    @property
    def story(self) -> str:
        """In words: `lane review, open, "parser"`."""
        lane = f"lane {self.lane}" if self.lane else ""
        words = f'"{self.words}"' if self.words else ""
        return ", ".join(part for part in (lane, self.state, words) if part)

    def takes(self, view: JsonObject) -> bool:
        """Whether a task is shown."""
        if self.lane and view["lane"] != self.lane:
            return False
        if self.state and view["state"] not in GROUPS.get(self.state, (self.state,)):
            return False
        if not self.words:
            return True
        told = (view["id"], view["lane"], view["route"], view["claim_owner"], view["source_agent"], view["prompt"])
        text = " ".join(str(part) for part in (*told, glance.phase(view), glance.title(view))).casefold()
        return all(word in text for word in self.words.casefold().split())

    def next_state(self) -> Filter:
        """The same with the next state."""
        at = STATES.index(self.state) if self.state in STATES else 0
        return self.replace(state=STATES[(at + 1) % len(STATES)])
