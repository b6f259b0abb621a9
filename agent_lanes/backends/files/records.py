"""Reading one task from its folder, without a lock.

The order closes the races with writers: the answer before the claim, because a claim never changes once there is
an answer; and before everything else, because only what is answered is ever archived. Anything that is not a regular
file of sane size, UTF-8, a JSON object with the fields and types of its format makes this one task Damaged, never the
command.
"""

from __future__ import annotations

import errno
import os

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import CLAIM, REQUEST, RESPONSE, TASK
from agent_lanes.core import codec
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import loads_object
from agent_lanes.core.task import COMPLETED, Claim, Response, Snapshot, Task
from agent_lanes.errors import AgentLanesError, Damaged, NotFound, Withheld, denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

OF_THIS_PROCESS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR)  # no file is damaged by these
OF_THIS_FILE = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.EISDIR)
LIMITS = {TASK: 64 << 20, CLAIM: 1 << 20, RESPONSE: 256 << 20, REQUEST: 64 << 20}


class Loaded(Frozen):
    """A snapshot, with the bytes of claim.json that tell whether it is still current."""

    snapshot: Snapshot
    claim_bytes: bytes | None
    legacy: bool = False


def load(folder: str, id: str, *, instead: Claim | None = None) -> Loaded:
    """Everything about a task; `instead` of a claim that cannot be read. Raises NotFound, Damaged, OSError.

    What a power cut left of a submit that was never acknowledged is no task.
    """
    try:
        return _load(folder, id, instead)
    except Damaged:
        if unborn(folder, id):
            raise not_found(id) from None
        raise


def _load(folder: str, id: str, instead: Claim | None) -> Loaded:
    """The answer comes first: a folder that an archive takes away meanwhile has one, so it cannot seem unanswered."""
    response = _response(folder, id)
    record = _record(folder, id, TASK)
    if record is None:
        if not atomic.is_folder(folder):
            raise not_found(id)
        record = _record(folder, id, TASK)  # it may have been born between the two looks, whole at once
        if record is None:
            raise damaged(id, TASK, "missing")
    if _is_legacy(record):
        from agent_lanes.core import legacy

        snapshot = _decoded(id, TASK, lambda: legacy.decode(record, response))
        return Loaded(snapshot=_own(snapshot, id), claim_bytes=None, legacy=True)
    task = _decoded(id, TASK, lambda: codec.decode_task(record))
    _own(Snapshot(task=task), id)
    try:
        raw, claim = _claim(folder, id)
    except Damaged:
        if response is None and instead is None:
            raise
        # Claims are not fsynced: a power cut may tear one whose answer is safe.
        raw, claim = None, None if response else instead
    if response is not None and raw is None and not atomic.is_folder(folder):
        raise not_found(id)  # archived before its claim could be read
    if task.request_stored and atomic.marked(folder) and not whole(folder, task):
        # Its request was torn with it, and nobody was told of it, nor of an answer: unborn.py clears it away.
        raise not_found(id)
    snapshot = Snapshot(task=task, claim=claim, response=response)
    if response is None:
        snapshot = with_dependencies(snapshot, os.path.dirname(folder))
    return Loaded(snapshot=snapshot, claim_bytes=raw)


def with_dependencies(snapshot: Snapshot, tasks: str) -> Snapshot:
    """The same, with what has become of the tasks that it depends on; one that is not there any more has ended well."""
    if not snapshot.task.depends_on:
        return snapshot
    still_open, failed = [], []
    for id in snapshot.task.depends_on:
        folder = f"{tasks}/{id}"
        if not ended(folder):
            still_open.append(id)
            continue
        try:
            response = _response(folder, id) or _archived(tasks, id)
        except NotFound:
            continue
        except Damaged:
            response = None  # nobody knows what it said
        if response is None or response.status != COMPLETED:
            failed.append(id)
    return snapshot.replace(open_dependencies=tuple(still_open), failed_dependencies=tuple(failed))


def _archived(tasks: str, id: str) -> Response | None:
    """The answer of a task that has no folder any more. Raises NotFound where it is pruned, Damaged, OSError."""
    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.backends.files.packs import find

    parcel = find(Layout(os.path.dirname(tasks)), id)
    if parcel is None:
        raise not_found(id)
    return parcel.snapshot.response


def readable(folder: str, id: str) -> bool:
    """Whether what was asked can be read, whatever became of claim and answer."""
    return asked(folder, id) is not None


def asked(folder: str, id: str) -> Task | None:
    """What was asked, whatever became of claim and answer; None where that cannot be read."""
    try:
        record = _record(folder, id, TASK)
        if record is None:
            return None
        if _is_legacy(record):
            from agent_lanes.core import legacy

            return _decoded(id, TASK, lambda: legacy.decode(record, None)).task
        return _own(Snapshot(task=_decoded(id, TASK, lambda: codec.decode_task(record))), id).task
    except Damaged:
        return None


