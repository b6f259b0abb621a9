"""Hints from facts: under the exclusive gate, or beside commands that are still at work.

The gate may have been deleted under a command that had passed it, so nothing here believes that it is alone: a
marker is dropped only under its task's lock, or, where there is no such task, once it is too old to belong to a
submit in flight. What cannot be read right now keeps its markers: it may be readable again tomorrow.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic, counter, keys
from agent_lanes.backends.files.heal import heal
from agent_lanes.backends.files.hints import Hints, id_in
from agent_lanes.backends.files.layout import TASK, Layout
from agent_lanes.backends.files.litter import LITTER_SECONDS, in_flight
from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.records import OF_THIS_PROCESS, answered, load
from agent_lanes.backends.files.unborn import clear
from agent_lanes.core.placement import Blocked, Due, placement, ready
from agent_lanes.core.task import CLAIMED, Snapshot, Task
from agent_lanes.core.times import SECOND, Moment
from agent_lanes.errors import Busy, Damaged, NotFound


def rebuild(layout: Layout, now: Moment) -> None:
    """Make the markers those that the facts ask for, and set every lane's counter past its tasks. Raises OSError."""
    hints, wanted, unreadable, highest, noted = Hints(layout), set[str](), set[str](), dict[str, int](), set[str]()
    dependants, uniques = list[Task](), list[Task]()
    for id in atomic.names(layout.tasks):
        try:
            clear(layout, id)
            heal(layout, id, now)
            snapshot = _open_task(layout, id)
        except Damaged:
            unreadable.add(id)
            continue
        if snapshot is None:
            continue
        if snapshot.task.depends_on:
            dependants.append(snapshot.task)
        if snapshot.task.unique_key is not None:
            uniques.append(snapshot.task)
        if snapshot.task.related:
            from agent_lanes.backends.files import kin

            kin.note(layout, snapshot.task)
        marker = layout.marker(placement(snapshot, now))
        if marker is not None:
            wanted.add(marker)
        if snapshot.state == CLAIMED and snapshot.claim is not None and snapshot.claim.request_id is not None:
            noted.add(layout.claimed_as(snapshot.claim.owner, snapshot.claim.request_id))
        highest[snapshot.task.lane] = max(highest.get(snapshot.task.lane, 0), snapshot.task.sequence)
    if dependants or os.path.isdir(layout.all_dependants):
        from agent_lanes.backends.files import edges

        edges.rebuild(layout, dependants)
    if uniques or os.path.isdir(layout.all_unique):
        from agent_lanes.backends.files import unique

        unique.rebuild(layout, uniques)
    present = hints.all_markers()
    for path in wanted - present:
        atomic.make_marker(path, f"{layout.task(id_in(layout.root, path))}/{TASK}")
    for path in present - wanted:
        if id_in(layout.root, path) in unreadable:
            _look_again(layout, path)
        else:
            drop_stale(layout, path, now)
    for lane, number in highest.items():
        counter.raise_to(layout, lane, number)
    keys.sweep_claims(layout, noted, now.wall / SECOND - LITTER_SECONDS)


def _open_task(layout: Layout, id: str) -> Snapshot | None:
    """A task that is not answered; None if it is, or there is none. Raises Damaged, and OSError of this process."""
    folder = layout.task(id)
    try:
        return None if answered(folder) else load(folder, id).snapshot
    except NotFound:
        return None  # a foreign file
    except OSError as wrong:
        if wrong.errno in OF_THIS_PROCESS:
            raise
        raise Damaged(f"task {id} cannot be read: {wrong.strerror}") from wrong


def _look_again(layout: Layout, path: str) -> None:
    """The timer of a task that cannot be read now may count on the clock of another boot: let it be over."""
    folder, lane = path[len(layout.root) + 1 :].split("/")[:2]
    if folder == "timers":
        id = id_in(layout.root, path)
        over = layout.marker(Due(lane="", at=0, id=id))
        atomic.make_marker(f"{layout.root}/timers/{lane}/" + "/".join(str(over).split("/")[-2:]))


def drop_stale(layout: Layout, path: str, now: Moment) -> None:
    """Drop a marker that the facts did not ask for at `now`, under the lock under which they are made, once that is
    there for which they did.
    """
    id = id_in(layout.root, path)
    try:
        if not id:
            raise NotFound("no marker's name")
        with Lock(layout.task(id), f"task {id}", patient=False):
            snapshot = _open_task(layout, id)
            place = None if snapshot is None else placement(snapshot, now)
            if snapshot is not None and isinstance(place, Blocked) and path == layout.marker(ready(snapshot)):
                from agent_lanes.backends.files import edges

                edges.unlist(layout, snapshot)
            elif layout.marker(place) != path:
                Hints(layout).make(place)  # its time may have come, and somebody moved it, since all were listed
                atomic.drop_marker(path)
    except (NotFound, NotADirectoryError):
        if not in_flight(layout, path, now):
            atomic.drop_marker(path)
    except (Busy, Damaged):
        pass  # whoever is at work on it settles it; what cannot be read keeps its markers
