"""What making a task takes: what is wanted, and what the store adds. A part of `ports`."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.fairness import Flow
    from agent_lanes.core.task import Task
    from agent_lanes.core.times import Moment
    from agent_lanes.errors import AgentLanesError


class Birth(Protocol):
    """What a store adds to a task that is being made."""

    @property
    def now(self) -> Moment:
        """The moment of creation."""

    @property
    def id(self) -> str | None:
        """The id that an idempotency key reserved; None where a new one is to be made."""

    @property
    def chance(self) -> str:
        """12 hex digits that no other birth has."""

    @property
    def sequence(self) -> int:
        """The task's place in its lane."""


class Creation(Protocol):
    """A task that is wanted, as `TaskStore.create` is told of it."""

    @property
    def lane(self) -> str:
        """The lane it is for."""

    @property
    def request(self) -> bytes | None:
        """The request, where the store is to keep it."""

    @property
    def key(self) -> str | None:
        """Its idempotency key."""

    @property
    def unique_key(self) -> str | None:
        """No other open task of the lane has this key."""

    @property
    def needs(self) -> tuple[int, ...]:
        """Which of those that are wanted together must be stored before this one: they stand in front of it."""

    @property
    def flow(self) -> Flow | None:
        """Whose turn it takes, in a lane where the sources take turns."""

    def make(self, birth: Birth) -> Task:
        """The task, with what the store adds; may run more than once. Raises where one that it needs is not stored."""

    def settle(self, found: Task | AgentLanesError) -> None:
        """Told what stands for it now: the task that is stored, or why there is none; the last call counts."""
