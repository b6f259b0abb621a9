"""Is a file system fit for a store? Tried, not guessed: on a few files in the very folder, removed again."""

from __future__ import annotations

import fcntl
import os

from agent_lanes.errors import StorageFailed
from agent_lanes.newborn import Newborn


def fit(folder: str) -> None:
    """Nothing, if flock between two opens, link and rename over a file work here; else StorageFailed that says what."""
    nearest = folder
    while not os.path.isdir(nearest):
        nearest = os.path.dirname(nearest) or "/"
    try:
        with Newborn(nearest, 0o700, is_folder=True) as born:
            problem = _problem(born.path)
    except OSError as wrong:
        problem = f"{wrong.strerror} ({wrong.filename})"
    if problem:
        raise StorageFailed(
            f"this folder cannot hold a queue: {problem}: {folder}",
            hint="use a local file system (ext4, xfs, btrfs, apfs); --queue-root names another folder",
        )


def _problem(base: str) -> str:
    first, second, third = (f"{base}/{name}" for name in ("a", "b", "c"))
    one = os.open(first, os.O_RDWR | os.O_CREAT, 0o600)
    two = os.open(first, os.O_RDWR)
    try:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "two processes could hold the same lock"
        except BlockingIOError:
            pass
    finally:
        os.close(one)
        os.close(two)
    os.link(first, second)
    try:
        os.link(first, second)
        return "a link replaces an existing file"
    except FileExistsError:
        pass
    os.close(os.open(third, os.O_WRONLY | os.O_CREAT, 0o600))
    os.rename(third, second)
    return "a rename over a file leaves the old name" if os.path.exists(third) else ""
