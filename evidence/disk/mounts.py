"""Small file systems in files: made, mounted by loop devices, and copied while they are mounted.

The file lies in memory, so what the mounted file system has not written yet is not in it: a copy of the file is what
a power cut would leave. It needs root, loop devices, and the programs that make file systems.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 16
CLONE_NEWNS = 0x00020000
MEBI = 1 << 20


@dataclass(frozen=True)
class FileSystem:
    """How one is made and mounted."""

    name: str
    make: tuple[str, ...]
    size: int
    options: str = ""

    @property
    def kind(self) -> str:
        """As mount(8) names it."""
        return self.name.split()[0]


EXT4 = ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0")
FILE_SYSTEMS = (
    FileSystem("ext4", EXT4, 32 * MEBI),
    FileSystem("ext4 data=writeback", EXT4, 32 * MEBI, "data=writeback"),
    FileSystem("xfs", ("mkfs.xfs", "-q", "-f"), 300 * MEBI),
    FileSystem("btrfs", ("mkfs.btrfs", "-q", "-f"), 128 * MEBI),
)


def missing(system: FileSystem, place: Path) -> str:
    """Empty, or why this one cannot be had here."""
    if os.geteuid() != 0:
        return "it needs root"
    if shutil.which(system.make[0]) is None:
        return f"there is no {system.make[0]}"
    disk = Disk(system, place / "probe")
    try:
        disk.make()
        disk.mount()
        disk.unmount()
    except (OSError, subprocess.CalledProcessError) as wrong:
        said = getattr(wrong, "stderr", None) or wrong
        return f"it cannot be mounted here: {str(said).strip()}"
    finally:
        shutil.rmtree(disk.place, ignore_errors=True)
    return ""


def private() -> None:
    """What this process mounts is its own, and ends with it. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _run("mount", "--make-rprivate", "/")


@dataclass(frozen=True)
class Image:
    """What a file held: its parts that are not zero."""

    size: int
    parts: tuple[tuple[int, bytes], ...]

    @property
    def digest(self) -> bytes:
        """The same for the same content."""
        found = hashlib.sha1(usedforsecurity=False)
        for offset, data in self.parts:
            found.update(b"%d:" % offset + data)
        return found.digest()


class Disk:
    """One file system in one file, mounted at one place."""

    def __init__(self, system: FileSystem, place: Path) -> None:
        self.system, self.place = system, place
        self.file, self.mounted = place / "disk.img", place / "mnt"

    def make(self) -> None:
        """A new one. Raises CalledProcessError."""
        self.mounted.mkdir(parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        with self.file.open("wb") as file:
            file.truncate(self.system.size)
        _run(*self.system.make, str(self.file))
        _run("fallocate", "--dig-holes", str(self.file))

    def mount(self) -> None:
        """Mount it, whatever has to be replayed first. Raises CalledProcessError."""
        if self.system.kind == "btrfs":  # it remembers, by its id, where a file system was seen last
            _run("btrfs", "device", "scan", "--forget")
        options = ",".join(part for part in ("loop", self.system.options) if part)
        _run("mount", "-t", self.system.kind, "-o", options, str(self.file), str(self.mounted))

    def unmount(self) -> None:
        """And wait until the file is let go. Raises CalledProcessError."""
        _run("umount", str(self.mounted))

    def image(self) -> Image:
        """What the file holds now."""
        parts = []
        descriptor = os.open(self.file, os.O_RDONLY)
        try:
            end = 0
            while True:
                try:
                    start = os.lseek(descriptor, end, os.SEEK_DATA)
                except OSError:  # no more data
                    break
                end = os.lseek(descriptor, start, os.SEEK_HOLE)
                for offset in range(start, end, CHUNK):
                    data = os.pread(descriptor, min(CHUNK, end - offset), offset)
                    if data.strip(b"\0"):
                        parts.append((offset, data))
        finally:
            os.close(descriptor)
        return Image(self.system.size, tuple(parts))

    def put(self, image: Image) -> None:
        """Let the file hold this."""
        self.file.unlink(missing_ok=True)
        with self.file.open("wb") as file:
            file.truncate(image.size)
            for offset, data in image.parts:
                os.pwrite(file.fileno(), data, offset)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)
