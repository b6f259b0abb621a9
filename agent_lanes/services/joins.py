"""Waiting for several tasks at once: for all of them, for any, for the first so many.

    joined = until(backend, ids, enough=len(ids), timeout_seconds=60)
    joined.ended        those that are answered, in the order in which they were
    joined.open         the ids of the others

One watch on all of them, so one wake-up for each answer, however many there are. As every wait it ends the tasks
whose deadline, or the lease of whose last attempt, is over.
"""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.placement import ends_by_itself, ends_in
from agent_lanes.core.task import CANCELLED, FAILED, Snapshot
from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadUsage, TaskCancelled, TaskFailed
from agent_lanes.services import waiting
from agent_lanes.services.control import end_overdue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent_lanes.ports import Backend

MOST_TASKS = 100_000


class Joined(Frozen):
    """How several tasks stand: `ended` in the order in which they were answered, durably; `open` as they were given."""

    ended: tuple[Snapshot, ...]
    open: tuple[str, ...]

    def in_order(self, ids: Iterable[str]) -> list[Snapshot]:
        """Those that have ended, in the order of these ids."""
        found = {snapshot.id: snapshot for snapshot in self.ended}
        return [found[id] for id in ids if id in found]


def until(
    backend: Backend,
    ids: Sequence[str],
    *,
    enough: int,
    timeout_seconds: float,
    heartbeat_seconds: float = 0,
    beat: Callable[[Joined], None] | None = None,
) -> Joined:
    """Block until `enough` of these tasks are answered, or the time is over. Raises NotFound, Damaged, BadUsage.

    `beat` is called with how they stand every `heartbeat_seconds` (0: never).
    """
    join = Join(backend, checked(ids), enough)
    beating = None if beat is None else lambda: beat(join.joined())
    waiting.until(join.sought(), timeout_seconds, heartbeat_seconds, beating)
    return join.joined()


def checked(ids: Sequence[object]) -> tuple[str, ...]:
    """The ids, each once. Raises BadUsage."""
    if not 0 < len(ids) <= MOST_TASKS:
        raise BadUsage(f"wait: {len(ids)} task ids; it takes 1 to {MOST_TASKS}")
    return tuple(dict.fromkeys(map(names.task_id, ids)))


def count(field: str, value: object, ids: Sequence[str]) -> int:
    """How many are to end first: at least one, and not more than there are. Raises BadUsage."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= len(ids):
        raise BadUsage(
            f"{field}: {names.shown(value)} is not a number from 1 to {len(ids)}, which is how many there are"
        )
    return value


def still_open(joined: Joined) -> str:
    """The line that says which tasks a wait gave up on."""
    count = len(joined.open) + len(joined.ended)
    return f"timed out: {len(joined.open)} of {count} tasks are still open: {names.some(joined.open)}"


def exit_code(ended: Iterable[Snapshot]) -> int:
    """0 if all completed; else that of a failed task if any failed, else that of a cancelled one."""
    states = {snapshot.state for snapshot in ended}
    if FAILED in states:
        return TaskFailed.exit_code
    return TaskCancelled.exit_code if CANCELLED in states else 0


class Join:
    """The tasks of one wait, and which of them have ended so far. Raises NotFound, Damaged."""

    def __init__(self, backend: Backend, ids: tuple[str, ...], enough: int) -> None:
        self.backend, self.enough = backend, enough
        self.open, self.ended, self.bounded = list[str](), list[Snapshot](), set[str]()
        for id in ids:
            snapshot = backend.read(id)
            if snapshot.response is not None:
                self.ended.append(snapshot)
                continue
            self.open.append(id)
            if ends_by_itself(snapshot.task):
                self.bounded.add(id)

    def sought(self) -> waiting.Sought:
        """What a wait for enough of them looks for."""
        return waiting.Sought(
            look=self.look, watch=lambda: self.backend.watch_tasks(self.open), due=self.due, ids=tuple(self.open)
        )

    def joined(self) -> Joined:
        """How they stand, durably."""
        self.backend.confirm(*(one.id for one in self.ended))  # nobody may act on what a power cut can take back
        ended = sorted(self.ended, key=lambda one: (one.response.created_at if one.response else 0, one.id))
        return Joined(ended=tuple(ended), open=tuple(self.open))

    def look(self) -> bool | None:
        """Note what has ended since; True once it is enough."""
        found = [snapshot for id in self.open if (snapshot := self._ended(id)) is not None]
        if found:
            ids = {snapshot.id for snapshot in found}
            self.open = [id for id in self.open if id not in ids]
            self.ended += found
        return True if len(self.ended) >= self.enough else None

    def due(self) -> float | None:
        """In how many seconds the queue itself may have to end one of them."""
        now = self.backend.now()
        pauses = [ends_in(self.backend.read(id), now) for id in self.open if id in self.bounded]
        return min((pause / SECOND for pause in pauses if pause is not None), default=None)

    def _ended(self, id: str) -> Snapshot | None:
        if self.backend.finished(id):
            return self.backend.read(id)
        return end_overdue(self.backend, self.backend.read(id)) if id in self.bounded else None
