"""What survives a power cut, and from when on that may be said (docs/architecture.md, "What is synced").

    a task      its content and its folder before the rename, tasks/ after it
    an answer   its content before the link, the task's folder after it - and tasks/, if nobody did that yet

A submit becomes visible by its rename, and durable only by the fsync of tasks/ that follows. Somebody may claim and
answer the task in between, or after the submit was killed there; an answer must not be acknowledged whose task a
power cut may take back. So a task's folder is born with the sticky bit, which means nothing else on it; who has
synced tasks/ takes the bit away, and who answers while it is there syncs tasks/ first. After a reboot a bit that is
still there costs one fsync too many.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.errors import Unconfirmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NEWBORN_MODE = atomic.FOLDER_MODE | stat.S_ISVTX


def sync_task(layout: Layout, id: str) -> None:
    """Make a task durable that has been renamed into tasks/, and say so to whoever answers it. Raises OSError."""
    sync_tasks(layout, (id,))


def sync_tasks(layout: Layout, ids: Iterable[str]) -> None:
    """The same for many, by one fsync. Raises OSError."""
    atomic.sync_folder(layout.tasks)
    for id in ids:
        _say_so(layout.task(id))


def _say_so(folder: str) -> None:
    try:
        os.chmod(folder, atomic.FOLDER_MODE)
    except OSError:  # then whoever answers syncs it again
        pass


def sync_facts(layout: Layout, id: str) -> None:
    """Make the answer of a task durable, or its claim, and the task itself. Raises OSError."""
    folder = layout.task(id)
    try:
        atomic.sync_folder(folder)
        newborn = os.stat(folder).st_mode & stat.S_ISVTX
    except FileNotFoundError:
        return  # archived: it is durable there
    if newborn:
        sync_task(layout, id)


def sync_facts_together(layout: Layout, ids: Sequence[str]) -> None:
    """The same for many tasks, with one syncfs where that is as good. Raises OSError."""
    from agent_lanes.backends.files.together import Together

    try:
        with Together(layout.tasks) as together:
            together.sync([*map(layout.task, ids), layout.tasks])
    except FileNotFoundError:  # one of them has been archived
        for id in ids:
            sync_facts(layout, id)


def confirm_task(layout: Layout, id: str, done: str) -> None:
    """After the commit of a task: make it durable. Raises Unconfirmed."""
    try:
        sync_task(layout, id)
    except OSError as wrong:
        raise unconfirmed_task(id, wrong, done) from wrong


def confirm_answer(layout: Layout, id: str) -> None:
    """After the commit of an answer: make it durable. Raises Unconfirmed."""
    try:
        sync_facts(layout, id)
    except OSError as wrong:
        hint = "repeat the same respond call: it confirms"
        raise _unconfirmed(f"answered {id}, but the answer", wrong, hint) from wrong


def confirm_claim(layout: Layout, id: str) -> None:
    """After the commit of a claim.json that must stand: make it durable. Raises Unconfirmed."""
    try:
        sync_facts(layout, id)
    except OSError as wrong:
        raise _unconfirmed(f"changed {id}, but the change", wrong, f"look at it with: agent-lanes show {id}") from wrong


def unconfirmed_task(id: str, wrong: OSError, done: str = "submitted") -> Unconfirmed:
    """A task was committed, and a power cut may undo it."""
    return _unconfirmed(f"{done} {id}, but it", wrong, f"confirm with: agent-lanes status {id}")


def _unconfirmed(done: str, wrong: OSError, hint: str) -> Unconfirmed:
    return Unconfirmed(f"{done} may not survive a power cut: {wrong.strerror}", hint=hint)
