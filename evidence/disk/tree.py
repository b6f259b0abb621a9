"""Folders, files and names, apart from one another: what a name stands for is a number, as on a disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

ROOT = 0


@dataclass
class Tree:
    """A file system below one folder. Inode 0 is that folder."""

    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    files: dict[int, bytes] = field(default_factory=dict)
    modes: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Tree:
        """Another one, the same; contents are shared, being bytes."""
        return Tree({inode: dict(names) for inode, names in self.folders.items()}, dict(self.files), self.modes)

    def find(self, path: str) -> int | None:
        """The inode that has this path, relative to the root."""
        inode = ROOT
        for name in path.split("/") if path else ():
            names = self.folders.get(inode)
            if names is None or name not in names:
                return None
            inode = names[name]
        return inode

    def walk(self, inode: int = ROOT, path: str = "") -> Iterator[tuple[str, int]]:
        """Every path that can be reached, folders before what is in them."""
        for name, child in sorted(self.folders[inode].items()):
            below = f"{path}/{name}" if path else name
            yield below, child
            if child in self.folders:
                yield from self.walk(child, below)

    def shape(self) -> dict[str, bytes | None]:
        """Every path and its content; None for a folder."""
        return {path: self.files.get(inode) for path, inode in self.walk()}

    def digest(self) -> bytes:
        """The same for the same names, contents and links."""
        found = hashlib.sha1(usedforsecurity=False)
        first: dict[int, str] = {}
        for path, inode in self.walk():
            found.update(path.encode("utf-8", "surrogateescape") + b"\0")
            if inode in self.folders:
                found.update(b"folder")
            elif inode in first:
                found.update(b"link " + first[inode].encode("utf-8", "surrogateescape"))
            else:
                first[inode] = path
                content = self.files[inode]
                found.update(b"%d " % len(content) + content)
        return found.digest()

    def write(self, place: str) -> None:
        """Make it so in a real folder, whatever lies there."""
        empty(place)
        made: dict[int, str] = {}
        for path, inode in self.walk():
            here = f"{place}/{path}"
            if inode in self.folders:
                os.mkdir(here, self.modes.get(inode, 0o755))
            elif inode in made:
                os.link(made[inode], here)
            else:
                made[inode] = here
                descriptor = os.open(here, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self.modes.get(inode, 0o644))
                os.write(descriptor, self.files[inode])
                os.close(descriptor)


def empty(place: str) -> None:
    """Remove all that is in a folder, but not the folder."""
    for entry in os.scandir(place):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def read(place: str) -> Tree:
    """What a real folder holds: folders and files, which is all that a store consists of."""
    tree, seen = Tree(), {os.stat(place).st_ino: ROOT}
    tree.modes[ROOT] = os.stat(place).st_mode & 0o7777
    pending = [(place, ROOT)]
    while pending:
        folder, parent = pending.pop()
        for name in sorted(os.listdir(folder)):
            path = f"{folder}/{name}"
            status = os.stat(path, follow_symlinks=False)
            inode = seen.setdefault(status.st_ino, len(seen))
            tree.folders[parent][name] = inode
            tree.modes[inode] = status.st_mode & 0o7777
            if os.path.isdir(path):
                tree.folders[inode] = {}
                pending.append((path, inode))
            elif inode not in tree.files:
                with open(path, "rb") as file:
                    tree.files[inode] = file.read()
    return tree
