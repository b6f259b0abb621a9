"""Timing children and summing up samples.

One call is one child process. Its CPU time comes from wait4(2), in nanoseconds of the scheduler, so it is exact to
far less than a clock tick; wall time is what a person waits, and is only as quiet as the machine.
"""

from __future__ import annotations

import fcntl
import os
import statistics
import subprocess
import time
from typing import NamedTuple


class Run(NamedTuple):
    """One finished child. Seconds."""

    wall: float
    cpu: float
    out: str
    code: int


def run(argv: list[str], *, folder: str, env: dict[str, str], check: bool = True) -> Run:
    """Run a child to its end. Raises RuntimeError with its last words if it fails and `check`."""
    started = time.perf_counter()
    child = subprocess.Popen(
        argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout and child.stderr
    out, err = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.stdout.close()
    child.stderr.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if check and child.returncode:
        raise RuntimeError(f"{' '.join(argv)} exited {child.returncode}: {err.decode(errors='replace')[-500:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, out.decode(errors="replace"), child.returncode)


def hold_steady(level: int, pid: int = 0) -> None:
    """Give a process, and what it starts from now on, real-time priority. Raises PermissionError."""
    os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(level))


def is_steady() -> bool:
    """Whether this process has real-time priority."""
    return os.sched_getscheduler(0) == os.SCHED_RR


def cpu_of(pid: int) -> float:
    """CPU seconds of a living process and its threads so far: its CPU clock, named as clock_getcpuclockid(3) does."""
    return time.clock_gettime(((~pid) << 3) | 2)


def new_file_and_fsync(folder: str) -> float:
    """F: one new file of one byte and its fsync, in seconds."""
    path = f"{folder}/f-{os.urandom(6).hex()}"
    started = time.perf_counter()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(descriptor, b"x")
    os.fsync(descriptor)
    os.close(descriptor)
    taken = time.perf_counter() - started
    os.unlink(path)
    return taken


def flock(folder: str) -> float:
    """A folder opened, locked with flock(2) and closed, in seconds."""
    started = time.perf_counter()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    return time.perf_counter() - started


def percentile(samples: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def median(samples: list[float]) -> float:
    """The middle."""
    return statistics.median(samples)


def summary(samples: list[float]) -> dict[str, float]:
    """Median and spread."""
    return {
        "n": len(samples),
        "median": median(samples),
        "p25": percentile(samples, 0.25),
        "p75": percentile(samples, 0.75),
        "p99": percentile(samples, 0.99),
        "min": min(samples),
        "max": max(samples),
    }


def ratio(above: list[float], below: list[float], blocks: int = 5) -> tuple[float, float, float]:
    """The ratio of two medians, and the lowest and highest over consecutive blocks of the run, or of few samples."""
    whole = median(above) / median(below)
    few = min(len(above), len(below))
    blocks = few if few < 10 else min(blocks, few // 2)
    size = few // blocks
    parts = [
        median(above[start : start + size]) / median(below[start : start + size])
        for start in range(0, size * blocks, size)
    ]
    return whole, min(parts), max(parts)
