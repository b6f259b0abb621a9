"""The file system that forgets, as a Disk of disk/mounts.py is: mounted, recalled at a moment, and put back."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import stat
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from disk.unsynced import Tree

HERE = Path(__file__).parent.parent
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Recalled:
    """What a power cut leaves at one moment, by what it forgets."""

    trees: dict[str, Tree]

    @property
    def digest(self) -> bytes:
        """The same for the same content."""
        return hashlib.sha1(pickle.dumps(self.trees), usedforsecurity=False).digest()


class Oblivion:
    """One such file system below one folder; what this process mounts must be its own (mounts.private)."""

    def __init__(self, place: Path) -> None:
        self.mounted = place / "mnt"
        self._server: subprocess.Popen[bytes] | None = None

    def mount(self) -> None:
        """An empty one. Raises OSError where there is no FUSE, or none for this user."""
        self.mounted.mkdir(parents=True, exist_ok=True)
        words = (sys.executable, "-m", "disk.forgetful", str(self.mounted))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._server = subprocess.Popen(words, cwd=HERE, **pipes)
        try:
            self._answer()
        except EOFError:
            said = self._server.communicate(timeout=PATIENCE_SECONDS)[1].decode().strip()
            raise OSError(said.rpartition("\n")[2]) from None

    def unmount(self) -> None:
        """And forget everything."""
        assert self._server is not None
        self._server.communicate(timeout=PATIENCE_SECONDS)

    def settle(self) -> None:
        """Everything is on the disk, as after a long time."""
        self._ask(b"settle\n")

    def image(self) -> Recalled:
        """What a power cut would leave now."""
        return Recalled(pickle.loads(self._ask(b"recall\n")))

    def put(self, tree: Tree) -> None:
        """Make the folder, with nothing mounted on it, hold this."""
        shutil.rmtree(self.mounted, ignore_errors=True)
        self.mounted.mkdir()
        first: dict[int, str] = {}
        for name, (ino, mode, content) in tree.items():
            path = f"{self.mounted}/{name}"
            if stat.S_ISDIR(mode):
                os.mkdir(path)
            elif stat.S_ISLNK(mode):
                os.symlink(content, path)
            elif ino in first:
                os.link(first[ino], path)
            else:
                first[ino] = path
                Path(path).write_bytes(content)
        for name, (_, mode, _) in reversed(tree.items()):
            if not stat.S_ISLNK(mode):
                os.chmod(f"{self.mounted}/{name}", stat.S_IMODE(mode))

    def _ask(self, word: bytes) -> bytes:
        assert self._server is not None and self._server.stdin is not None
        self._server.stdin.write(word)
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> bytes:
        assert self._server is not None and self._server.stdout is not None
        head = self._server.stdout.read(8)
        if len(head) < 8:
            raise EOFError
        return self._server.stdout.read(struct.unpack("<Q", head)[0])
