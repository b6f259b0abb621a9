"""A lock in the hands of a process that does not go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), getattr(fcntl, sys.argv[2]))
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def stopped_with(path: Path, operation: str = "LOCK_EX") -> Iterator[int]:
    """A process that was stopped while it holds a flock on this file or folder."""
    words = [sys.executable, "-c", HOLDER, str(path), operation]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield process.pid
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.communicate()
