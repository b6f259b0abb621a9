"""What `submit_many` takes and gives: a task as a mapping, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Required, TypedDict

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.terms import stated
from agent_lanes.errors import AgentLanesError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent_lanes.core.terms import Terms
    from agent_lanes.services.batches import Outcome


TERMS = {
    "priority": "priority",
    "delay_seconds": "delay",
    "expires_seconds": "expires",
    "backoff_seconds": "backoff",
    **{name: name for name in ("max_attempts", "on_failure", "depends_on", "unique_key", "if_exists", "max_cost_usd")},
}  # what the parameters are called in core.terms


class NewTask(TypedDict, total=False):
    """The parameters of `Queue.submit`, as a mapping."""

    lane: Required[str]
    request: str | None
    request_path: str | None
    response_to: str | None
    prompt: str
    metadata: Mapping[str, Any] | None
    supporting_paths: tuple[str, ...]
    worktree_path: str | None
    branch: str | None
    source_agent: str
    correlation_id: str | None
    idempotency_key: str | None
    priority: int | None
    delay_seconds: float | None
    expires_seconds: float | None
    max_attempts: int | None
    backoff_seconds: float | None
    depends_on: tuple[str, ...]
    on_failure: str | None
    unique_key: str | None
    if_exists: str | None
    max_cost_usd: float | None
    name: str


def terms_of(parameters: dict[str, Any], now: Callable[[], int]) -> Terms | None:
    """Take the terms out of the parameters of a submit; None where there are none. Raises BadUsage."""
    given = {key: value for name, key in TERMS.items() if (value := parameters.pop(name, None)) is not None}
    if not given.get("depends_on", True):
        del given["depends_on"]
    if "depends_on" in given:
        given["depends_on"] = list(given["depends_on"])
    return stated(given, now()) if given else None


class Submitted(Frozen):
    """What became of one task: its id, and whether it had been submitted before; or why it was not.

    Of a task that is Unconfirmed the id is missing, too: the error's message has it.
    """

    id: str = ""
    already_done: bool = False
    error: AgentLanesError | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> Submitted:
        """The same as callers of the API see it."""
        if outcome.task is None:
            return cls(error=outcome.error)
        return cls(id=outcome.task.id, already_done=not outcome.new)

    def raise_if_failed(self) -> str:
        """The id; raises the error where there is one."""
        if self.error is not None:
            raise self.error
        return self.id
