"""The rules of a lane, as handoff.yaml states them, and what they make of a task that says nothing itself.

    Rules    of one lane; what it leaves out is None
    Lanes    of all of them

What concerns one task is resolved at submit and stands in its task.json, so that it holds at every door. What
concerns the tasks of a lane together (concurrency) is looked up by whoever claims; it stands in task.json, too, for
those whose config does not declare the lane.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import DEFAULT_BACKOFF_SECONDS, DEFAULT_PRIORITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.terms import Terms

DEFAULT_MAX_ATTEMPTS = 3
LEFT_TO_THE_LANE = ("priority", "max_attempts", "backoff_seconds", "max_cost_usd")  # unless the submitter states them
DEFAULT_RETENTION_SECONDS = 30 * 86_400.0


class Rules(Frozen):
    """What a lane states; None where it says nothing.

    `max_attempts` 0 is without limit. A lease is `lease_seconds` long unless the claimer asks for another, and never
    longer than `max_lease_seconds`. At most `concurrency` tasks are claimed at once, and of those whose metadata has
    the same value under a key of `concurrency_by` at most so many. `fair`: the sources take turns. `route_by` is the
    metadata key that routes. `response_schema` is a JSON Schema, or the absolute path of one. `max_cost_usd` is for
    each task that states none itself.
    """

    description: str = ""
    priority: int | None = None
    max_attempts: int | None = None
    backoff_seconds: float | None = None
    lease_seconds: float | None = None
    max_lease_seconds: float | None = None
    concurrency: int | None = None
    concurrency_by: dict[str, int] = {}
    fair: bool = False
    route_by: str | None = None
    response_schema: JsonObject | str | None = None
    retention_seconds: float | None = None
    max_cost_usd: float | None = None
    max_cost_usd_per_day: float | None = None

    @property
    def limited(self) -> bool:
        """Whether claims of the lane are counted."""
        return self.concurrency is not None or bool(self.concurrency_by)

    def agreed(self, stated: Terms | None) -> dict[str, object]:
        """The terms of a task, for its record: those that its submitter stated, else those of the lane."""
        terms: dict[str, object] = {} if stated is None else stated.of_task()
        limit = _first(terms.get("max_attempts"), self.max_attempts, DEFAULT_MAX_ATTEMPTS)
        return {
            **terms,
            "priority": _first(terms.get("priority"), self.priority, DEFAULT_PRIORITY),
            "max_attempts": limit or None,
            "backoff_seconds": _first(terms.get("backoff_seconds"), self.backoff_seconds, DEFAULT_BACKOFF_SECONDS),
            "max_cost_usd": _first(terms.get("max_cost_usd"), self.max_cost_usd),
            "lease_seconds": self.lease_seconds,
            "max_lease_seconds": self.max_lease_seconds,
            "concurrency": self.concurrency,
            "concurrency_by": self.concurrency_by,
        }

    def at_most(self, most: int | None) -> Rules:
        """The same, with another limit where one is given."""
        return self if most is None else self.replace(concurrency=most)


NO_RULES = Rules()


class Lanes(Frozen):
    """The rules of every lane that is declared; `strict`: there are no others. The ceiling is that of all together."""

    rules: dict[str, Rules] = {}
    strict: bool = False
    max_cost_usd_per_day: float | None = None

    def of(self, lane: str) -> Rules:
        """The rules of a lane; none for one that is not declared."""
        return self.rules.get(lane, NO_RULES)


NO_LANES = Lanes()


def _first(*choices: object) -> object:
    return next((choice for choice in choices if choice is not None), None)
