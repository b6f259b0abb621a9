"""How a file or folder of the user's gets its name: made complete beside its place, then renamed or linked.

    with Newborn(folder) as born:              a new file in that folder, under a name of chance
        born.write(data)
        os.rename(born.path, place)            what still has the name of chance at the end is removed again

Whoever is killed on the way leaves it behind, and nobody holds it: a maker holds a flock on what it makes. So the
next one that makes something in the same folder removes it. The store has its own tmp/ (backends.files.atomic).
"""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

PREFIX, DIGITS = ".agent-lanes-", 16  # short: the name that it will get may be as long as any
NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LOOK_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Newborn:
    """A new file, or a new folder. Raises OSError where it cannot be made."""

    def __init__(self, folder: str, mode: int = 0o600, *, is_folder: bool = False) -> None:
        self.folder, self.mode, self.is_folder = folder, mode, is_folder
        self.path, self.descriptor = "", -1

    def __enter__(self) -> Newborn:
        """Make it, and hold it."""
        sweep(self.folder)
        while True:
            self.path = f"{self.folder}/{PREFIX}{os.urandom(DIGITS // 2).hex()}"
            self.descriptor = self._made()
            try:
                if _held(self.descriptor, self.path):
                    return self
            except OSError:
                return self  # no flock to be had here, for a sweep neither
            os.close(self.descriptor)  # a sweep came between it and our flock, and has removed it

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it, unless it has got its name; what cannot be removed is left to the next sweep."""
        _removed(self.path)
        try:
            os.close(self.descriptor)
        except OSError:
            pass

    def write(self, data: bytes, *, durable: bool = False) -> None:
        """The content of a file. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]
        if durable:
            os.fsync(self.descriptor)

    def _made(self) -> int:
        if not self.is_folder:
            return os.open(self.path, NEW_FLAGS, self.mode)
        os.mkdir(self.path, self.mode)
        try:
            return os.open(self.path, LOOK_FLAGS | os.O_DIRECTORY)
        except BaseException:
            os.rmdir(self.path)
            raise


def sweep(folder: str) -> None:
    """Remove what was left half made in a folder, and is held by nobody. Never raises: litter is only litter."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith(PREFIX) and _of_ours(name)]
    except OSError:
        return
    for name in names:
        path = f"{folder}/{name}"
        try:
            descriptor = os.open(path, LOOK_FLAGS)
        except OSError:
            continue
        try:
            if _held(descriptor, path):
                _removed(path)
        except OSError:
            continue
        finally:
            os.close(descriptor)


def _of_ours(name: str) -> bool:
    digits = name[len(PREFIX) :]
    return len(digits) == DIGITS and not digits.strip("0123456789abcdef")


def _held(descriptor: int, path: str) -> bool:
    """Whether the flock on it is ours now, and it still has its name. Raises OSError where there is no flock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        named = os.stat(path, follow_symlinks=False)
    except (BlockingIOError, FileNotFoundError):
        return False
    ours = os.fstat(descriptor)
    return (ours.st_ino, ours.st_dev) == (named.st_ino, named.st_dev)


def _removed(path: str) -> None:
    try:
        os.unlink(path)
    except IsADirectoryError:
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    except OSError:
        pass
