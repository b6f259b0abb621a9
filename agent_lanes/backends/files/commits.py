"""The two commit points, and what is prepared for them.

    bear    a whole task folder in tmp/    ->  rename into tasks/
    stage   a claim or an answer in tmp/   ->  seal: rename over claim.json, or link to response.json

Everything before the rename or link is invisible and is removed again when it fails. A task and an answer are made
durable after it, and bear a mark until they are (durable.py); where a file system keeps no such mark, and for a claim
that must stand, the content is fsynced before.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.durable import ANSWER_MODE, NEWBORN_MODE
from agent_lanes.backends.files.layout import CLAIM, EVENTS, REQUEST, RESPONSE, TASK, Layout
from agent_lanes.core import codec
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.placement import placement
from agent_lanes.core.task import Event, Snapshot, Task
from agent_lanes.core.times import iso
from agent_lanes.core.transitions import Change, created
from agent_lanes.errors import AlreadyAnswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.backends.files.hints import Hints
    from agent_lanes.core.placement import Placement
    from agent_lanes.core.times import Moment


def bear(layout: Layout, hints: Hints, snapshot: Snapshot, request: bytes | None, now: Moment) -> bool:
    """Commit a new task, its marker first, not yet durable; False if its id is taken. Raises unique.Taken, OSError."""
    task = snapshot.task
    place = placement(snapshot, now)
    born, folder = f"{layout.tmp}/{task.id}.{chance(16)}", layout.task(task.id)
    files = newborn(task, request) | {EVENTS: journal.line(created(snapshot))}  # v0.1's readers look there at once
    os.mkdir(born, NEWBORN_MODE)
    try:
        marked = atomic.marked(born)
        for name, data in files.items():
            atomic.write_new(f"{born}/{name}", data, durable=not marked and name != EVENTS)
        if not marked:
            atomic.sync_folder(born)
        place_in(hints, task, place, born, folder)
    except BaseException as wrong:
        if not os.path.isdir(born):
            raise  # interrupted right after the rename: the task is there, and so is its marker
        for name in files:
            atomic.discard(f"{born}/{name}")
        os.rmdir(born)
        if isinstance(wrong, OSError) and os.path.isdir(folder):
            from agent_lanes.backends.files.rebuild import drop_stale

            drop_stale(layout, layout.marker(place) or "", now)  # the other task may have the very same
            return False
        if task.idempotency_key is None:  # else another call may be about to commit it under this very marker
            hints.drop(place)
        raise
    return True


def place_in(hints: Hints, task: Task, place: Placement, born: str, folder: str) -> None:
    """The commit of a new task: its marker, then the rename; with a unique key, while nobody else has that.

    Raises unique.Taken, Busy, OSError.
    """

    def commit() -> None:
        hints.make(place, born)
        os.rename(born, folder)

    if task.unique_key is None:
        return commit()
    from agent_lanes.backends.files import unique

    return unique.only(hints.layout, task, commit)


def newborn(task: Task, request: bytes | None) -> dict[str, bytes]:
    """The files without which there is no task, in the folder of a new one."""
    files = {TASK: dumps(codec.encode_task(task)).encode()}
    if request is not None:
        files[REQUEST] = request
    return files


def settle_in(layout: Layout, snapshot: Snapshot, events: tuple[Event, ...], request: bytes | None) -> None:
    """Commit a task that comes from elsewhere, with all that belongs to it; nothing where it is. Raises OSError."""
    task, folder = snapshot.task, layout.task(snapshot.id)
    files = {TASK: dumps(codec.encode_task(task)).encode(), EVENTS: b"".join(map(journal.line, events))}
    if snapshot.claim is not None:
        files[CLAIM] = dumps(codec.encode_claim(snapshot.claim)).encode()
    if snapshot.response is not None:
        from agent_lanes.core.answers import encode_response

        files[RESPONSE] = dumps(encode_response(snapshot.response)).encode()
    if request is not None:
        files[REQUEST] = request
    born = f"{layout.tmp}/{task.id}.{chance(16)}"
    os.mkdir(born, NEWBORN_MODE)
    try:
        for name, data in files.items():
            atomic.write_new(f"{born}/{name}", data, durable=True)
        atomic.sync_folder(born)
        os.rename(born, folder)
    except OSError:
        for name in files:
            atomic.discard(f"{born}/{name}")
        os.rmdir(born)
        if not os.path.isdir(folder):
            raise


def stage(layout: Layout, change: Change) -> str | None:
    """The file that will be sealed, written before any lock is taken; None if only history changes. Raises OSError.

    A claim is fsynced where it must survive a power cut, and where a torn file would take with it what the former one
    had counted.
    """
    path = f"{layout.tmp}/{chance(16)}"
    if change.response is not None:
        from agent_lanes.core.answers import encode_response

        atomic.write_new(path, dumps(encode_response(change.response)).encode(), durable=False, mode=ANSWER_MODE)
        if not atomic.marked(path):
            _sync_staged(path)
        return path
    if change.claim is None:
        return None
    durable = change.durable or change.claim.attempts > 0
    atomic.write_new(path, dumps(codec.encode_claim(change.claim)).encode(), durable=durable)
    return path


def _sync_staged(path: str) -> None:
    descriptor = os.open(path, atomic.READ_FLAGS)
    try:
        os.fsync(descriptor)
    except OSError:
        atomic.discard(path)
        raise
    finally:
        os.close(descriptor)


def seal(staged: str, folder: str, change: Change) -> None:
    """The commit. Raises AlreadyAnswered, whoever was faster; OSError."""
    if change.response is None:
        os.rename(staged, f"{folder}/{CLAIM}")
        return
    try:
        os.link(staged, f"{folder}/{RESPONSE}")
    except FileExistsError:
        raise AlreadyAnswered(f"respond: task {change.response.task_id} has just been answered") from None
    atomic.discard(staged)


def index(layout: Layout, task: Task) -> None:
    """Name the newest task of a correlation id: v0.1's index, which nothing here depends on. Raises OSError."""
    record = {
        "workspace_id": task.workspace_id,
        "correlation_id": task.correlation_id,
        "task_id": task.id,
        "updated_at": iso(task.created_at),
    }
    path, data = layout.correlation(task.workspace_id, task.correlation_id), dumps(record).encode()
    if not atomic.overwrite(path, data):
        atomic.make_folder(layout.correlations)
        atomic.replace(path, data, f"{layout.tmp}/{chance(16)}", durable=False)
