"""What makes files outside the store's own folders survive a power cut.

fsync of a file makes its content durable, and nothing more: its name, and the names of folders made for it, are
durable once the folders that hold them were synced (fsync(2)). Whoever made a folder may have died before it synced
the one above, so what is already there is synced as well, up to a folder that has been there for long.
"""

from __future__ import annotations

import errno
import os

# A folder that may be passed but not read, a file system that syncs no folders: nothing more can be done.
CANNOT = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL, errno.ENOTSUP)


def sync_folders(folder: str, top: str | None = None) -> None:
    """Make the names in a folder durable, and in those above: up to `top`, or in all of its file system.

    Raises OSError.
    """
    here = os.path.realpath(folder)
    last = os.path.realpath(top) if top is not None else None
    device = os.stat(here).st_dev
    while os.stat(here).st_dev == device:
        _sync(here, os.O_DIRECTORY)
        if here in (last, "/"):
            return
        here = os.path.dirname(here)


def sync_tree(folder: str) -> None:
    """Make all that is in a folder durable: contents and names, but not its own. Raises OSError."""
    for here, _, files in os.walk(folder):
        for name in files:
            _sync(os.path.join(here, name), os.O_NOFOLLOW)
        _sync(here, os.O_DIRECTORY)


def _sync(path: str, flag: int) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flag)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as wrong:
        if wrong.errno not in CANNOT:
            raise
