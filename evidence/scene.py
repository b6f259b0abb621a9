"""A project with a queue, which can be put back to what it was, and the real command in it.

    scene = Scene(folder)          an empty project and an empty home
    scene.run("submit", ...)       the installed command, in a process of its own
    kept = scene.keep()            everything below the folder, in memory
    scene.put_back(kept)           only what differs is written, so that what was not changed stays the same file

What is put back keeps its absolute path: a store names the files of its workspace by theirs.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from within import called

PROGRAM = str(Path(sys.executable).parent / "agent-lanes")
PATIENCE_SECONDS = 120  # who takes longer hangs: an error, never a measurement

CHANCE = (  # what differs between two runs that do the same
    (re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"), b"TIME"),
    (re.compile(rb"\d{8}T\d{12}Z"), b"TIME"),
    (re.compile(rb"/tmp/\d{18}-"), b"/tmp/AT-"),
    (re.compile(rb"\b\d{18}\b"), b"AT"),
    (re.compile(rb"\b0[0-9a-f]{11}(?=/AT)"), b"BUCKET"),
    (re.compile(rb"\b[0-9a-f]{16,64}\b"), b"HEX"),
    (re.compile(rb"(?<=-)[0-9a-f]{12}\b"), b"HEX"),
    (re.compile(rb'(?<=_us": )\d+'), b"AT"),
    (re.compile(rb"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), b"BOOT"),
    (re.compile(rb"\.\d+\.(?=new\b|[0-9a-f]{8}\b)"), b".PID."),
    (re.compile(rb"(?<=\.)[0-9a-f]{4}\b|(?<=\.)[0-9a-f]{8}\b"), b"HEX"),
)


@functools.lru_cache(maxsize=20_000)
def plain(text: bytes) -> bytes:
    """A text without what chance and the clock put into it."""
    for pattern, word in CHANCE:
        text = pattern.sub(word, text)
    return text


@dataclass(frozen=True)
class Ended:
    """What one call did."""

    code: int
    out: bytes
    err: bytes

    def __str__(self) -> str:
        return f"exit code {self.code}, {self.err.decode(errors='replace').strip()!r}"

    @property
    def said(self) -> str:
        """Everything it said."""
        return (self.out + self.err).decode(errors="replace")

    @property
    def values(self) -> dict[str, str]:
        """stdout, as far as it is `key=value` lines."""
        lines = self.out.decode(errors="replace").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@dataclass(frozen=True)
class Item:
    """One file, folder or link. The times of a file count only where it must be old."""

    mode: int
    content: bytes = b""
    changed_ns: int = 0


Kept = dict[str, Item]
Known = dict[tuple[str, tuple[int, ...]], Item]  # what was read of a file that has not changed since


@dataclass
class Scene:
    """A project and a home of its own below one folder."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    _known: Known = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing of the caller's environment reaches a command, and the order of its sets is always the same."""
        self.project, self.home = self.root / "project", self.root / "home"
        for folder in (self.project, self.home):
            folder.mkdir(parents=True, exist_ok=True)
        cache = str(self.home / ".cache")
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": cache, "PATH": os.environ["PATH"]}
        self.environment = {**own, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", **self.environment}

    @property
    def store(self) -> Path:
        """The state folder of the project's config."""
        return self.project / "handoff" / "state"

    def run(
        self,
        *words: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        started: Callable[[int], None] | None = None,
    ) -> Ended:
        """One call of the installed command, to its end; `before` is what stands in front of it, such as strace.

        One that nothing stands before, and that nobody works beside, is called in this process (within.py), unless its
        environment is another: a library that is to be loaded before it cannot be loaded here.
        """
        if not before and not environment and started is None and threading.current_thread() is threading.main_thread():
            return Ended(*called(words, {**self.environment, **(environment or {})}, self.project, stdin))
        with subprocess.Popen(
            [*before, PROGRAM, *words],
            cwd=self.project,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            if started is not None:
                started(process.pid)
            try:
                out, err = process.communicate(stdin, PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            return Ended(process.returncode, out, err)

    def done(self, *words: str, **how: object) -> Ended:
        """The same, where anything but exit code 0 is a mistake of the experiment."""
        ended = self.run(*words, **how)  # type: ignore[arg-type]
        if ended.code != 0:
            raise AssertionError(f"agent-lanes {' '.join(words)}: {ended}")
        return ended

    def keep(self) -> Kept:
        """Everything below the folder."""
        kept: Kept = {}
        known, self._known = self._known, {}
        self._keep(str(self.root), "", kept, known)
        return kept

    def _keep(self, folder: str, inside: str, kept: Kept, known: Known) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, status = inside + entry.name, entry.stat(follow_symlinks=False)
                stamp = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
                item = known.get((name, stamp)) or _item(entry.path, status)
                kept[name] = self._known[name, stamp] = item
                if stat.S_ISDIR(status.st_mode):
                    self._keep(entry.path, name + "/", kept, known)

    def put_back(self, kept: Kept) -> None:
        """Make everything below the folder what it was."""
        now = self.keep()
        for path in sorted(now.keys() - kept.keys(), reverse=True):
            _remove(self.root / path)
        for path, item in sorted(kept.items()):
            there = now.get(path)
            if there is None or (there.mode, there.content) != (item.mode, item.content):
                _write(self.root / path, item)
            elif there.changed_ns != item.changed_ns and not path.startswith("project/handoff/handoff.yaml"):
                os.utime(self.root / path, ns=(item.changed_ns, item.changed_ns), follow_symlinks=False)


def digest(kept: Kept) -> str:
    """The same for two states that differ in nothing but chance and the clock."""
    lines = sorted(
        plain(os.fsencode(path)) + b"\0%o\0" % item.mode + plain(item.content) for path, item in kept.items()
    )
    return hashlib.sha256(b"\0".join(lines)).hexdigest()


def _item(path: str, status: os.stat_result) -> Item:
    content = b""
    if stat.S_ISREG(status.st_mode):
        content = Path(path).read_bytes()
    elif stat.S_ISLNK(status.st_mode):
        content = os.fsencode(os.readlink(path))
    return Item(status.st_mode, content, status.st_mtime_ns)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, item: Item) -> None:
    if stat.S_ISDIR(item.mode):
        if path.is_symlink() or not path.is_dir():
            _remove(path)
            path.mkdir()
        path.chmod(stat.S_IMODE(item.mode))
        return
    _remove(path)
    if stat.S_ISLNK(item.mode):
        path.symlink_to(os.fsdecode(item.content))
        return
    path.write_bytes(item.content)
    path.chmod(stat.S_IMODE(item.mode))
    os.utime(path, ns=(item.changed_ns, item.changed_ns))
