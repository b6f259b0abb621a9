"""How a file is born, replaced and read.

Everything is born in tmp/, which lies on the same file system, and gets its name by one rename or link. Data that
must survive a power cut is fsynced before it gets its name, and the folder after, or bears a mark until both are done
(durable.py); after a failed fsync a file is discarded or written anew, never synced again (the kernel has dropped the
pages: fsync(2), and the fsyncgate findings of 2018). Reading never follows a symlink, never blocks on a FIFO, never
takes in more than a limit.
"""

from __future__ import annotations

import errno
import os
import stat

from agent_lanes.errors import AgentLanesError, denied, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

FILE_MODE, FOLDER_MODE = 0o600, 0o700
MARK = stat.S_ISVTX  # of a folder or a file that is visible, and may not survive a power cut yet (durable.py)
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
CHUNK = 1 << 20
PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


class storage:
    """`with storage("what was being done"):` turns an OSError into one clear line with its exit code, and a hint."""

    def __init__(self, doing: str, *, hint: str = "") -> None:
        self.doing, self.hint = doing, hint

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Translate an OSError; let everything else pass."""
        if isinstance(error, OSError):
            raise translated(error, self.doing, self.hint) from error


def translated(error: OSError, doing: str, hint: str = "") -> AgentLanesError:
    """The error that says what could not be done, where and why, and what to do: `hint`, or what the cause asks for."""
    where = f" ({error.filename})" if error.filename else ""
    line = f"{doing}: {error.strerror or error}{where}"
    of_the_cause = {
        errno.ENOSPC: "the disk is full: free some space, then repeat the call",
        errno.EDQUOT: "your quota is used up: free some space, then repeat the call",
        errno.EMFILE: "too many open files: raise `ulimit -n`, then repeat the call",
    }.get(error.errno or 0, "repeat the call once the cause is mended")
    return of_system(line, error, hint=hint or ("" if denied(error) else of_the_cause))


class Unreadable(Exception):
    """A file is there but is not one to read: not regular, or too large."""


def read(path: str, limit: int) -> bytes:
    """All bytes of a regular file of at most `limit` bytes. Raises OSError, Unreadable."""
    descriptor = os.open(path, READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a regular file")
        if status.st_size > limit:
            raise Unreadable(f"{status.st_size} bytes are more than the {limit} that it may have")
        data = os.read(descriptor, status.st_size + 1)
        if len(data) == status.st_size:
            return data
        parts = [data]
        while data and sum(map(len, parts)) <= limit:
            data = os.read(descriptor, CHUNK)
            parts.append(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write_new(path: str, data: bytes, *, durable: bool, mode: int = FILE_MODE) -> None:
    """A new file with this content; removed again if anything fails. Raises OSError, FileExistsError too."""
    descriptor = os.open(path, NEW_FLAGS, mode)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        discard(path)
        raise


def replace(path: str, data: bytes, tmp: str, *, durable: bool) -> None:
    """Replace a file's content in one step, by way of the new file `tmp`. Raises OSError."""
    write_new(tmp, data, durable=durable)
    try:
        os.rename(tmp, path)
    except BaseException:
        discard(tmp)
        raise


def overwrite(path: str, data: bytes) -> bool:
    """Change a small file of exactly this length in place, with one write; False if there is none. Raises OSError.

    Only for what may be lost or torn by a power cut. It spares the disk a new file, and the deletion of the old one,
    whose blocks the kernel (ext4's auto_da_alloc) would write out at once.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        same = stat.S_ISREG(status.st_mode) and status.st_size == len(data)
        return same and os.pwrite(descriptor, data, 0) == len(data)
    finally:
        os.close(descriptor)


def discard(path: str) -> None:
    """Remove a file of ours that is no longer wanted; what cannot be removed is litter for the sweep."""
    try:
        os.unlink(path)
    except OSError:
        pass


def sync_folder(path: str) -> None:
    """Make the names in a folder survive a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: str) -> None:
    """A folder and those above it, for this user alone: os.makedirs would give its mode to the last one only."""
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        pass
    except FileNotFoundError:
        above = os.path.dirname(path)
        make_folder(above)
        if os.path.islink(above):  # one that leads nowhere: it exists, and nothing can be made in it
            raise
        make_folder(path)


def make_marker(path: str, twin: str | None = None) -> None:
    """A file whose name says everything; also when it, or its folder, was or was not there. Raises OSError.

    It is another name of the file `twin`, where that can be, else an empty file: a name alone spares the disk the
    making and deleting of a file, for which the fsync that follows would pay.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    for _ in range(20):  # an emptied bucket may be removed between our mkdir and our open
        try:
            if twin is not None:
                os.link(twin, path)
            else:
                os.close(os.open(path, flags, FILE_MODE))
            return
        except FileExistsError:
            return
        except FileNotFoundError:
            if os.path.isdir(os.path.dirname(path)):
                twin = None  # it is the twin that is not there
            else:
                make_folder(os.path.dirname(path))
        except OSError:
            if twin is None:
                raise
            twin = None  # no link can be made here, or not one more, or not of this file, which may be damaged
    raise OSError(errno.ENOENT, "the folder vanishes as often as it is made", path)


def drop_marker(path: str) -> None:
    """Remove a marker, if it is there. Raises OSError on anything but its absence."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def marked(path: str) -> bool:
    """Whether a file or folder says that it may not survive a power cut yet; False if it is not there."""
    try:
        return bool(os.stat(path, follow_symlinks=False).st_mode & MARK)
    except OSError:
        return False


def is_folder(path: str) -> bool:
    """Whether a folder has this name. Raises OSError where that may not be looked at."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def names(folder: str) -> list[str]:
    """The names in a folder, sorted; none if there is no such folder. Raises OSError."""
    return sorted(unsorted(folder))


def unsorted(folder: str) -> list[str]:
    """The same in any order."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
