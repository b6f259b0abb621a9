"""How the tasks of the memory backend stand to one another: who waits for whom, who has a unique key."""

from __future__ import annotations

from agent_lanes.backends.memory_ledger import MemoryLedger
from agent_lanes.core.kin import parents
from agent_lanes.core.kin import thread as kin_thread
from agent_lanes.core.task import ACTIVE, COMPLETED, FINISHED, Snapshot, Task


class MemoryRelations(MemoryLedger):
    """What is looked up among all tasks, one after the other: here nothing needs hints."""

    def children(self, id: str) -> list[str]:
        """See ports.Finder."""
        return sorted(
            one.id for one in tuple(self._tasks.values()) if any(id == named for _, named in parents(one.task))
        )

    def in_thread(self, thread: str) -> list[str]:
        """See ports.Finder."""
        return sorted(one.id for one in tuple(self._tasks.values()) if kin_thread(one.task) == thread)

    def _with_unique_key(self, lane: str, key: str | None) -> Task | None:
        """The open task of a lane that has this key; None where there is none, or no key."""
        for one in self._tasks.values() if key is not None else ():
            if (one.task.lane, one.task.unique_key) == (lane, key) and one.state in ACTIVE:
                return one.task
        return None

    def _with_dependencies(self, snapshot: Snapshot) -> Snapshot:
        """The same, with what has become of the tasks that it depends on."""
        if snapshot.response is not None or not snapshot.task.depends_on:
            return snapshot
        states = {id: self._tasks[id].state for id in snapshot.task.depends_on if id in self._tasks}
        still_open = tuple(id for id, state in states.items() if state in ACTIVE)
        failed = tuple(id for id, state in states.items() if state in FINISHED and state != COMPLETED)
        return snapshot.replace(open_dependencies=still_open, failed_dependencies=failed)

    def _all(self) -> tuple[Snapshot, ...]:
        return tuple(self._with_dependencies(snapshot) for snapshot in tuple(self._tasks.values()))
