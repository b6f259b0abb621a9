"""A change that is killed in process: from one call to the system on, nothing it does takes effect any more.

What runs on the way out (finally, except) finds every call refused, as if it were not run; the files that were open
are closed then, and with them the locks go, as the kernel does it. tests/backends/files/sweep.py does the same with a
process of its own, which is slower.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CALLS = (
    *("open", "read", "write", "pread", "pwrite", "fsync", "close", "ftruncate", "fstat", "stat", "lstat", "listdir"),
    *("rename", "link", "unlink", "mkdir", "rmdir", "utime", "chmod", "readlink", "scandir"),
)


class Killed(BaseException):
    """Nothing may catch it."""


class Process:
    """What became of it."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.dead = False
        self.open: set[int] = set()


@contextmanager
def killed_after(calls: int) -> Iterator[Process]:
    """Inside the block so many calls to the system are made, and no more."""
    process = Process(calls)
    originals: list[tuple[Any, str, Any]] = [(os, name, getattr(os, name)) for name in CALLS]
    originals.append((fcntl, "flock", fcntl.flock))

    def counted(name: str, original: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            if process.left <= 0:
                process.dead = True
                raise Killed
            process.left -= 1
            result = original(*args, **options)
            if name == "open":
                process.open.add(result)
            elif name == "close":
                process.open.discard(args[0])
            return result

        return call

    try:
        for place, name, original in originals:
            setattr(place, name, counted(name, original))
        yield process
    except Killed:
        pass
    finally:
        for place, name, original in originals:
            setattr(place, name, original)
        for descriptor in process.open if process.dead else ():
            os.close(descriptor)
