"""Ceilings on what agents may cost: of a task, of a lane and day, of all lanes and day.

    max_cost_usd of a task                 passed on to agents that take one; reached, the task is put on hold
    lanes.<lane>.max_cost_usd_per_day      reached, the lane is put on hold until midnight UTC
    max_cost_usd_per_day                   reached, every lane

Looked at before an agent is started and after it has ended: what runs is finished, so that a ceiling is passed by what
was at work when it was reached. Only known costs count, and the reason says how many attempts had none.
"""

from __future__ import annotations

from agent_lanes.core import ledger
from agent_lanes.core.times import DAY
from agent_lanes.errors import AgentLanesError, Refused
from agent_lanes.services import control, costs, holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.task import Task
    from agent_lanes.services.queue import QueueService

CEILING = "ceiling"  # who holds: `by`


class Ceilings:
    """The ceilings of one dispatcher; `reread` has the config read anew, for who has just raised one in it."""

    def __init__(self, queue: QueueService, say: Callable[[str], None], reread: Callable[[], None]) -> None:
        self._queue, self._backend, self._say, self._reread = queue, queue.backend, say, reread

    def of_the_day(self, lane: str) -> str | None:
        """Why nothing may be begun on a lane today; it is on hold then. Raises AgentLanesError."""
        if costs.over_the_day(self._backend, lane, self._queue.lanes()) is None:
            return None
        self._reread()
        over = costs.over_the_day(self._backend, lane, self._queue.lanes())
        if over is None:
            return None
        lanes, why = over
        midnight = (self._backend.now().wall // DAY + 1) * DAY
        for one in lanes:
            self._hold(one, midnight, why)
        return why

    def left(self, task: Task) -> float | None:
        """What a task may still cost; None without a ceiling. Raises AgentLanesError."""
        ceiling = ledger.ceiling_of(task)
        return None if ceiling is None else ceiling - costs.spent_on(self._backend, task.id).cost_usd

    def of_the_task(self, task: Task) -> str | None:
        """Why a task may not be begun any more; None where it may. Raises AgentLanesError."""
        ceiling = ledger.ceiling_of(task)
        if ceiling is None:
            return None
        spent = costs.spent_on(self._backend, task.id)
        return None if spent.cost_usd < ceiling else costs.told("the task", spent, ceiling, "max_cost_usd")

    def hold_task(self, task: Task, why: str) -> None:
        """Put a task that is back in the queue on hold: to resume it is to let it cost as much again."""
        try:
            control.hold(self._backend, task.id, by=CEILING, reason=why)
            self._say(f"{task.id[-12:]}: on hold: {why}")
        except Refused:  # its attempts are over, or somebody else has it, who will find the same
            pass

    def after(self, task: Task) -> None:
        """Look once an attempt has ended, so that nothing more is offered."""
        try:
            self.of_the_day(task.lane)
            why = self.of_the_task(task)
            if why is not None and not self._backend.finished(task.id):
                self.hold_task(task, why)
        except AgentLanesError as wrong:
            self._say(f"the ceilings could not be looked at: {wrong.message}")

    def _hold(self, lane: str, until: int, why: str) -> None:
        now = self._backend.now()
        for one in self._backend.holds():
            if (one.lane, one.vendor) == (lane, None) and one.stands(now):
                return
        holds.hold(self._backend, lane, None, until=until, reason=why, by=CEILING)
        self._say(f"lane {lane} is on hold until midnight UTC: {why}")
