"""Making many new files durable at once: one syncfs in place of an fsync for each.

    with Together(folder) as together:      opened first: a syncfs reports only what went wrong since
        ... write files below the folder
        together.sync(paths)                all of them are durable, or it raises

syncfs(2) says whether everything reached the disk since Linux 5.8, and only some file systems are known to carry it
that far (FUSE does not ask its server). Everywhere else, and where they are few, each path is fsynced. ctypes is
loaded here and nowhere else: Python has no syncfs.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files.atomic import READ_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

FAITHFUL = {0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0xF2F52010: "f2fs", 0x01021994: "tmpfs"}
FIRST_RELEASE = (5, 8)
FEW = 6  # so many fsyncs cost less than a syncfs, which waits for what other programs are writing, too
STATFS_BYTES = 256  # more than any struct statfs; its first field is the type


class Together:
    """A folder below which many files are about to be written."""

    def __init__(self, folder: str) -> None:
        self.descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Together:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the folder."""
        os.close(self.descriptor)

    def sync(self, paths: Iterable[str]) -> None:
        """Make these files and folders durable, contents and the names in them. Raises OSError."""
        paths = list(paths)  # none: nothing is done
        if len(paths) > FEW and trusted(self.descriptor):
            return syncfs(self.descriptor)
        for path in paths:
            descriptor = os.open(path, READ_FLAGS)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return None


def trusted(descriptor: int) -> bool:
    """Whether a syncfs of this file system is as good as an fsync of each of its files."""
    system = os.uname()
    try:
        release = tuple(int(part) for part in system.release.split(".")[:2])
    except ValueError:
        return False
    return system.sysname == "Linux" and release >= FIRST_RELEASE and _kind(descriptor) in FAITHFUL


def syncfs(descriptor: int) -> None:
    """Write everything of this file system to its disk. Raises OSError: some of it may not be there."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _kind(descriptor: int) -> int:
    """The magic number of the file system; 0 where it cannot be had."""
    import ctypes

    if ctypes.sizeof(ctypes.c_void_p) != 8:  # there, the first field may have another width
        return 0
    found = (ctypes.c_uint64 * (STATFS_BYTES // 8))()
    try:
        failed = ctypes.CDLL(None, use_errno=True).fstatfs(descriptor, found)
    except AttributeError:  # a C library without it
        return 0
    return 0 if failed else int(found[0]) & 0xFFFFFFFF
