"""Many new tasks in one commit: what one submit does, step by step for all of them together.

    numbers     one range of each lane's counter
    stage       every folder and every reserved key in tmp/
    keys        one sync for all of them (together.py); a link for each; one fsync of keys/
    commit      for each its marker, then the rename into tasks/; one sync for all of them

Each task is wholly there or not, whatever becomes of the others: one that cannot be staged leaves the batch, and one
whose key or id was taken meanwhile is left for a submit of its own, and so are those that need it: they must know
the id of the task that stands for it. Killed at any point, the batch leaves litter in
tmp/, reserved keys and one marker without a task at most, as a single submit does.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, commits, counter, durable, keys, records
from agent_lanes.backends.files.layout import TASK
from agent_lanes.backends.files.rebuild import drop_stale
from agent_lanes.backends.files.together import Together
from agent_lanes.backends.files.unique import Taken
from agent_lanes.core.placement import placement
from agent_lanes.core.task import NewBorn, Snapshot, Task
from agent_lanes.errors import AgentLanesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent_lanes.backends.files.hints import Hints
    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.core.times import Moment
    from agent_lanes.ports import Creation

DOING = "submit"


class Cradle:
    """One task on its way: where it is staged, and what of it is to be removed if it does not get further."""

    def __init__(self, number: int, creation: Creation, task: Task, layout: Layout) -> None:
        self.number, self.key, self.task = number, creation.key, task
        self.files = commits.newborn(task, creation.request)
        self.folder = f"{layout.tmp}/{task.id}.{chance(16)}"
        self.staged_key: str | None = None
        self.marked = False

    def stage(self, layout: Layout) -> None:
        """Write everything below tmp/, not yet durable. Raises OSError."""
        os.mkdir(self.folder, durable.NEWBORN_MODE)
        self.marked = atomic.marked(self.folder)
        for name, data in self.files.items():
            atomic.write_new(f"{self.folder}/{name}", data, durable=False)
        if self.key is not None:
            task = self.task
            place = keys.Reservation(id=task.id, sequence=task.sequence, lane=task.lane)
            self.staged_key = keys.stage(layout, place, durable=False)

    def before(self) -> Iterator[str]:
        """What must be durable before the commit: the key, and all of it where a folder keeps no mark."""
        if not self.marked:
            yield from self.paths(self.folder)
        if self.staged_key is not None:
            yield self.staged_key

    def paths(self, folder: str) -> Iterator[str]:
        """What must be durable of it, files before their folder, where that lies now."""
        yield from (f"{folder}/{name}" for name in self.files)
        yield folder

    def clear(self) -> None:
        """Remove what is staged; what cannot be removed is litter for the sweep."""
        for name in self.files:
            atomic.discard(f"{self.folder}/{name}")
        if self.staged_key is not None:
            atomic.discard(self.staged_key)
        try:
            os.rmdir(self.folder)
        except OSError:
            pass


class Batch:
    """The tasks that are wanted, and what has become of each."""

    def __init__(
        self, layout: Layout, hints: Hints, stored: Callable[[str], Task | None], wanted: Sequence[Creation]
    ) -> None:
        self.layout, self.hints, self.stored, self.wanted = layout, hints, stored, wanted
        self.outcomes: list[Task | AgentLanesError | None] = [None] * len(wanted)
        self.alone = set[int]()

    def commit(self, now: Callable[[], Moment]) -> list[Task]:
        """Commit them; returns the tasks that are new. Raises OSError, Busy where that concerns all of them."""
        left = self._look_up_keys()
        with Together(self.layout.tmp) as together:
            born = self._born(left, now, together)
            self._confirm(born, together)
        return [cradle.task for cradle in born]

    def _born(self, left: list[int], now: Callable[[], Moment], together: Together) -> list[Cradle]:
        """Stage and commit these; what did not come so far is removed again."""
        cradles: list[Cradle] = []
        try:
            for cradle in self._made(left, now):
                cradles.append(cradle)
                with self._blamed(cradle.number):
                    cradle.stage(self.layout)
            staged = self._unblamed(cradles)
            together.sync([path for cradle in staged for path in cradle.before()])
            self._reserve(staged)
            moment = now()
            return [cradle for cradle in self._unblamed(staged) if self._place(cradle, moment)]
        finally:
            for cradle in cradles:
                if self.outcomes[cradle.number] is not cradle.task:
                    cradle.clear()

    def failed(self, wrong: AgentLanesError) -> None:
        """What stopped all of them is the outcome of each that has none."""
        self.outcomes = [wrong if outcome is None else outcome for outcome in self.outcomes]
        self.alone = set()

    def settled(self, create: Callable[..., Task]) -> list[Task | AgentLanesError]:
        """What has become of each; those that were left out are submitted now, each by itself, by `create`."""
        for number, creation in enumerate(self.wanted):
            if number in self.alone:
                with self._blamed(number):
                    self.outcomes[number] = create(
                        creation.lane, creation.make, creation.request, creation.key, creation.unique_key, creation.flow
                    )
            outcome = self.outcomes[number]
            if outcome is not None:
                creation.settle(outcome)
        return [outcome for outcome in self.outcomes if outcome is not None]

    def _look_up_keys(self) -> list[int]:
        """The numbers that are to be made; those whose task is there have it as their outcome."""
        left, seen = list[int](), set[str]()
        for number, creation in enumerate(self.wanted):
            key = creation.key
            if key is None:
                left.append(number)
                continue
            if key in seen:  # a second one with the same key finds the task of the first
                self.alone.add(number)
                continue
            seen.add(key)
            with self._blamed(number):
                found = keys.reserved(self.layout, key)
                if found is None:
                    left.append(number)
                    continue
                there = self.outcomes[number] = self.stored(found.id)
                if there is not None:
                    creation.settle(there)
                else:
                    self.alone.add(number)  # its first call was killed: completed as a submit of its own
        return left

    def _made(self, numbers: list[int], now: Callable[[], Moment]) -> Iterator[Cradle]:
        """The tasks, with what only the store can give them. Raises OSError, Busy."""
        places = self._places(numbers)
        for number in numbers:
            creation, sequence = self.wanted[number], places[number]
            if any(need in self.alone or isinstance(self.outcomes[need], AgentLanesError) for need in creation.needs):
                self.alone.add(number)
                continue
            birth = NewBorn(now=now(), id=None, chance=chance(12), sequence=sequence)
            cradle = None
            with self._blamed(number):
                cradle = Cradle(number, creation, creation.make(birth), self.layout)
            if cradle is not None:
                yield cradle

    def _places(self, numbers: list[int]) -> dict[int, int]:
        """The place in its lane of each of these. Raises OSError, Busy."""
        lanes: dict[tuple[str, bool], list[int]] = {}
        for number in numbers:
            creation = self.wanted[number]
            lanes.setdefault((creation.lane, creation.flow is not None), []).append(number)
        found: dict[int, int] = {}
        for (lane, fair), mine in lanes.items():
            if fair:
                flows = [flow for number in mine if (flow := self.wanted[number].flow) is not None]
                found.update(zip(mine, counter.take_turns(self.layout, lane, flows), strict=True))
            else:
                first = counter.advance(self.layout, lane, len(mine))
                found.update((number, first + place) for place, number in enumerate(mine))
        return found

    def _reserve(self, staged: list[Cradle]) -> None:
        """Let the keys stand for these tasks, durably. Raises OSError."""
        reserving = [cradle for cradle in staged if cradle.staged_key is not None]
        for cradle in reserving:
            assert cradle.staged_key is not None and cradle.key is not None
            with self._blamed(cradle.number):
                try:
                    os.link(cradle.staged_key, self.layout.key(cradle.key))
                except FileExistsError:  # another call was faster
                    self.alone.add(cradle.number)
                atomic.discard(cradle.staged_key)
                cradle.staged_key = None
        if reserving:
            keys.confirm(self.layout, reserving[0].key or "")

    def _place(self, cradle: Cradle, now: Moment) -> bool:
        """The commit of one task: its marker, then the rename."""
        folder = self.layout.task(cradle.task.id)
        if not all(isinstance(self.outcomes[need], Task) for need in self.wanted[cradle.number].needs):
            self.alone.add(cradle.number)
            return False
        with self._blamed(cradle.number):
            if cradle.task.depends_on:
                from agent_lanes.backends.files import edges

                edges.note(self.layout, cradle.task)
            if cradle.task.related:
                from agent_lanes.backends.files import kin

                kin.note(self.layout, cradle.task)
            place = placement(records.with_dependencies(Snapshot(task=cradle.task), self.layout.tasks), now)
            try:
                commits.place_in(self.hints, cradle.task, place, cradle.folder, folder)
                self.outcomes[cradle.number] = cradle.task
            except Taken:  # by another call, or by one of this batch: which it is, a submit of its own finds out
                self.alone.add(cradle.number)
            except OSError:
                if os.path.isdir(folder):  # its id is taken; that task may have the very same marker
                    drop_stale(self.layout, self.layout.marker(place) or "", now)
                    self.alone.add(cradle.number)
                else:
                    if cradle.key is None:  # else another call may be about to commit it under this very marker
                        self.hints.drop(place)
                    raise
        return self.outcomes[cradle.number] is cradle.task

    def _confirm(self, born: list[Cradle], together: Together) -> None:
        """Make them durable, and those that were there under their keys; or say of each that it may not be."""
        there = {number: one.id for number, one in enumerate(self.outcomes) if isinstance(one, Task)}
        folders = {cradle.number: self.layout.task(cradle.task.id) for cradle in born}
        paths = [path for cradle in born for path in cradle.paths(folders[cradle.number])]
        try:
            if paths:
                together.sync([*paths, self.layout.tasks])
        except OSError as wrong:
            for cradle in born:
                durable.not_written(f"{folders[cradle.number]}/{TASK}")
                self.outcomes[cradle.number] = durable.unconfirmed_task(cradle.task.id, wrong)
            return
        for folder in folders.values():
            durable.confirmed(folder)
        for number in there.keys() - folders.keys():
            try:
                durable.sync_newborn(self.layout, there[number])
            except OSError as wrong:
                self.outcomes[number] = durable.unconfirmed_task(there[number], wrong)

    def _unblamed(self, cradles: list[Cradle]) -> list[Cradle]:
        return [one for one in cradles if self.outcomes[one.number] is None and one.number not in self.alone]

    def _blamed(self, number: int) -> _Blamed:
        return _Blamed(self.outcomes, number)


class _Blamed:
    """`with`: what goes wrong in the block is the outcome of this one task, and the others go on."""

    def __init__(self, outcomes: list[Task | AgentLanesError | None], number: int) -> None:
        self.outcomes, self.number = outcomes, number

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, OSError):
            error = atomic.translated(error, DOING)
        if isinstance(error, AgentLanesError):
            self.outcomes[self.number] = error
            return True
        return False
