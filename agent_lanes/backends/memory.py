"""The reference implementation: the same promises in a dictionary, for tests of yours and ours.

    queue = Queue.open("memory:")

Everything is gone when the process ends. One lock guards all; waits sleep on its condition.
"""

from __future__ import annotations

from agent_lanes.backends import clock
from agent_lanes.backends.memory_runs import MemoryRuns
from agent_lanes.core import codec
from agent_lanes.core.answers import decode_response, encode_response
from agent_lanes.core.control import end
from agent_lanes.core.fairness import Flow
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.core.names import task_id
from agent_lanes.core.placement import Due, Ready, comes_up, overdue, placement, timer_now
from agent_lanes.core.task import ACTIVE, QUEUED, Event, NewBorn, Snapshot, Task, newest
from agent_lanes.core.times import Moment
from agent_lanes.core.transitions import Change, created
from agent_lanes.errors import AgentLanesError, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent_lanes.core.finding import Finding
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.stats import Standing, Tally
    from agent_lanes.observation import Tell
    from agent_lanes.ports import Birth, Creation, Decide


class MemoryStore(MemoryRuns):
    """One store in this process. Safe to share among threads."""

    address = "memory:"

    def __init__(self, now: Callable[[], Moment] | None = None, tell: Tell | None = None) -> None:
        super().__init__()
        self.tell = tell
        self._boot = clock.boot_id()
        self._now = now or (lambda: clock.moment(self._boot))
        self._claimed_as: dict[tuple[str, str], str] = {}

    def now(self) -> Moment:
        """The clock given, or this machine's."""
        return self._now()

    def prepare(self) -> None:
        """See ports.TaskStore: it is there."""

    def new_token(self) -> str:
        """32 hex digits of chance."""
        return clock.chance(32)

    def create(
        self,
        lane: str,
        make: Callable[[Birth], Task],
        request: bytes | None = None,
        key: str | None = None,
        unique_key: str | None = None,
        flow: Flow | None = None,
    ) -> Task:
        """See ports.TaskStore."""
        with self.changed:
            if key in self._keys:
                return self._tasks[self._keys[key]].task
            open_one = self._with_unique_key(lane, unique_key)
            if open_one is not None:
                return open_one
            sequence = self._next_place(lane, flow)
            while True:
                made = make(NewBorn(now=self.now(), id=None, chance=clock.chance(12), sequence=sequence))
                task = codec.decode_task(_copied(codec.encode_task(made)))
                if task.id not in self._tasks:
                    break
            self._tasks[task.id] = Snapshot(task=task)
            self._histories[task.id] = [created(self._tasks[task.id])]
            self._logged(self._tasks[task.id], self._histories[task.id][0])
            if request is not None:
                self._requests[task.id] = request
            if key is not None:
                self._keys[key] = task.id
            self._notify()
            return made

    def create_many(self, wanted: Sequence[Creation]) -> list[Task | AgentLanesError]:
        """See ports.TaskStore."""
        with self.changed:  # nobody sees a part of them
            return [self._created(creation) for creation in wanted]

    def _created(self, creation: Creation) -> Task | AgentLanesError:
        found = self._made(creation)
        creation.settle(found)
        return found

    def _made(self, creation: Creation) -> Task | AgentLanesError:
        try:
            return self.create(
                creation.lane, creation.make, creation.request, creation.key, creation.unique_key, creation.flow
            )
        except AgentLanesError as wrong:
            return wrong

    def restore(self, snapshot: Snapshot, events: tuple[Event, ...], request: bytes | None) -> None:
        """See ports.TaskStore."""
        with self.changed:
            if snapshot.id in self._tasks:
                return
            task = snapshot.task
            self._tasks[task.id] = snapshot
            self._histories[task.id] = list(events)
            self._sequences[task.lane] = max(self._sequences.get(task.lane, 0), task.sequence)
            if request is not None:
                self._requests[task.id] = request
            if task.idempotency_key is not None:
                self._keys[task.idempotency_key] = task.id
            self._notify()

    def submitted_as(self, key: str) -> str | None:
        """See ports.TaskStore."""
        return self._keys.get(key)

    def read(self, id: str) -> Snapshot:
        """See ports.TaskStore."""
        try:
            return self._with_run(self._with_dependencies(self._tasks[task_id(id)]))
        except KeyError:
            raise NotFound(f"unknown task: {id}", hint="`agent-lanes list` shows the tasks") from None

    def finished(self, id: str) -> bool:
        """See ports.TaskStore."""
        return self.read(id).response is not None

    def update(
        self, id: str, decide: Decide, *, patient: bool = True, seen: Snapshot | None = None
    ) -> tuple[Snapshot, Change]:
        """See ports.TaskStore: reading again costs nothing here."""
        with self.changed:
            after, change = self._change(id, decide)
            if change.response is not None:
                self._end_dependants(id)
            self._notify()
            return after, change

    def _change(self, id: str, decide: Decide) -> tuple[Snapshot, Change]:
        before = self.read(id)
        change = self._unarchived(before, decide(before, self.now()))
        if change.response is not None:
            kept = decode_response(_copied(encode_response(change.response)))
            change = change.replace(response=kept)
        after = change.applied(before)
        self._tasks[id] = after.replace(open_dependencies=(), failed_dependencies=(), run=None)
        if change.claim is not None and change.claim.held and change.claim.request_id is not None:
            self._claimed_as[change.claim.owner, change.claim.request_id] = id
        history = self._histories[id]
        for event in change.events:
            numbered = event.replace(number=len(history) + 1)
            history.append(codec.decode_event(_copied(codec.encode_event(numbered))))
            self._logged(after, history[-1], transition=bool(change.claim or change.response))
        return after, change

    def confirm(self, *ids: str) -> None:
        """See ports.TaskStore: nothing here survives anything."""

    def scan(
        self, *, active_only: bool = False, lane: str | None = None, newest_first: bool = False
    ) -> Iterator[Snapshot | Damaged]:
        """See ports.TaskStore."""
        for snapshot in sorted(self._all(), key=lambda one: one.id, reverse=newest_first):
            if snapshot.id in self._months:
                continue
            if (lane is None or snapshot.task.lane == lane) and (not active_only or snapshot.state in ACTIVE):
                yield snapshot

    def ids(self) -> list[str]:
        """See ports.TaskStore."""
        return sorted(id for id in tuple(self._tasks) if id not in self._months)

    def events(self, id: str) -> Iterator[Event]:
        """See ports.TaskStore."""
        self.read(id)
        yield from tuple(self._histories[id])

    def last_event(self, id: str) -> Event | None:
        """See ports.TaskStore."""
        return newest(self._histories.get(id, []))

    def request_location(self, task: Task) -> str | None:
        """See ports.TaskStore: a request given as text has no path here."""
        return task.request_path

    def stored_request(self, id: str) -> bytes:
        """See ports.TaskStore."""
        self.read(id)
        if id not in self._requests:
            raise NotFound(f"task {id}: no request is kept here")
        return self._requests[id]

    def candidates(
        self, lane: str, routes: tuple[str, ...] | None, *, without: tuple[str, ...] = (), tidy: bool = False
    ) -> Iterator[str]:
        """See ports.Finder."""
        places = (placement(snapshot, self.now()) for snapshot in self._all())
        found = [
            (place.priority, place.sequence, place.id)
            for place in places
            if isinstance(place, Ready) and place.lane == lane
            if (routes is None or place.route in routes) and place.route not in without
        ]
        yield from (id for _, _, id in sorted(found))

    def claimed_as(self, owner: str, request_id: str) -> str | None:
        """See ports.Finder."""
        return self._claimed_as.get((owner, request_id))

    def settle(self, id: str) -> None:
        """See ports.Finder: there are no hints that could be wrong."""

    def promote(self, lane: str) -> None:
        """See ports.Finder: there are no hints that could be late."""

    def next_due(self, lane: str) -> int | None:
        """See ports.Finder."""
        now = self.now()
        places = (placement(snapshot, now) for snapshot in self._all() if snapshot.task.lane == lane)
        ahead = (at for at in (comes_up(place, now) for place in places) if at is not None)
        return min((at for at in ahead if at > timer_now(now)), default=None)  # a run has no time: its end is told

    def depth(self, lane: str) -> int:
        """See ports.Finder."""
        return sum(1 for _ in self.candidates(lane, None))

    def ever_submitted(self, lane: str) -> bool:
        """See ports.Finder."""
        return lane in self._sequences

    def lanes(self) -> list[str]:
        """See ports.Finder."""
        return sorted({one.task.lane for one in self._all()})

    def standing(self, lane: str) -> Standing:
        """See ports.Counts: exactly."""
        from agent_lanes.core import stats

        return stats.standing(lane, self._all(), self.now())

    def tally(self, lane: str, since: int | None = None) -> Tally:
        """See ports.Counts: exactly."""
        from agent_lanes.core import stats

        return stats.tally(lane, self._all(), since)

    def vendors(self) -> list[str]:
        """See ports.Finder."""
        return sorted({one.task.vendor for one in self._all()})

    def busy(self, lane: str) -> bool:
        """See ports.Finder."""
        now = self.now()
        places = (placement(snapshot, now) for snapshot in self._all() if snapshot.task.lane == lane)
        return any(isinstance(place, Due) for place in places)

    def examine(self) -> Iterator[Finding]:
        """See observation.Examined: memory that is damaged would not know."""
        yield from ()

    def repair(self, findings: list[Finding]) -> list[Finding]:
        """See observation.Examined."""
        return findings

    def _end_dependants(self, id: str) -> None:
        """End those that depend on a task which did not complete, and those that depend on them."""
        ended = [id]
        for id in ended:
            for one in self._all():
                if id in one.task.depends_on and one.state == QUEUED and overdue(one, self.now()) is not None:
                    self._change(one.id, end)
                    ended.append(one.id)


def _copied(record: JsonObject) -> JsonObject:
    """What a file would give back: the caller's lists and mappings are no part of it, and tuples are lists."""
    return loads_object(dumps(record))
