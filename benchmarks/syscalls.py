"""Counts of system calls, by strace: what no load moves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time

SYNCS = ("fsync", "fdatasync", "syncfs", "sync", "sync_file_range", "msync")
TRACED = ",".join((*SYNCS, "flock", "close"))


def total(argv: list[str], *, folder: str, env: dict[str, str]) -> tuple[int, str]:
    """All system calls of one command, its children's too; and what it printed."""
    with tempfile.NamedTemporaryFile("r") as report:
        done = subprocess.run(
            ["strace", "-f", "-c", "-o", report.name, *argv],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return sum(_table(report.read()).values()), done.stdout


def syncs(argv: list[str], *, folder: str, env: dict[str, str]) -> tuple[int, int, str]:
    """(fsyncs and their like, those of them under an exclusive flock, what it printed) of one command."""
    with tempfile.NamedTemporaryFile("r") as report:
        done = subprocess.run(
            ["strace", "-f", "-e", f"trace={TRACED}", "-o", report.name, *argv],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        lines = report.read().splitlines()
    count = under = 0
    held: set[str] = set()
    for line in lines:
        found = re.match(r"\d+ +(\w+)\((\d+)?(.*)", line)
        if found is None:
            continue
        name, descriptor, rest = found[1], found[2] or "", found[3]
        if name in SYNCS and "= 0" in rest:
            count, under = count + 1, under + bool(held)
        elif name == "flock" and "LOCK_EX" in rest and "= 0" in rest:
            held.add(descriptor)
        elif name == "close" or (name == "flock" and "LOCK_UN" in rest):
            held.discard(descriptor)
    return count, under, done.stdout


def while_idle(pid: int, seconds: float) -> dict[str, int]:
    """The system calls that a living process ends within some seconds, by name."""
    with tempfile.NamedTemporaryFile("r") as report:
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-o", report.name, "-p", str(pid)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert tracer.stderr
        os.read(tracer.stderr.fileno(), 1)  # "Process 123 attached"
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
        return _table(report.read())


def _table(text: str) -> dict[str, int]:
    calls: dict[str, int] = {}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) >= 5 and parts[3].isdigit() and parts[-1] != "total":
            calls[parts[-1]] = calls.get(parts[-1], 0) + int(parts[3])
    return calls
