"""The archive of the memory backend: which tasks are on it, and in which month they were answered."""

from __future__ import annotations

import threading

from agent_lanes.backends.memory_presence import MemoryPresence
from agent_lanes.core.archiving import Packed, is_over, month_of
from agent_lanes.core.dead import died, seen_to
from agent_lanes.core.parcel import Parcel
from agent_lanes.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent_lanes.core.task import Event, Snapshot
    from agent_lanes.core.transitions import Change
    from agent_lanes.errors import Damaged


class MemoryShelf(MemoryPresence):
    """What the store in memory keeps, and what of it is archived."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self._tasks: dict[str, Snapshot] = {}
        self._histories: dict[str, list[Event]] = {}
        self._requests: dict[str, bytes] = {}
        self._keys: dict[str, str] = {}
        self._months: dict[str, str] = {}  # of the archived tasks

    def archive(
        self, before: int, of_lanes: Mapping[str, int] = {}, *, lane: str | None = None, dry_run: bool = False
    ) -> Iterator[Packed]:
        """See ports.Archive."""
        steps = list[Packed]()
        with self.changed:
            for id, snapshot in sorted(self._tasks.items()):
                answer = snapshot.response
                if (
                    id in self._months
                    or answer is None
                    or answer.created_at >= of_lanes.get(snapshot.task.lane, before)
                ):
                    continue
                if died(snapshot) and not seen_to(self._histories[id]):
                    steps.append(Packed(month="", tasks=0, bytes=0, counts={}, left=(id,)))
                    continue
                if lane in (None, snapshot.task.lane):
                    month = month_of(answer.created_at)
                    steps.append(_step(month, snapshot))
                    if not dry_run:
                        self._months[id] = month
        yield from steps

    def archived(self, *, lane: str | None = None) -> Iterator[Parcel | Damaged]:
        """See ports.Archive."""
        for _, id in sorted((month, id) for id, month in self._months.items()):
            snapshot = self._tasks[id]
            if lane in (None, snapshot.task.lane):
                events, request = tuple(self._histories[id]), self._requests.get(id)
                yield Parcel(snapshot=snapshot, events=events, request=request)

    def archived_ids(self) -> Iterator[str]:
        """See ports.Archive."""
        yield from list(self._months)

    def prune(self, before: int, *, dry_run: bool = False) -> Iterator[Packed]:
        """See ports.Archive."""
        steps = list[Packed]()
        with self.changed:
            for id, month in sorted(self._months.items()):
                if is_over(month, before):
                    steps.append(_step(month, self._tasks[id]))
                    if not dry_run:
                        self._forget(id)
        yield from steps

    def note_receipt(self, snapshot: Snapshot, type: str, by: str) -> None:
        """See observation.Receipts."""
        from agent_lanes.core.receipts import line

        with self.changed:
            history = self._histories.get(snapshot.id, [])
            if snapshot.id in self._months or any(event.type == type for event in history):
                return
            history.append(line(type, by, snapshot, self.now()).replace(number=len(history) + 1))
            self._logged(snapshot, history[-1], transition=False)
            self.changed.notify_all()

    def _forget(self, id: str) -> None:
        key = self._tasks[id].task.idempotency_key
        if key is not None and self._keys.get(key) == id:
            del self._keys[key]
        del self._tasks[id], self._histories[id], self._months[id]
        self._requests.pop(id, None)

    def _unarchived(self, before: Snapshot, change: Change) -> Change:
        """The change, if the task may still be changed. Raises Refused."""
        if before.id in self._months and (change.claim or change.response or change.events):
            raise Refused(f"task {before.id} is archived: nothing is added to it any more")
        return change


def _step(month: str, snapshot: Snapshot) -> Packed:
    return Packed(month=month, tasks=1, bytes=0, counts={snapshot.task.lane: {snapshot.state: 1}})
