"""Any sequence of steps leaves the file backend saying what the memory backend says; also when steps are killed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from contracts.stores import make
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from agent_lanes.backends.files import keys
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import NotFound
from agent_lanes.ports import Backend
from backends.killed import killed_after
from backends.machine import Machine, lanes, outcome, plain

OF_THE_MEMORY = ("_tasks", "_histories", "_requests", "_sequences", "_keys", "_claimed_as")


class Ending(Machine):
    """And the queue itself ends tasks: attempts run out, deadlines pass, what they depend on fails."""

    @rule(
        target=Machine.ids,
        lane=lanes,
        attempts=st.sampled_from([None, 1, 2]),
        deadline=st.sampled_from([None, 5, 50]),
        after=st.lists(st.integers(1, 9), max_size=2),
        on_failure=st.sampled_from(["fail", "run"]),
    )
    def submit_what_may_end(
        self, lane: str, attempts: int | None, deadline: float | None, after: list[int], on_failure: str
    ) -> str:
        first = tuple(f"task-{number:04d}" for number in sorted(set(after)) if number <= self.count)
        id, expires_at = self.new_id(), self.at(deadline)
        more = {"depends_on": first, "on_failure": on_failure, "max_attempts": attempts, "expires_at": expires_at}
        self.change(lambda backend: backend.create(lane, make(lane, id=id, **more)))
        return id


class Killed(Machine):
    """And any change may be killed at any step: then all of it took place, or nothing; and all goes on."""

    kill_after: int | None = None

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.torn = set[str]()
        """Tasks whose history may lack what took place: its line comes after the commit."""
        self.reserved: dict[str, tuple[str, str, int]] = {}

    @rule(calls=st.integers(0, 90))
    def the_next_change_is_killed(self, calls: int) -> None:
        self.kill_after = calls

    @rule(target=Machine.ids, lane=lanes, key=st.sampled_from(["k1", "k2"]))
    def submit_with_a_key(self, lane: str, key: str) -> str:
        """Killed after the key was taken, it is made again under the id and at the place that the key has."""
        found = keys.reserved(self.files.layout, key)
        known = {one.task.idempotency_key for one in self.memory.scan() if isinstance(one, Snapshot)}
        if key in known or found is None:
            return str(super().submit_with_a_key(lane, key))
        born = make(lane, id=found.id, idempotency_key=key)
        self.change(lambda backend: backend.create(lane, born, None, key))
        with suppress(NotFound):
            task = self.memory.read(found.id).task
            placed = found.sequence if found.lane == lane else task.sequence
            self.memory._tasks[task.id] = Snapshot(task=task.replace(sequence=placed))
        return found.id

    def change(self, do: Callable[[Backend], Any]) -> Any:
        """Do it to both; if the files were killed, what they hold tells whether it took place."""
        calls, self.kill_after = self.kill_after, None
        if calls is None:
            return super().change(do)
        before = {name: dict(getattr(self.memory, name)) for name in OF_THE_MEMORY}
        lines = {id: list(history) for id, history in self.memory._histories.items()}
        without, wanted = self.facts(self.memory), outcome(do, self.memory)
        with killed_after(calls) as process:
            found = outcome(do, self.files)
        if not process.dead:
            assert found == wanted
            return wanted[1] if wanted[0] is None else None
        self.another_process()
        stands, done = self.facts(self.files), self.facts(self.memory)
        assert stands in (without, done)
        changed = [id for id in self.memory._tasks if self.memory._histories[id] != lines.get(id)]
        noted = [id for id in changed if id in lines and len(self.history(self.files, id)) > len(lines[id])]
        if stands == without and not (without == done and noted):
            for name in OF_THE_MEMORY:
                setattr(self.memory, name, before[name])
            self.memory._histories.update(lines)
        self.torn.update(changed)
        return None

    def facts(self, backend: Backend) -> list[Any]:
        return [plain(found) for found in backend.scan()]

    def compare_history(self, id: str) -> None:
        """Of a task at which a change was killed, lines may lack; each gap that a claim shows is told."""
        with suppress(NotFound):
            known = self.history(self.memory, id)
            found = self.history(self.files, id)
            if id not in self.torn:
                assert found == known
            else:
                rest = iter([(line.type, line.message) for line in known])
                told = [(line.type, line.message) for line in found if line.type != "recovered"]
                assert all(line in rest for line in told)
                numbers = [line.number for line in found]
                assert numbers == sorted(set(numbers))


class TestSameBehaviour(Ending.TestCase):  # type: ignore[misc, name-defined]
    """The machine as pytest finds it."""

    settings = settings(max_examples=100, stateful_step_count=40)


class TestSameBehaviourWhenKilled(Killed.TestCase):  # type: ignore[misc, name-defined]
    """The same, with changes that are killed."""

    settings = settings(max_examples=100, stateful_step_count=40)