def unborn(folder: str, id: str) -> bool:
    """Whether a power cut tore a task that was visible and not yet durable: nobody was told that it is there."""
    return atomic.marked(folder) and not readable(folder, id)


def whole(folder: str, task: Task) -> bool:
    """Whether the request that is kept beside the record is what was submitted; where no hash tells, if it is there.

    Raises OSError.
    """
    from agent_lanes.core.digest import sha256

    try:
        request = request_bytes(folder, task.id)
    except (NotFound, Damaged):
        return False
    return task.request_sha256 is None or sha256(request) == task.request_sha256


def examined(folder: str, id: str) -> tuple[Snapshot | None, AgentLanesError | None]:
    """A task as far as it can be read, and what is wrong, also with the claim beside an answer. Raises OSError."""
    snapshot = None
    try:
        snapshot = load(folder, id).snapshot
        if snapshot.response is not None and snapshot.claim is None:
            _claim(folder, id)
    except AgentLanesError as wrong:
        return snapshot, wrong
    return snapshot, None


def _is_legacy(asked: JsonObject) -> bool:
    if "format" in asked:
        return False
    from agent_lanes.core.legacy import is_legacy

    return is_legacy(asked)


def _own(snapshot: Snapshot, id: str) -> Snapshot:
    if snapshot.id != id:
        raise damaged(id, TASK, "it has the id of another task")
    return snapshot


def _claim(folder: str, id: str) -> tuple[bytes | None, Claim | None]:
    raw = claim_bytes(folder, id)
    if raw is None:
        return None, None
    return raw, _decoded(id, CLAIM, lambda: codec.decode_claim(loads_object(raw.decode())))


def claim_bytes(folder: str, id: str) -> bytes | None:
    """claim.json as it stands; None if the task was never claimed."""
    return _bytes(folder, id, CLAIM)


def request_bytes(folder: str, id: str) -> bytes:
    """The request that is kept beside the record. Raises NotFound, Damaged, OSError."""
    found = _bytes(folder, id, REQUEST)
    if found is None:
        raise NotFound(f"task {id}: its request is gone: {folder}/{REQUEST}")
    return found


def answered(folder: str) -> bool:
    """Whether a response.json is there, whatever it holds; not what a power cut left of one that nobody was told of."""
    try:
        status = os.stat(f"{folder}/{RESPONSE}", follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):  # no answer; a foreign file among the tasks
        return False
    if not status.st_mode & atomic.MARK:
        return True
    try:
        return _response(folder, os.path.basename(folder)) is not None
    except Damaged:
        return True


def seems_open(folder: str) -> bool:
    """Whether there is no answer, for who looks for work or heals: a folder that may not be entered is for doctor."""
    try:
        return not answered(folder)
    except PermissionError:
        return False


def ended(folder: str) -> bool:
    """Whether a task is answered, or away; of one whose folder may not be entered nobody can tell, so it is not."""
    try:
        return answered(folder) or not atomic.is_folder(folder)
    except PermissionError:
        return False


def not_found(id: str) -> NotFound:
    """The error for an id that no task has; v0.1's words."""
    return NotFound(f"unknown task: {id}", hint="`agent-lanes list` shows the tasks; `agent-lanes where` the store")


def damaged(id: str, file: str, problem: object) -> Damaged:
    """The error for a record that cannot be read."""
    return Damaged(
        f"task {id} is damaged: {file}: {problem}", hint="other tasks go on; look at the file, nothing has been deleted"
    )


def _response(folder: str, id: str) -> Response | None:
    try:
        record = _record(folder, id, RESPONSE)
        if record is None:
            return None
        from agent_lanes.core.answers import decode_response

        return _decoded(id, RESPONSE, lambda: decode_response(record))
    except Withheld:
        raise
    except Damaged:
        if atomic.marked(f"{folder}/{RESPONSE}"):
            return None  # torn before it was durable, so before anybody was told
        raise


def _record(folder: str, id: str, file: str) -> JsonObject | None:
    raw = _bytes(folder, id, file)
    return None if raw is None else _decoded(id, file, lambda: loads_object(raw.decode()))


def _bytes(folder: str, id: str, file: str) -> bytes | None:
    try:
        return atomic.read(f"{folder}/{file}", LIMITS[file])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except atomic.Unreadable as wrong:
        raise damaged(id, file, wrong) from None
    except OSError as wrong:
        if os.path.islink(f"{folder}/{file}"):
            raise damaged(id, file, "a symbolic link, not a file") from None
        if denied(wrong):
            hint = "other tasks go on; check who owns it, and its mode"
            raise Withheld(f"task {id} cannot be read: {file}: {wrong.strerror}", hint=hint) from None
        if wrong.errno in OF_THIS_FILE:
            raise damaged(id, file, wrong.strerror) from None
        raise


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


def _decoded(id: str, file: str, decode: Callable[[], T]) -> T:
    try:
        return decode()
    except ValueError as wrong:  # Malformed, JSON and UTF-8 errors are all ValueErrors
        raise damaged(id, file, wrong) from None
