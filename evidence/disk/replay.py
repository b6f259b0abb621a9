"""From the calls that commands made to operations on a tree, in the order in which they took place.

The tree is followed as the commands saw it, so that paths lead to inodes. What the commands left must be what the
tree holds in the end (`Replay.tree` against tree.read): a call of which nothing is known here would show there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from disk.calls import Call, Ended
from disk.tree import Tree

OPEN_CALLS = ("open", "openat", "creat")
NAME_CALLS = ("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir")
DATA_CALLS = ("write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate")
SYNC_CALLS = ("fsync", "fdatasync", "sync", "syncfs")
MODE_CALLS = ("chmod", "fchmod", "fchmodat")
OTHER_CALLS = ("symlink", "symlinkat", "copy_file_range", "sendfile", "splice", "mknod", "mknodat")
CHANGING = (*NAME_CALLS, *DATA_CALLS, *SYNC_CALLS)
TRACED = (*OPEN_CALLS, *CHANGING, *MODE_CALLS, *OTHER_CALLS)
UMASK = 0o022


@dataclass(frozen=True)
class Names:
    """A step in folders: (folder, name, the inode it stands for from now on or None), all at once."""

    entries: tuple[tuple[int, str, int | None], ...]
    what: str


@dataclass(frozen=True)
class Data:
    """`data` written at `offset`; or, where it is None, the file made `offset` bytes long."""

    inode: int
    offset: int
    data: bytes | None
    what: str

    def applied(self, content: bytes) -> bytes:
        """The content after it."""
        if self.data is None:
            return content[: self.offset].ljust(self.offset, b"\0")
        return content[: self.offset].ljust(self.offset, b"\0") + self.data + content[self.offset + len(self.data) :]


@dataclass(frozen=True)
class Mode:
    """Who may do what with a file or folder: taken to be on the disk at once, since nothing hangs on it."""

    inode: int
    mode: int
    what: str


@dataclass(frozen=True)
class Sync:
    """fsync of a file or a folder has returned."""

    inode: int
    what: str


@dataclass(frozen=True)
class SyncAll:
    """Everything has reached the disk: sync, syncfs, or time has passed."""

    what: str = "everything is on the disk"


@dataclass(frozen=True)
class Said:
    """A command wrote to its stdout: from here on somebody may know."""

    text: bytes
    what: str = "it said so"


Operation = Names | Data | Mode | Sync | SyncAll | Said


@dataclass
class _Opened:
    inode: int
    at: int | None
    """Where the next write goes; None: to the end."""


class Replay:
    """Follows commands that work below one folder."""

    def __init__(self, root: str, start: Tree) -> None:
        self.root = root.encode()
        self.tree = start.copy()
        self.operations: list[Operation] = []
        self._next = max((*start.folders, *start.files), default=0) + 1
        self._opened: dict[int, _Opened] = {}

    def follow(self, found: Iterable[Call | Ended]) -> None:
        """Go on with what one command did. Raises ValueError for a call that is not understood."""
        self._opened.clear()  # descriptors of the command before
        for call in found:
            if isinstance(call, Call):
                self._follow(call)

    def settle(self) -> None:
        """Everything so far is on the disk."""
        self.operations.append(SyncAll())

    def catch_up(self, found: Tree) -> None:
        """Files that a person has removed meanwhile are gone, for good."""
        for path, _ in list(self.tree.walk()):
            if found.find(path) is None:
                folder, name = self._place(path)
                self._step(f"removed: {path}", (folder, name, None))
                self.operations.append(Sync(folder, "for good"))

    def _follow(self, call: Call) -> None:
        name = call.name
        if name in OPEN_CALLS:
            self._opens(call)
        elif name in NAME_CALLS:
            self._names(call)
        elif name in ("sync", "syncfs"):
            self.operations.append(SyncAll(name))
        elif name in SYNC_CALLS:
            inode = self._inode(call)
            if inode is not None:
                self.operations.append(Sync(inode, self._what(call)))
        elif name in DATA_CALLS:
            self._writes(call)
        elif name in MODE_CALLS:
            inode = self._inode(call)
            if inode is not None:
                mode = int(call.words.split(", ")[1 if name != "fchmodat" else 2], 8)
                self.operations.append(Mode(inode, mode, f"chmod {mode:o}"))
        elif any(self._inside(path) is not None for path in (*call.strings, *_paths(call))):
            raise ValueError(f"what {name} does is not known here")

    def _opens(self, call: Call) -> None:
        path = self._path(call, 0)
        if path is None or call.opened is None:
            return
        inode = self.tree.find(path)
        if inode is None:
            if call.name != "creat" and "O_CREAT" not in call.words:
                raise ValueError(f"opened, but not known: {path}")
            inode = self._new(path, call, f"create {path}")
            self.tree.files[inode] = b""
        elif "O_TRUNC" in call.words or call.name == "creat":
            self._change(Data(inode, 0, None, f"truncate {path}"))
        self._opened[call.opened[0]] = _Opened(inode, None if "O_APPEND" in call.words else 0)

    def _names(self, call: Call) -> None:
        paths = [self._path(call, position) for position in range(len(call.strings))]
        if paths[0] is None or paths[-1] is None:
            if any(paths):
                raise ValueError(f"{call.name} across the border: {paths}")
            return
        first, last = paths[0], paths[-1]
        if call.name.startswith("mkdir"):
            inode = self._new(first, call, f"mkdir {first}")
            self.tree.folders[inode] = {}
        elif call.name.startswith("link"):
            self._step(f"link {first} -> {last}", (*self._place(last), self._known(first)))
        elif call.name.startswith("rename"):
            self._step(
                f"rename {first} -> {last}", (*self._place(first), None), (*self._place(last), self._known(first))
            )
        else:
            self._step(f"{call.name} {first}", (*self._place(first), None))

    def _writes(self, call: Call) -> None:
        descriptor = call.descriptors[0][0] if call.descriptors else -1
        if call.name == "write" and descriptor == 1:
            self.operations.append(Said(call.strings[0]))
            return
        inode = self._inode(call)
        if inode is None:
            return
        what, data = self._what(call), b"".join(call.strings)[: call.result]
        if call.name in ("ftruncate", "truncate"):
            self._change(Data(inode, call.number(-1), None, what))
        elif call.name == "pwrite64":
            self._change(Data(inode, call.number(-1), data, what))
        elif call.name in ("write", "writev"):
            opened = self._opened[descriptor]
            offset = len(self.tree.files[inode]) if opened.at is None else opened.at
            self._change(Data(inode, offset, data, what))
            if opened.at is not None:
                opened.at += len(data)
        else:
            raise ValueError(f"what {call.name} does is not known here")

    def _change(self, change: Data) -> None:
        self.tree.files[change.inode] = change.applied(self.tree.files[change.inode])
        self.operations.append(change)

    def _step(self, what: str, *entries: tuple[int, str, int | None]) -> None:
        for folder, name, inode in entries:
            if inode is None:
                self.tree.folders[folder].pop(name, None)
            else:
                self.tree.folders[folder][name] = inode
        self.operations.append(Names(entries, what))

    def _new(self, path: str, call: Call, what: str) -> int:
        inode, self._next = self._next, self._next + 1
        self.tree.modes[inode] = int(call.words.split(", ")[-1], 8) & ~UMASK
        self._step(what, (*self._place(path), inode))
        return inode

    def _place(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        return self._known(folder), name

    def _known(self, path: str) -> int:
        inode = self.tree.find(path)
        if inode is None:
            raise ValueError(f"not known: {path}")
        return inode

    def _what(self, call: Call) -> str:
        path = self._inside(call.descriptors[0][1] or b"") if call.descriptors else None
        return f"{call.name} {path if path is not None else 'a file without a name'}"

    def _inode(self, call: Call) -> int | None:
        """What a call on a descriptor, or on a path, is about; None if it lies elsewhere."""
        if call.name in ("chmod", "truncate", "fchmodat"):
            path = self._path(call, 0)
            return None if path is None else self._known(path)
        number, named = call.descriptors[0]
        if named is None:
            return self._opened[number].inode if number in self._opened else None
        path = self._inside(named)
        if path is None:
            return None
        inode = self.tree.find(path)
        if inode is None:
            raise ValueError(f"not known: {path}")
        return inode

    def _path(self, call: Call, position: int) -> str | None:
        """A path among the arguments, relative to the root; None if it lies elsewhere."""
        path = call.strings[position]
        if not path.startswith(b"/"):
            folders = [named for number, named in call.descriptors if named is not None]
            if not folders:
                raise ValueError(f"{call.name}: relative to what? {path!r}")
            path = folders[min(position, len(folders) - 1)] + b"/" + path
        return self._inside(path)

    def _inside(self, path: bytes) -> str | None:
        path = os.path.normpath(path)
        if path != self.root and not path.startswith(self.root + b"/"):
            return None
        return path[len(self.root) + 1 :].decode("utf-8", "surrogateescape")


def _paths(call: Call) -> list[bytes]:
    return [named for _, named in call.descriptors if named is not None]
