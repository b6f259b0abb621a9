"""unique/<SHA-256 of lane and key>: which open task of a lane has a unique key. A hint, as all markers.

Holds an id. Whoever makes a task with that key does it under a flock on this file:

    lock    ->   does the task that it names stand open? then there is no second one
            ->   write our id   ->   the commit (marker, rename into tasks/)   ->   unlock

So an id in it whose task is not there, or has an answer, says nothing: its submit was killed, or its task is over, and
the next takes its place. The file goes when its task ends. Nothing of it is fsynced: a rebuild, which follows every
reboot, makes it anew from the open tasks. The lock is held over no fsync: all is staged before.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.records import answered
from agent_lanes.core.names import task_id
from agent_lanes.core.task import Task
from agent_lanes.errors import BadUsage, Busy, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 300
FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Taken(Exception):
    """An open task has the key: `id`."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


def holder(layout: Layout, lane: str, key: str) -> str | None:
    """The open task that has the key, at a glance; None if there is none. Raises OSError."""
    try:
        descriptor = os.open(layout.unique(lane, key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _open_task(layout, descriptor)
    finally:
        os.close(descriptor)


def only(layout: Layout, task: Task, commit: Callable[[], None]) -> None:
    """Do `commit` while no other open task has the key of this one. Raises Taken, Busy, OSError."""
    with _locked(layout, task) as lock:
        other = _open_task(layout, lock.descriptor)
        if other not in (None, task.id):
            raise Taken(str(other))
        _write(lock.descriptor, task.id)
        commit()


def note(layout: Layout, task: Task) -> None:
    """Let the key stand for this open task, unless it stands for another. Raises Busy, OSError."""
    try:
        only(layout, task, lambda: None)
    except Taken:
        pass


def drop(layout: Layout, task: Task) -> None:
    """The task has ended: its key is free. Raises OSError."""
    if task.unique_key is not None:
        _sweep(layout, layout.unique(task.lane, task.unique_key), task.id)


def rebuild(layout: Layout, wanted: list[Task]) -> None:
    """Let each key stand for its open task, and drop those that stand for none. Raises Busy, OSError."""
    for task in wanted:
        note(layout, task)
    for name in atomic.names(layout.all_unique):
        _sweep(layout, f"{layout.all_unique}/{name}", None)


def _sweep(layout: Layout, path: str, id: str | None) -> None:
    """Remove the file if it names `id` (None: whichever) and that is not open; under its lock, for a submit may be
    about to write to it."""
    try:
        with Lock(path, "a unique key", flags=FLAGS, patient=False) as lock:
            named = _named(lock.descriptor)
            if (id is None or named == id) and _open_task(layout, lock.descriptor) is None:
                atomic.drop_marker(path)
    except (NotFound, Busy):
        pass  # in other hands: whoever has it sees that it says nothing


def _locked(layout: Layout, task: Task) -> Lock:
    atomic.make_folder(layout.all_unique)
    path, what = layout.unique(task.lane, task.unique_key or ""), f"unique_key {task.unique_key!r}"
    return Lock(path, what, flags=FLAGS | os.O_CREAT)


def _open_task(layout: Layout, descriptor: int) -> str | None:
    """The task that the file names, if it stands open."""
    id = _named(descriptor)
    folder = layout.task(id or "")
    return id if id is not None and os.path.isdir(folder) and not answered(folder) else None


def _named(descriptor: int) -> str | None:
    """The id in the file; None where there is none: it is new, or a power cut tore it."""
    try:
        return task_id(os.pread(descriptor, LONGEST, 0).partition(b"\n")[0].decode())
    except (BadUsage, UnicodeDecodeError):
        return None


def _write(descriptor: int, id: str) -> None:
    """Killed in between, it names the new one already: only the first line counts."""
    line = id.encode() + b"\n"
    os.pwrite(descriptor, line, 0)
    os.ftruncate(descriptor, len(line))
