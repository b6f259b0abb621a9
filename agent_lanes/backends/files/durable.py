"""What survives a power cut, and from when on that may be said (docs/architecture.md, "What is synced").

    a task      the rename into tasks/, then the fsync of its files, of its folder, of tasks/
    an answer   the link to response.json, then the fsync of the file, of the task's folder

Names come first: then a file system with a journal commits once, for whichever fsync comes first, and the others find
nothing left to do. So both are visible before they are durable. Until then a task's folder, or response.json, bears a
mark, with which it was born: the sticky bit, which means nothing else there. Who has synced all of it takes the mark
away. Who relies on what bears it, by an answer to the task or a report of the answer, syncs it first. What bears it
after a power cut and is torn is nothing that anybody was told of (records.unborn, unborn.py).

After a failed fsync the kernel has dropped the pages, and says so only once. So whoever finds it fail notes that on
the file by another bit, and who syncs such a file later writes it anew.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import REQUEST, RESPONSE, TASK, Layout
from agent_lanes.errors import Unconfirmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NEWBORN_MODE = atomic.FOLDER_MODE | atomic.MARK
ANSWER_MODE = atomic.FILE_MODE | atomic.MARK
NOT_WRITTEN = stat.S_ISGID  # of a file: its fsync has failed
LONGEST = 256 << 20


def sync_task(layout: Layout, id: str, files: Iterable[str] = (TASK, REQUEST)) -> None:
    """Make a task durable that has been renamed into tasks/, with these of its files. Raises OSError."""
    folder = layout.task(id)
    for name in files:
        _sync_file(layout, f"{folder}/{name}")
    try:
        atomic.sync_folder(folder)
    except FileNotFoundError:
        return  # archived: it is durable there
    atomic.sync_folder(layout.tasks)
    confirmed(folder)


def sync_newborn(layout: Layout, id: str) -> None:
    """The same, if nobody did that yet. Raises OSError."""
    if atomic.marked(layout.task(id)):
        sync_task(layout, id)


def sync_facts(layout: Layout, id: str) -> None:
    """Make the answer of a task durable, or the name of its claim, and the task itself. Raises OSError."""
    folder = layout.task(id)
    answer = f"{folder}/{RESPONSE}"
    marked = atomic.marked(answer)
    if marked:
        _sync_file(layout, answer)
    try:
        atomic.sync_folder(folder)
    except FileNotFoundError:
        return  # archived: it is durable there
    sync_newborn(layout, id)
    if marked:
        _unmark(answer, atomic.FILE_MODE)


def unsure(layout: Layout, ids: Iterable[str]) -> list[str]:
    """Those of some answered tasks of which it is not certain that the answer is durable.

    Certain it is where nothing bears the mark any more, in a store whose file system keeps marks: there the folder
    that bars v0.1 has borne one ever since it was made.
    """
    if not atomic.marked(layout.legacy_lock):
        return [*ids]
    return [id for id in ids if atomic.marked(f"{layout.task(id)}/{RESPONSE}") or atomic.marked(layout.task(id))]


def sync_facts_together(layout: Layout, ids: Sequence[str]) -> None:
    """The same for many tasks, with one syncfs where that is as good. Raises OSError."""
    from agent_lanes.backends.files.together import Together

    for id in ids:
        if atomic.marked(layout.task(id)) or atomic.marked(f"{layout.task(id)}/{RESPONSE}"):
            sync_facts(layout, id)
    try:
        with Together(layout.tasks) as together:
            together.sync([*map(layout.task, ids), layout.tasks])
    except FileNotFoundError:  # one of them has been archived
        for id in ids:
            sync_facts(layout, id)


def confirmed(folder: str) -> None:
    """Say of a task's folder that all of it has been synced."""
    _unmark(folder, atomic.FOLDER_MODE)


def not_written(path: str) -> None:
    """Say of a file that its fsync has failed: whoever relies on it must write it anew."""
    _unmark(path, atomic.FILE_MODE | atomic.MARK | NOT_WRITTEN)


def _unmark(path: str, mode: int) -> None:
    try:
        os.chmod(path, mode)
    except OSError:  # then whoever relies on it syncs it again
        pass


def _sync_file(layout: Layout, path: str) -> None:
    try:
        descriptor = os.open(path, atomic.READ_FLAGS)
    except FileNotFoundError:
        return  # there is none, or it is archived
    try:
        if os.fstat(descriptor).st_mode & NOT_WRITTEN:
            data = atomic.read(path, LONGEST)
            atomic.replace(path, data, f"{layout.tmp}/{chance(16)}", durable=True)
        else:
            os.fsync(descriptor)
    except OSError:
        not_written(path)
        raise
    finally:
        os.close(descriptor)


def confirm_task(layout: Layout, id: str, done: str, files: Iterable[str] = (TASK, REQUEST)) -> None:
    """After the commit of a task: make it durable. Raises Unconfirmed."""
    try:
        sync_task(layout, id, files)
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


def confirm_hold(folders: Iterable[str], done: str) -> None:
    """After a hold was put or dropped: make the names in these folders durable. Raises Unconfirmed."""
    try:
        for folder in folders:
            atomic.sync_folder(folder)
    except OSError as wrong:
        raise _unconfirmed(f"{done}, but that", wrong, "look at it with: agent-lanes status --all") from wrong


def unconfirmed_task(id: str, wrong: OSError, done: str = "submitted") -> Unconfirmed:
    """A task was committed, and a power cut may undo it."""
    return _unconfirmed(f"{done} {id}, but it", wrong, f"confirm with: agent-lanes status {id}")


def _unconfirmed(done: str, wrong: OSError, hint: str) -> Unconfirmed:
    return Unconfirmed(f"{done} may not survive a power cut: {wrong.strerror}", hint=hint)
