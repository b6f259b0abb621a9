"""run.lock in a task's folder: an agent works on this task right now.

Its dispatcher holds a flock on it, and so does, by inheritance, the agent's own process: however dispatcher and
agent die, the lock ends with the last of them. It is looked at only where a lease has run out. What it holds says
which claim the agent works under and how long it may take; held for longer, it no longer counts.

Who ends a run removes the file while it still holds the lock, and who gets the lock compares its inode with that of
the path, as for every lock here.
"""

from __future__ import annotations

import fcntl
import os
import time

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import RUN
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.core.task import Lease, Run
from agent_lanes.core.times import iso, parse_iso
from agent_lanes.errors import Busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

OPEN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LONGEST_BYTES = 4096
PATIENCE_SECONDS, PAUSE_SECONDS = 1.0, 0.01  # whoever only looks holds it shared for an instant


class RunLock:
    """The lock, held (ports.RunLock)."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def end(self) -> None:
        """Nobody works on the task any more. A second call does nothing."""
        if self.descriptor >= 0:
            atomic.discard(self.path)
            os.close(self.descriptor)
            self.descriptor = -1


def begin(folder: str, run: Run) -> RunLock:
    """Take the lock and say who. Raises Busy where another agent runs, OSError."""
    path, deadline = f"{folder}/{RUN}", time.monotonic() + PATIENCE_SECONDS
    while True:
        descriptor = os.open(path, OPEN_FLAGS, atomic.FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_named(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, dumps(_encoded(run)).encode(), 0)
                return RunLock(path, descriptor)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise Busy("an agent still runs on this task", hint="wait until it has ended") from None
            time.sleep(PAUSE_SECONDS)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def running(folder: str) -> Run | None:
    """Who holds the lock; None if nobody does, or it does not say who. Raises OSError."""
    try:
        descriptor = os.open(f"{folder}/{RUN}", atomic.READ_FLAGS)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return _decoded(loads_object(os.read(descriptor, LONGEST_BYTES).decode()))
        except (ValueError, KeyError, TypeError):
            return None
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _is_named(descriptor: int, path: str) -> bool:
    ours = os.fstat(descriptor)
    try:
        named = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (ours.st_ino, ours.st_dev) == (named.st_ino, named.st_dev)


def _encoded(run: Run) -> JsonObject:
    return {
        "format": 2,
        "epoch": run.epoch,
        "process": run.process,
        "mark": run.mark,
        "limit_seconds": run.limit.seconds,
        "ends_at": iso(run.limit.expires_at),
        "boot_id": run.limit.boot_id,
        "ends_boottime_us": run.limit.ends_boottime,
    }


def _decoded(record: JsonObject) -> Run:
    epoch, process, mark, seconds, ends_at, boot_id, ends = (
        record[key] for key in ("epoch", "process", "mark", "limit_seconds", "ends_at", "boot_id", "ends_boottime_us")
    )
    if not (isinstance(epoch, int) and isinstance(process, int) and isinstance(ends, int)):
        raise TypeError("a number")
    if not (isinstance(mark, str) and isinstance(ends_at, str) and isinstance(boot_id, str)):
        raise TypeError("a text")
    if not isinstance(seconds, (int, float)):
        raise TypeError("seconds")
    limit = Lease(seconds=seconds, expires_at=parse_iso(ends_at), boot_id=boot_id, ends_boottime=ends)
    return Run(epoch=epoch, process=process, mark=mark, limit=limit)
