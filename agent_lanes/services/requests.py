"""The request of a task, wherever it lies: a file of the workspace, or kept in the store, or only a prompt."""

from __future__ import annotations

import errno
import os
import stat

from agent_lanes.core import digest
from agent_lanes.errors import NotFound, RequestChanged, StorageFailed, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Task
    from agent_lanes.ports import TaskStore

LONGEST_BYTES = 32 << 20
CHUNK = 1 << 20
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # a folder on the way became a file, or a link that leads nowhere


def sha256(store: TaskStore, task: Task) -> str | None:
    """The hash that the request has now; None if it is gone, or there is none. Raises StorageFailed."""
    try:
        if task.request_stored:
            return digest.sha256(store.stored_request(task.id))
        return None if task.request_path is None else file_sha256(task.request_path)
    except NotFound:
        return None


def file_sha256(path: str) -> str:
    """The SHA-256 of a regular file's content. Raises NotFound, StorageFailed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotFound(f"not a file: {path}")
            whole = min(status.st_size + 1, CHUNK)
            first = os.read(descriptor, whole)
            rest = iter(lambda: os.read(descriptor, CHUNK), b"") if len(first) == whole else ()
            return digest.sha256(first, rest)
        finally:
            os.close(descriptor)
    except OSError as wrong:
        if wrong.errno in GONE:
            raise NotFound(f"not there: {path}") from None
        raise of_system(f"cannot read {path}: {wrong.strerror}", wrong) from wrong


def changed(store: TaskStore, task: Task) -> RequestChanged | None:
    """Why a request is not what it was at submit; None if it is, or there is none. Raises StorageFailed."""
    if task.request_sha256 is None:
        return None
    now = sha256(store, task)
    if now == task.request_sha256:
        return None
    what = "is gone" if now is None else "has changed"
    return RequestChanged(
        f"the request {what} since it was submitted: {store.request_location(task)}",
        hint="restore the file and claim the task by its id, or submit it anew",
    )


def text(store: TaskStore, task: Task) -> str | None:
    """The request as a text, what is not UTF-8 replaced; None where there is only a prompt.

    Raises StorageFailed where it cannot be read.
    """
    if task.request_stored:
        return store.stored_request(task.id).decode("utf-8", "replace")
    if task.request_path is None:
        return None
    try:
        # not blocking: what was a file at submit may be a FIFO by now, and nobody would ever write to it
        descriptor = os.open(task.request_path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageFailed(f"cannot read the request {task.request_path}: no longer a file")
            return file.read(LONGEST_BYTES).decode("utf-8", "replace")
    except OSError as wrong:
        raise of_system(f"cannot read the request {task.request_path}: {wrong.strerror}", wrong) from wrong


def reviewed(store: TaskStore, task: Task, expected: str | None) -> tuple[str | None, RequestChanged | None]:
    """The SHA-256 that an answer is about, and why it may not be called completed, if it may not."""
    found = sha256(store, task)
    wrong = None
    if task.request_sha256 is not None and task.request_sha256 != found:
        wrong = "submitted"
    elif expected is not None and expected != task.request_sha256:
        wrong = f"expected: it has SHA-256 {task.request_sha256}"
    if wrong is None:
        return expected or found, None
    hint = "an answer to it is no longer taken: respond with status failed, or release the task"
    return expected or found, RequestChanged(f"respond: the request of {task.id} is not what was {wrong}", hint=hint)
