"""What was written, and what of it an fsync has brought to the disk.

It is strict, as POSIX is: fsync of a file keeps its content and mode, and no name; fsync of a folder keeps the names in
it, and nobody's content. A rename is kept whole, by an fsync of either folder.
"""

from __future__ import annotations

import itertools
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

Tree = dict[str, tuple[int, int, bytes]]
"""Inode, mode, and content or target, by path; a folder stands before what is in it."""
EVERYTHING, CONTENTS, NAMES = "names and contents", "contents", "names"
ROOT = 1


@dataclass
class Node:
    """A file, folder or link; `kept_*` is what an fsync has brought to the disk."""

    ino: int
    mode: int
    content: bytearray = field(default_factory=bytearray)
    names: dict[str, int] = field(default_factory=dict)
    links: int = 1
    changed_ns: int = field(default_factory=time.time_ns)
    meta_ns: int = field(default_factory=time.time_ns)
    kept_content: bytes = b""
    kept_mode: int = 0
    kept_names: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What is new has its mode, and a link its target: they come with the name."""
        self.kept_mode = self.mode

    def touch(self) -> None:
        """Its content has changed."""
        self.changed_ns = self.meta_ns = time.time_ns()


class Memory:
    """All nodes, and which changes of names no fsync has kept yet."""

    def __init__(self) -> None:
        self.nodes = {ROOT: Node(ROOT, stat.S_IFDIR | 0o700)}
        self.pending: list[list[tuple[int, str, int | None]]] = []
        self._numbers = itertools.count(2)

    def born(self, mode: int, content: bytes = b"") -> Node:
        """A new node, without a name."""
        node = Node(next(self._numbers), mode, bytearray(content))
        self.nodes[node.ino] = node
        return node

    def name(self, *changes: tuple[int, str, int | None]) -> None:
        """Names that come and go together."""
        for folder, name, ino in changes:
            names = self.nodes[folder].names
            names.pop(name, None)
            if ino is not None:
                names[name] = ino
            self.nodes[folder].touch()
        self.pending.append(list(changes))

    def sync_file(self, node: Node) -> None:
        """fsync(2) of a file."""
        node.kept_content, node.kept_mode = bytes(node.content), node.mode

    def sync_folder(self, folder: Node) -> None:
        """fsync(2) of a folder."""
        folder.kept_mode = folder.mode
        left: list[list[tuple[int, str, int | None]]] = []
        for changes in self.pending:
            if all(where != folder.ino for where, _, _ in changes):
                left.append(changes)
                continue
            for where, name, ino in changes:
                self.nodes[where].kept_names.pop(name, None)
                if ino is not None:
                    self.nodes[where].kept_names[name] = ino
                for earlier in left:  # what came before is no longer to be done
                    earlier[:] = [change for change in earlier if change[:2] != (where, name)]
        self.pending = [changes for changes in left if changes]

    def settle(self) -> None:
        """Everything is on the disk."""
        self.pending.clear()
        for node in self.nodes.values():
            self.sync_file(node)
            node.kept_names = dict(node.names)

    def recalled(self, forgotten: str) -> Tree:
        """What is found after a power cut that forgets so much."""
        return dict(self._below(self.nodes[ROOT], "", forgotten))

    def _below(self, folder: Node, path: str, forgotten: str) -> Iterator[tuple[str, tuple[int, int, bytes]]]:
        for name, ino in (folder.names if forgotten == CONTENTS else folder.kept_names).items():
            node = self.nodes[ino]
            whole = forgotten == NAMES or stat.S_ISLNK(node.mode)
            content = bytes(node.content) if whole else node.kept_content
            yield path + name, (ino, node.mode if whole else node.kept_mode, content)
            yield from self._below(node, f"{path}{name}/", forgotten)
