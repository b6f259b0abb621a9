"""The user's files: read with care, replaced in one step, with their mode and owner. Links are followed."""

from __future__ import annotations

import os
import stat

from agent_lanes import durability
from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import of_system
from agent_lanes.newborn import Newborn
from agent_lanes.setup.piece import PROJECT, ByHand, Scope

LARGEST_BYTES = 32 << 20
READ_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class Content(Frozen):
    """What a file says, or None where it is not there."""

    text: str | None = None
    mode: int = 0o666  # of a new one: what the umask leaves of it
    owner: tuple[int, int] | None = None


def read(path: str, scope: Scope) -> Content:
    """Raises ByHand where it is none to change; NotAllowed, StorageFailed."""
    target = os.path.realpath(path)
    if not is_utf8(target):
        raise ByHand("its name is not UTF-8")
    if scope.name == PROJECT and not target.startswith(os.path.realpath(scope.folder).rstrip("/") + "/"):
        raise ByHand(f"it is a link that leads out of the project, to {target}")
    try:
        descriptor = os.open(target, READ_FLAGS)
    except FileNotFoundError:
        if os.path.lexists(path) and os.path.islink(path):
            raise ByHand("it is a link that leads nowhere") from None
        return Content()
    except NotADirectoryError:
        raise ByHand("a file stands where a folder should be") from None
    except OSError as wrong:
        raise of_system(f"cannot read {path}: {wrong.strerror}", wrong) from wrong
    try:
        status = os.fstat(descriptor)
        _suited(status)
        data = _all(descriptor, status.st_size)
    finally:
        os.close(descriptor)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ByHand("it is not UTF-8") from None
    return Content(text=text, mode=stat.S_IMODE(status.st_mode), owner=(status.st_uid, status.st_gid))


def write(path: str, text: str, was: Content) -> None:
    """Replace or make a file, and the folders above it. Raises NotAllowed, StorageFailed."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder, exist_ok=True)
        with Newborn(folder, 0o600 if was.owner else was.mode) as born:
            if was.owner:
                _like(born.descriptor, was)
            born.write(text.encode("utf-8"), durable=True)
            os.rename(born.path, target)
        durability.sync_folders(folder)
    except OSError as wrong:
        raise of_system(f"cannot write {path}: {wrong.strerror}", wrong) from wrong


def remove(path: str) -> None:
    """Remove a file. Raises NotAllowed, StorageFailed."""
    try:
        os.unlink(os.path.realpath(path))
    except FileNotFoundError:
        pass
    except OSError as wrong:
        raise of_system(f"cannot remove {path}: {wrong.strerror}", wrong) from wrong


def is_utf8(path: str) -> bool:
    """Whether a path can be written down."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _suited(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ByHand("it is not a regular file")
    if status.st_nlink > 1:  # a rename would leave the other names with the old content
        raise ByHand("it has several names (hard links)")
    if status.st_size > LARGEST_BYTES:
        raise ByHand(f"it has more than {LARGEST_BYTES >> 20} MiB")
    if os.geteuid() not in (0, status.st_uid):
        raise ByHand("it belongs to another user")


def _all(descriptor: int, size: int) -> bytes:
    parts = []
    while part := os.read(descriptor, size + 1):
        parts.append(part)
    return b"".join(parts)


def _like(descriptor: int, was: Content) -> None:
    """Owner and mode of the file that is replaced; who may not give files away keeps his own group."""
    made = os.fstat(descriptor)
    if was.owner and was.owner != (made.st_uid, made.st_gid):
        try:
            os.fchown(descriptor, *was.owner)
        except PermissionError:
            pass
    os.fchmod(descriptor, was.mode)
