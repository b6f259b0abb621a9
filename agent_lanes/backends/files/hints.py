"""ready/, timers/, delayed/, blocked/, held/: files whose names say which tasks may be claimed, and when.

Nothing is ever read from a hint but a name, and a name is a pure function of the facts (core.placement), so making
one twice is making it once, and a rebuild is a comparison of two sets of names. The new marker is made before the
commit, the old one dropped after it, both under the task's lock; the marker of a task that does not exist (yet) is
skipped by readers and removed only under the exclusive gate, because a submit may be in flight.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import (
    HINT_FOLDERS,
    TASK,
    TIMER_SHIFT,
    Layout,
    due_of_timer,
    id_of_ready,
)
from agent_lanes.core.names import escape
from agent_lanes.core.placement import Due, Later, Placement, Ready, timer_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.times import Moment


class Hints:
    """The markers of one store."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def make(self, place: Placement, folder: str | None = None) -> None:
        """List a task at its place; `folder` is where the task lies, if not yet in its own. Raises OSError."""
        path = self.layout.marker(place)
        if place is not None and path is not None:
            atomic.make_marker(path, f"{folder or self.layout.task(place.id)}/{TASK}")

    def drop(self, place: Placement) -> None:
        """No longer list a task there. Raises OSError."""
        path = self.layout.marker(place)
        if path is not None:
            atomic.drop_marker(path)

    def ready(
        self, lane: str, routes: tuple[str, ...] | None, *, without: tuple[str, ...], also: list[Ready], tidy: bool
    ) -> Iterator[str]:
        """Ids in order over the routes but those `without`, `also` among them; each once.

        With `tidy`, emptied buckets but the newest are removed on the way.
        """
        folder = self.layout.ready_lane(lane)
        if routes is None:
            names = [name for name in atomic.names(folder) if name[0] != "."]
        else:
            names = sorted({escape(route) for route in routes})
        if without:
            left_out = {escape(route) for route in without}
            names = [name for name in names if name not in left_out]
        listings = [self._route(f"{folder}/{name}", tidy) for name in names]
        if also:
            listings.append(iter([os.path.basename(self.layout.marker(place) or "") for place in also]))
        last = ""
        for name in _merged(listings):
            id = id_of_ready(name)
            if id and name != last:
                yield id
            last = name

    def due(self, lane: str, now: Moment, *, tidy: bool) -> Iterator[tuple[str, Due | Later]]:
        """The id and the placement of every timer of the lane that is over; `tidy` as for `ready`."""
        clock = timer_now(now)
        for at, id in _timers(self.layout.timers(lane), up_to=clock, tidy=tidy):
            if at <= clock:
                yield id, Due(lane=lane, at=at, id=id)
        for at, id in _timers(self.layout.delayed(lane), up_to=now.wall, tidy=tidy):
            if at <= now.wall:
                yield id, Later(lane=lane, at=at, id=id)

    def claimed(self, lane: str, now: Moment) -> Iterator[str]:
        """The ids of the timers of the lane whose time is still to come: claimed, with a live lease; a superset."""
        clock = timer_now(now)
        yield from (id for at, id in _timers(self.layout.timers(lane), up_to=None, tidy=False) if at > clock)

    def next_due(self, lane: str, now: Moment) -> int | None:
        """The earliest timer of the lane that is still to come, on the clock of `timer_now`."""
        clock = timer_now(now)
        both = ((self.layout.timers(lane), clock), (self.layout.delayed(lane), now.wall))
        ahead = [_next_after(folder, on_its_clock) for folder, on_its_clock in both]
        return min((clock + pause for pause in ahead if pause is not None), default=None)

    def busy(self, lane: str, now: Moment) -> bool:
        """Whether a lease of the lane still runs."""
        return _next_after(self.layout.timers(lane), timer_now(now)) is not None

    def depth(self, lane: str) -> int:
        """How many markers the lane has in ready/."""
        folder = self.layout.ready_lane(lane)
        routes = [f"{folder}/{name}" for name in atomic.names(folder) if name[0] != "."]
        return sum(len(atomic.names(f"{route}/{bucket}")) for route in routes for bucket in atomic.names(route))

    def active_ids(self, lane: str | None) -> set[str]:
        """Every id that any hint names, of one lane or of all.

        Read there and back: a task that moves meanwhile, from what is read later to what was read before, is seen
        on the way back.
        """
        found: set[str] = set()
        for folder in (*HINT_FOLDERS, *reversed(HINT_FOLDERS[:-1])):
            lanes = atomic.names(f"{self.layout.root}/{folder}") if lane is None else [escape(lane)]
            for name in lanes:
                found.update(id_in(self.layout.root, path) for path in files(f"{self.layout.root}/{folder}/{name}"))
        return found - {""}

    def all_markers(self) -> set[str]:
        """Every marker there is, by path."""
        found: set[str] = set()
        for folder in HINT_FOLDERS:
            found.update(files(f"{self.layout.root}/{folder}"))
        return {path for path in found if not os.path.basename(path).startswith(".")}

    def _route(self, folder: str, tidy: bool) -> Iterator[str]:
        buckets = atomic.names(folder)
        for bucket in buckets:
            names = atomic.unsorted(f"{folder}/{bucket}")
            if names:
                yield min(names)  # as a rule nobody asks for more, and to sort them would take longer than the rest
            for name in sorted(names)[1:]:
                # Whoever took the one before may have taken this one, too: of many who drain a lane at once, each
                # would otherwise read every task that another took since this listing.
                if os.path.lexists(f"{folder}/{bucket}/{name}"):
                    yield name
            if tidy and not names and bucket != buckets[-1]:
                _remove_empty(f"{folder}/{bucket}")


def _merged(listings: list[Iterator[str]]) -> Iterator[str]:
    """The names of several sorted listings, in order. There are two or three: heapq would take longer to load."""
    heads = [(name, more) for more in listings if (name := next(more, None)) is not None]
    while heads:
        first = min(heads, key=lambda head: head[0])
        yield first[0]
        heads.remove(first)
        if (name := next(first[1], None)) is not None:
            heads.append((name, first[1]))


def id_in(root: str, path: str) -> str:
    """The task id in the path of a marker below this root; empty if its name is no marker's."""
    folder, name = path[len(root) + 1 :].partition("/")[0], os.path.basename(path)
    if folder == "ready":
        return id_of_ready(name)
    return due_of_timer(name)[1] if folder in ("timers", "delayed") else name


def _next_after(folder: str, now: int) -> int | None:
    """How long until the first timer of a folder that is still to come."""
    return next((at - now for at, _ in _timers(folder, up_to=None, tidy=False) if at > now), None)


def _timers(folder: str, *, up_to: int | None, tidy: bool) -> Iterator[tuple[int, str]]:
    """When, and which task: the markers of a folder of timers, in order."""
    last = "~" if up_to is None else f"{up_to >> TIMER_SHIFT:012x}"
    for bucket in atomic.names(folder):
        if bucket > last:
            return
        names = atomic.names(f"{folder}/{bucket}")
        yield from (due for due in map(due_of_timer, names) if due[1])
        if tidy and not names and bucket < last:
            _remove_empty(f"{folder}/{bucket}")


def files(folder: str) -> Iterator[str]:
    """Every file below a folder, by path. Raises OSError."""
    for name in atomic.names(folder):
        path = f"{folder}/{name}"
        if atomic.is_folder(path):
            yield from files(path)
        else:
            yield path


def _remove_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:  # somebody filled it, removed it, or we may not: it is only a bucket
        pass
