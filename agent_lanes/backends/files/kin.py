"""children/<id>/ and threads/<hash>/: who names this task, who is in this thread. Hints: names only, and a superset.

    <root>/children/<id>/<child>                  depends_on, retry_of or metadata.parent_task_id of the child name <id>
    <root>/threads/<SHA-256 of the thread>/<id>   metadata.thread_id of the task

Made before the commit of a submit, kept when the task ends and when it is archived, dropped when it is pruned. A name
without a task belongs to a submit in flight, or to one that was killed: whoever looks passes it over, and `doctor
--repair` removes it once it is old.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core import kin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_lanes.core.task import Task


def note(layout: Layout, task: Task) -> None:
    """Let this task be found through those that it names. Raises OSError."""
    for path in _paths(layout, task):
        atomic.make_marker(path)


def forget(layout: Layout, task: Task) -> None:
    """The task is gone: nobody is to find it any more. Raises OSError."""
    for path in _paths(layout, task):
        atomic.drop_marker(path)
        _remove_empty(os.path.dirname(path))


def sweep(layout: Layout, gone: Callable[[str, str], bool]) -> None:
    """Drop the names of which `gone` says, by path and id, that there is no such task. Raises OSError."""
    for folder in (layout.all_children, layout.all_threads):
        for group in atomic.names(folder):
            for id in atomic.names(f"{folder}/{group}"):
                if gone(f"{folder}/{group}/{id}", id):
                    atomic.drop_marker(f"{folder}/{group}/{id}")
            _remove_empty(f"{folder}/{group}")


def _paths(layout: Layout, task: Task) -> Iterator[str]:
    for _, id in kin.parents(task):
        yield f"{layout.children(id)}/{task.id}"
    thread = kin.thread(task)
    if thread is not None:
        yield f"{layout.thread(thread)}/{task.id}"


def _remove_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:  # there are others in it, or somebody removed it
        pass
