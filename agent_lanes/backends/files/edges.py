"""dependants/<id>/: who waits for a task to end. Hints, as all markers: names only, and a superset.

    <root>/dependants/<id>/<lane>/<route>/<priority>-<sequence>-<dependant>

The name is that of the ready marker which the dependant will have. So whoever ends a task can list its dependants as
ready before the commit, without reading a record, even of a submit that is still in flight: then a crash after the
commit leaves nobody blocked. One that waits for others, too, is found not to be claimable, and settled.

No window: the edge is made, and the answer looked for, under the lock of the task that is waited for; the answer is
committed, and the edges listed, under the same lock.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic, durable
from agent_lanes.backends.files.layout import BUCKET, Layout, id_of_ready, sequence_of_ready
from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.records import answered, ended
from agent_lanes.core.placement import ready
from agent_lanes.core.task import Snapshot, Task
from agent_lanes.errors import Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def note(layout: Layout, task: Task) -> None:
    """Let every task that this one waits for know of it. Raises Busy, OSError."""
    for id in task.depends_on:
        _note(layout, task, id)


def _note(layout: Layout, task: Task, id: str) -> None:
    durable.sync_newborn(layout, id)  # or a power cut could take it, and what is not there has ended well
    try:
        with Lock(layout.task(id), f"task {id}"):
            if not answered(layout.task(id)):
                atomic.make_marker(edge(layout, id, task))
    except NotFound:
        pass  # archived: it has ended


def expect(layout: Layout, task: Task) -> None:
    """The same for a task that comes from elsewhere, maybe before those that it waits for. Raises Busy, OSError."""
    for id in task.depends_on:
        _note(layout, task, id)
        if not os.path.lexists(layout.task(id)):
            atomic.make_marker(edge(layout, id, task))


def missing(layout: Layout, waiting: Snapshot) -> bool:
    """Whether one that this task waits for does not know of it: nobody would offer it."""
    lacking = [id for id in waiting.open_dependencies if not os.path.lexists(edge(layout, id, waiting.task))]
    return not all(ended(layout.task(id)) for id in lacking)


def edge(layout: Layout, id: str, task: Task) -> str:
    """The path by which `task` is known to wait for `id`."""
    marker = layout.marker(ready(Snapshot(task=task))) or ""
    lane, route, _, name = marker.split("/")[-4:]
    return f"{layout.dependants(id)}/{lane}/{route}/{name}"


def free(layout: Layout, id: str) -> None:
    """List everybody who waits for this task as ready: right before it ends, under its lock. Raises OSError."""
    for lane, route, name in _edges(layout, id):
        bucket = f"{name[0]}{sequence_of_ready(name) // BUCKET:010x}"
        atomic.make_marker(f"{layout.root}/ready/{lane}/{route}/{bucket}/{name}", f"{layout.task(name[15:])}/task.json")


def unlist(layout: Layout, blocked: Snapshot) -> None:
    """No longer list as ready a task that waits, under its lock: while something that it waits for cannot end.

    Whoever ends that would list it under the same lock, and may be killed before a second look: a marker that is
    dropped after it would be lost. Raises Busy where that is in other hands, and the marker stays; OSError.
    """
    marker = layout.marker(ready(blocked)) or ""
    if not os.path.lexists(marker):
        return
    for id in blocked.open_dependencies:
        try:
            with Lock(layout.task(id), f"task {id}", patient=False):
                if not answered(layout.task(id)):
                    atomic.drop_marker(marker)
                    return
        except NotFound:
            continue  # archived: it has ended


def dependants(layout: Layout, id: str) -> list[str]:
    """The ids of those who wait for this task."""
    return [id_of_ready(name) for _, _, name in _edges(layout, id)]


def forget(layout: Layout, id: str) -> None:
    """Drop the edges of a task that has ended, once those who waited are settled. Raises OSError."""
    folder = layout.dependants(id)
    for lane, route, name in list(_edges(layout, id)):
        atomic.drop_marker(f"{folder}/{lane}/{route}/{name}")
    for lane in atomic.names(folder):
        for route in atomic.names(f"{folder}/{lane}"):
            _remove_if_empty(f"{folder}/{lane}/{route}")
        _remove_if_empty(f"{folder}/{lane}")
    _remove_if_empty(folder)


def rebuild(layout: Layout, waiting: list[Task]) -> None:
    """Make the edges of these tasks, and drop those to tasks that have ended. Raises Busy, OSError."""
    for task in waiting:
        for id in task.depends_on:
            try:
                _note(layout, task, id)
            except (Damaged, PermissionError):
                continue  # what lies in its place is no task, or may not be entered: it is for doctor
    for id in atomic.names(layout.all_dependants):
        if ended(layout.task(id)):
            forget(layout, id)


def _edges(layout: Layout, id: str) -> Iterator[tuple[str, str, str]]:
    folder = layout.dependants(id)
    for lane in atomic.names(folder):
        for route in atomic.names(f"{folder}/{lane}"):
            for name in atomic.names(f"{folder}/{lane}/{route}"):
                if id_of_ready(name):
                    yield lane, route, name


def _remove_if_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:  # somebody put an edge there, or removed it: it is only a folder of hints
        pass
