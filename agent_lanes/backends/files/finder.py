"""The hints side of the file backend: what may be claimed next, and keeping the hints in step with the facts."""

from __future__ import annotations

import os

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic, records
from agent_lanes.backends.files.layout import Layout, meant
from agent_lanes.core import names
from agent_lanes.core.placement import Blocked, Due, Later, Ready, comes_up, placement, ready, timer_now
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import Moment
from agent_lanes.errors import BadUsage, Busy, Damaged, NotFound, StoreBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_lanes.backends.files.gate import Gate
    from agent_lanes.backends.files.hints import Hints
    from agent_lanes.backends.files.lock import Lock
    from agent_lanes.core.holds import Hold
    from agent_lanes.core.placement import Placement
    from agent_lanes.core.task import Task
    from agent_lanes.observation import Tell

SOON_MICROSECONDS = 60_000_000  # a lease that ends sooner than a waiter's slow re-check must wake it


class FileFinder:
    """The hints of one state folder, behind its gate. Cheap to make: nothing is touched before the first call."""

    def __init__(self, root: str) -> None:
        self.layout = Layout(root)
        self.boot_id = clock.boot_id()
        self.warn: Callable[[str], None] = lambda line: None
        self.tell: Tell | None = None
        self._opened: tuple[Gate, Hints] | None = None

    @property
    def hints(self) -> Hints:
        """The markers."""
        return self._open()[1]

    @property
    def _gate(self) -> Gate:
        return self._open()[0]

    def _open(self) -> tuple[Gate, Hints]:
        """Gate and hints: who only reads a task needs neither."""
        if self._opened is None:
            from agent_lanes.backends.files.gate import Gate
            from agent_lanes.backends.files.hints import Hints

            self._opened = Gate(self.layout, self.boot_id, self.now), Hints(self.layout)
        return self._opened

    def now(self) -> Moment:
        """The clocks of this machine."""
        return clock.moment(self.boot_id)

    def allow_network(self) -> None:
        """A store that is made from now on may lie on a network file system."""
        self._gate.network = True

    def prepare(self) -> None:
        """See ports.TaskStore."""
        with atomic.storage("store"), self._gate.passed():
            pass

    def candidates(
        self, lane: str, routes: tuple[str, ...] | None, *, without: tuple[str, ...] = (), tidy: bool = False
    ) -> Iterator[str]:
        """See ports.Finder: what is ready, and what nobody has promoted yet; from the facts after a reboot."""
        with atomic.storage(f"lane {lane}"):
            if tidy:
                self.promote(lane)
            elif not self._gate.current():
                places = self._claimable(atomic.names(self.layout.tasks), lane, routes)
                yield from (place.id for place in places if place.route not in without)
                return
            due = [] if tidy else [id for id, _ in self.hints.due(lane, self.now(), tidy=False)]
            also = [place for place in self._claimable(due, lane, routes) if place.route not in without]
            ids = self.hints.ready(lane, routes, without=without, also=also, tidy=tidy)
            yield from self._free(ids) if tidy else ids

    def dead(self, lane: str | None) -> Iterator[str]:
        """See ports.Finder."""
        if os.path.isdir(self.layout.dead):
            from agent_lanes.backends.files import letters

            with atomic.storage("dead letters"):
                yield from letters.ids(self.layout, lane)

    def claimed(self, lane: str) -> Iterator[str]:
        """See ports.Finder: by the timers; from the facts after a reboot, when no lease of before is live."""
        with atomic.storage(f"lane {lane}"):
            if self._gate.current():
                yield from self.hints.claimed(lane, self.now())

    def alone(self, lane: str) -> Lock:
        """See ports.Finder: a flock on the folder of the lane's timers."""
        from agent_lanes.backends.files.lock import Lock

        with atomic.storage(f"lane {lane}"):
            if not self._gate.current():
                self.prepare()
            atomic.make_folder(self.layout.timers(lane))
        return Lock(self.layout.timers(lane), f"lane {lane}: its claims")

    def holds(self) -> tuple[Hold, ...]:
        """See ports.Holds: as a rule there is no such folder."""
        if not os.path.isdir(self.layout.holds):
            return ()
        from agent_lanes.backends.files.holds import read_all

        with atomic.storage("holds"):
            return read_all(self.layout)

    def claimed_as(self, owner: str, request_id: str) -> str | None:
        """See ports.Finder."""
        from agent_lanes.backends.files import keys

        with atomic.storage("claim"):
            return keys.claimed_as(self.layout, owner, request_id)

    def settle(self, id: str) -> None:
        """See ports.Finder. Somebody who works on the task right now settles it by that."""
        with atomic.storage(f"task {id}"):
            self._settle(id, None)

    def promote(self, lane: str) -> None:
        """See ports.Finder. Also brings the store up, so that a claimer is woken from its first wait on."""
        with atomic.storage(f"lane {lane}"):
            if not self._gate.current():
                self.prepare()
            for id, place in list(self.hints.due(lane, self.now(), tidy=True)):
                self._settle(id, place)

    def next_due(self, lane: str) -> int | None:
        """See ports.Finder; from the facts after a reboot."""
        with atomic.storage(f"lane {lane}"):
            now = self.now()
            if self._gate.current():
                return self.hints.next_due(lane, now)
            found = (one for one in self._by_facts(atomic.names(self.layout.tasks)) if one.task.lane == lane)
            due = (comes_up(placement(one, now), now) for one in found)
            return min((at for at in due if at is not None), default=None)

    def depth(self, lane: str) -> int:
        """See ports.Finder."""
        with atomic.storage(f"lane {lane}"):
            return self.hints.depth(lane)

    def ever_submitted(self, lane: str) -> bool:
        """See ports.Finder: the lane has a counter once it had a task; one of v0.1 has only the tasks."""
        if os.path.exists(self.layout.sequence(lane)) or os.path.isdir(self.layout.ready_lane(lane)):
            return True
        with atomic.storage(f"lane {lane}"):
            return not self._gate.current() and any(
                found.task.lane == lane for found in self._by_facts(atomic.names(self.layout.tasks))
            )

    def children(self, id: str) -> list[str]:
        """See ports.Finder."""
        with atomic.storage(f"task {id}"):
            return atomic.names(self.layout.children(names.task_id(id)))

    def in_thread(self, thread: str) -> list[str]:
        """See ports.Finder."""
        with atomic.storage("thread"):
            return atomic.names(self.layout.thread(thread))

    def lanes(self) -> list[str]:
        """See ports.Finder."""
        with atomic.storage("store"):
            return sorted(meant(atomic.names(f"{self.layout.root}/ready")))

    def vendors(self) -> list[str]:
        """See ports.Finder."""
        with atomic.storage("store"):
            folders = map(self.layout.ready_lane, self.lanes())
            return sorted({vendor for folder in folders for vendor in meant(atomic.names(folder))})

    def _folder(self, id: str) -> str:
        return self.layout.task(names.task_id(id))

    def _look_up(self, id: str) -> records.Loaded:
        """A task as it stands, and who still works on it where its lease has run out. Raises NotFound, Damaged."""
        loaded = records.load(self._folder(id), id)
        if not loaded.snapshot.lease_expired(self.now()):
            return loaded
        from agent_lanes.backends.files import runs

        return loaded.replace(snapshot=loaded.snapshot.replace(run=runs.running(self.layout.task(id))))

    def _fresh(self, task: Task) -> Snapshot:
        return records.with_dependencies(Snapshot(task=task), self.layout.tasks)

    def _drop(self, old: Placement, after: Snapshot) -> None:
        self.hints.drop(old)
        if after.task.depends_on and not after.open_dependencies:
            self.hints.drop(Blocked(lane=after.task.lane, id=after.id))  # whoever freed it may have died before this

    def _awaited(self, id: str) -> bool:
        """Whether others wait for this task to end. Raises OSError."""
        return atomic.is_folder(self.layout.dependants(id))

    def _wake(self, after: Snapshot) -> bool:
        """Wake the waiters of a lane if a task may be claimed now, or soon enough to matter; whether it did."""
        now = self.now()
        place = placement(after, now)
        soon = isinstance(place, Due) and place.at - timer_now(now) < SOON_MICROSECONDS
        soon = soon or (isinstance(place, Later) and place.at - now.wall < SOON_MICROSECONDS)
        if wake := soon or isinstance(place, Ready):
            self._send(after)
        return wake

    def _send(self, after: Snapshot) -> None:
        from agent_lanes.backends.files import signals

        lane = after.task.lane
        self._afterwards(after.id, "a wake-up", lambda: signals.send(self.layout.signals, lane))

    def _afterwards(self, id: str, what: str, do: Callable[[], None]) -> None:
        """After a commit: what fails is a warning."""
        try:
            do()
        except OSError as wrong:
            self.warn(f"task {id}: {what} could not be written: {wrong.strerror}; the change itself is done")

    def _free(self, ids: Iterable[str]) -> Iterator[str]:
        """Those first that nobody is changing right now: of many claimers, each would otherwise read, and try to
        take, what all the others are just taking."""
        from agent_lanes.backends.files.lock import is_held

        held = []
        for id in ids:
            if is_held(self.layout.task(id)):
                held.append(id)
            else:
                yield id
        yield from (id for id in held if not is_held(self.layout.task(id)))

    def _settle(self, id: str, place: Due | Later | None) -> None:
        """Under the task's lock: the marker that its facts ask for is there, `place` and other stale ones are not."""
        from agent_lanes.backends.files.edges import unlist
        from agent_lanes.backends.files.lock import Lock

        try:
            with self._gate.passed(), Lock(self._folder(id), f"task {id}", patient=False):
                snapshot, now = self._look_up(id).snapshot, self.now()
                wanted = placement(snapshot, now)
                self.hints.make(wanted)
                for stale in (place, ready(snapshot), *_blocked(snapshot)):
                    if isinstance(stale, Ready) and isinstance(wanted, Blocked):
                        unlist(self.layout, snapshot)
                    elif stale is not None and stale != wanted:
                        self.hints.drop(stale)
        except NotFound:
            if isinstance(place, Due):  # any other may belong to a submit in flight, whatever its time
                self.hints.drop(place)
        except StoreBusy:
            raise  # nothing at all can be settled: trying each candidate would take a caller's patience for each
        except (Busy, Damaged, IsADirectoryError):
            pass  # in other hands, or for doctor: the hint stays, and is looked at again
        except PermissionError as wrong:
            if not str(wrong.filename).startswith(self._folder(id)):
                raise  # the hints cannot be written; else it is this task that may not be entered: for doctor, too

    def _claimable(self, ids: Iterable[str], lane: str, routes: tuple[str, ...] | None) -> list[Ready]:
        """Where those of these tasks belong, in order, that may be claimed now, by a reader of these routes."""
        now, found = self.now(), list[Ready]()
        open_ids = (id for id in ids if records.seems_open(self.layout.task(id)))  # reads no answer
        for snapshot in self._by_facts(open_ids):
            place = placement(snapshot, now)
            if isinstance(place, Ready) and place.lane == lane and (routes is None or place.route in routes):
                found.append(place)
        return sorted(found, key=lambda place: (place.priority, place.sequence, place.id))

    def _by_facts(self, ids: Iterable[str]) -> Iterator[Snapshot]:
        for id in ids:
            try:
                yield self._look_up(id).snapshot
            except (Damaged, NotFound, BadUsage):  # the last: a foreign file among the tasks
                continue


def _blocked(snapshot: Snapshot) -> tuple[Blocked, ...]:
    return (Blocked(lane=snapshot.task.lane, id=snapshot.id),) if snapshot.task.depends_on else ()
