"""Is a file system fit for a store? Not one of the network; the rest is tried, not guessed: on a few files."""

from __future__ import annotations

import fcntl
import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic, mounts
from agent_lanes.errors import StorageFailed

ALLOW = "AGENT_LANES_ALLOW_NETWORK"
TRIED = ("a", "b", "c")  # files of the trial


def allowed() -> bool:
    """Whether a network file system was asked for by the environment."""
    return os.environ.get(ALLOW) == "1"


def fit(folder: str, *, network: bool = False) -> None:
    """Nothing, if a store may lie in this folder, or in one of this name; nothing is left there.

    With `network`, a network file system is as good as another. Raises StorageFailed that says why not, NotAllowed.
    """
    nearest = folder
    while not os.path.isdir(nearest):
        nearest = os.path.dirname(nearest) or "/"
    local(nearest, folder, mounts.mountinfo(), network=network)
    try_out(os.path.join(nearest, f".agent-lanes-{chance(16)}"), folder)


def fit_new(root: str, tmp: str, *, network: bool) -> None:
    """The same for a store that is about to be made, in its own tmp/; what was made is removed if it is not fit.

    Raises StorageFailed, NotAllowed, OSError.
    """
    new, nearest = [], tmp
    while not os.path.isdir(nearest):
        new.append(nearest)
        nearest = os.path.dirname(nearest) or "/"
    local(nearest, root, mounts.mountinfo(), network=network)
    try:
        atomic.make_folder(tmp)
        try_out(f"{tmp}/{chance(16)}", root)
    except BaseException:
        for folder in new:
            try:
                os.rmdir(folder)
            except OSError:  # somebody else uses it by now
                break
        raise


def try_out(base: str, folder: str) -> None:
    """Try locks, links and renames in a new folder `base`, and remove it. Raises StorageFailed, NotAllowed."""
    with atomic.storage(f"this folder cannot hold a queue: {folder}"):
        os.mkdir(base, 0o700)
        try:
            problem = _problem(base)
        except FileNotFoundError:
            return  # swept or replaced under us: that says nothing about the file system
        except OSError as wrong:
            problem = f"{wrong.strerror} ({wrong.filename})"
        finally:
            for name in TRIED:
                atomic.discard(f"{base}/{name}")
            _remove(base)
    if problem:
        raise _unfit(problem, folder)


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except FileNotFoundError:  # swept or replaced under us
        pass


def local(nearest: str, folder: str, mountinfo: str, *, network: bool) -> None:
    """Refuse a network file system that was not asked for. Raises StorageFailed."""
    kind = mounts.kind_of(os.path.realpath(nearest), mountinfo)
    if kind in mounts.NETWORK and not (network or allowed()):
        raise _unfit(
            f"it lies on a network file system ({kind}), where locks and renames may not hold",
            folder,
            f"use a local disk; if only this machine uses the queue: init --allow-network, or {ALLOW}=1",
        )


def _unfit(
    problem: str,
    folder: str,
    hint: str = "use a local file system (ext4, xfs, btrfs, apfs); --queue-root names another folder",
) -> StorageFailed:
    return StorageFailed(f"this folder cannot hold a queue: {problem}: {folder}", hint=hint)


def _problem(base: str) -> str:
    first, second, third = (f"{base}/{name}" for name in TRIED)
    one = os.open(first, os.O_RDWR | os.O_CREAT, 0o600)
    two = -1
    try:
        two = os.open(first, os.O_RDWR)
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "two processes could hold the same lock"
        except BlockingIOError:
            pass
    finally:
        for descriptor in (one, two):
            if descriptor >= 0:
                os.close(descriptor)
    os.link(first, second)
    try:
        os.link(first, second)
        return "a link replaces an existing file"
    except FileExistsError:
        pass
    os.close(os.open(third, os.O_WRONLY | os.O_CREAT, 0o600))
    os.rename(third, second)
    return "a rename over a file leaves the old name" if os.path.exists(third) else ""
