"""What a store in memory tells of itself: who listens, threads of this process; what happened."""

from __future__ import annotations

from agent_lanes.backends import clock
from agent_lanes.core.logged import Logged, is_cursor
from agent_lanes.core.presence import Sign, takes
from agent_lanes.core.times import Moment
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from agent_lanes.core.task import Event, Snapshot
    from agent_lanes.observation import Attendance, Tell


class MemoryPresence:
    """The signs of one store."""

    def __init__(self) -> None:
        self._signs: dict[int, Sign] = {}
        self._log: list[Logged] = []
        self.tell: Tell | None = None

    def now(self) -> Moment:
        """The clock of the store."""
        raise NotImplementedError

    def attend(self, lane: str, *, vendor: str, owner: str, kind: str) -> Attendance:
        """See observation.Presence."""
        return MemoryAttendance(self._signs, clock.sign(lane, vendor, owner, kind, self.now()))

    def signs(self, lane: str | None = None, vendor: str | None = None) -> Iterator[Sign]:
        """See observation.Presence."""
        for sign in tuple(self._signs.values()):
            if lane in (None, sign.lane) and (vendor is None or takes(sign.vendor, vendor)):
                yield sign

    def log(self, cursor: str | None = None) -> Iterator[Logged]:
        """See observation.Log."""
        if cursor is not None and not is_cursor(cursor):
            raise BadUsage(f"cursor: {cursor!r} is not one; they are <segment>:<offset>, take one of an earlier answer")
        yield from self._log[int((cursor or "1:0").partition(":")[2]) :]

    def log_end(self) -> str:
        """See observation.Log."""
        return f"1:{len(self._log)}"

    def _logged(self, snapshot: Snapshot, event: Event, *, transition: bool = True) -> None:
        task = snapshot.task
        self._log.append(Logged(task_id=task.id, lane=task.lane, event=event, cursor=f"1:{len(self._log) + 1}"))
        if transition and self.tell is not None:
            self.tell(snapshot, event)


class MemoryAttendance:
    """A sign that stands while the block runs."""

    def __init__(self, signs: dict[int, Sign], sign: Sign) -> None:
        self._signs, self._sign = signs, sign

    def keep(self) -> None:
        """It stands."""

    def __enter__(self) -> MemoryAttendance:
        self._signs[id(self)] = self._sign
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away."""
        self._signs.pop(id(self), None)
