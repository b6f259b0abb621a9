"""Blocked waits: starting one, knowing that it is blocked, timing the first byte that it prints.

This build is blocked once it watches a folder of the store and its main thread sleeps; 0.1.1 polls, and counts as
blocked once it has slept for the first time. A sample begins at a random moment of its poll.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import time

from builds import Build
from measure import hold_steady, is_steady
from stores import Workspace

TRIES, PATIENCE_SECONDS = 6, 10.0
LONGEST_POLL_SECONDS = 0.1
READ = "0"
# Real-time priorities of run.py --steady: as if who is woken, and who looks at it, had processors of their own.
STEADY, WOKEN, OBSERVER = 10, 20, 30
SLEEPS = {
    "35",
    "230",
    "7",
    "23",
    "232",
    "202",
    "270",
    "271",
    "281",
    "128",
}  # nanosleep, poll, select, futex, rt_sigtimedwait ... on x86-64


class Wait:
    """One command that blocks, in a workspace."""

    def __init__(self, space: Workspace, *words: str, before: tuple[str, ...] = ()) -> None:
        self.space, self.argv = space, [*before, space.build.command, *words]
        self._start()

    def _start(self) -> None:
        self.child = subprocess.Popen(
            self.argv,
            cwd=self.space.folder,
            env=self.space.build.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self.child.pid

    def until_blocked(self) -> Wait:
        """Return once it is blocked. Raises RuntimeError if it ends instead, or polls because no watch is left."""
        for _ in range(TRIES):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:
                if self.child.poll() is not None:
                    raise RuntimeError(f"{self.space.build.key}: a wait ended at once: {self.rest()[:300]!r}")
                if self._sleeps():
                    for thread in os.listdir(f"/proc/{self.pid}/task") if is_steady() else ():
                        hold_steady(WOKEN, int(thread))
                    time.sleep(random.uniform(0, LONGEST_POLL_SECONDS))
                    return self
                time.sleep(0.005)
            self.end()  # others may have used up fs.inotify.max_user_instances for a moment: then it polls
            self._start()
        self.end()
        raise RuntimeError(f"{self.space.build.key}: a wait is not blocked after {TRIES} times {PATIENCE_SECONDS} s")

    def first_byte(self, patience: float = 60.0) -> int:
        """Block until it prints; the monotonic nanosecond of that. Raises RuntimeError."""
        assert self.child.stdout
        if is_steady():
            hold_steady(OBSERVER)
        ready, _, _ = select.select([self.child.stdout], [], [], patience)
        at = time.monotonic_ns()
        if is_steady():
            hold_steady(STEADY)
        if not ready:
            self.end()
            raise RuntimeError(f"{self.space.build.key}: a wait printed nothing for {patience} s")
        return at

    def rest(self) -> str:
        """All that it prints to its end."""
        assert self.child.stdout
        out = self.child.stdout.read().decode(errors="replace")
        self.child.wait()
        self.child.stdout.close()
        return out

    def end(self) -> None:
        """Kill it, if it still runs."""
        self.child.kill()
        self.rest()

    @staticmethod
    def call_of(pid: int) -> str:
        """The number of the system call in which a process sleeps, or `running`. Raises OSError."""
        with open(f"/proc/{pid}/syscall") as file:
            return file.read().split()[0]

    def _sleeps(self) -> bool:
        try:
            call = self.call_of(self.pid)
            return call in SLEEPS and (self._has_watch() or not self.space.build.is_this)
        except (OSError, IndexError):
            return False

    def _has_watch(self) -> bool:
        folder = f"/proc/{self.pid}/fd"
        links = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
        return any(link.endswith("/signals") or "/tasks/" in link or "inotify" in link for link in links)


def floor(build: Build, folder: str) -> float:
    """ms from a byte in a pipe to the first byte of a bare Python process that slept on it."""
    code = "import os; os.read(0, 1); os.write(1, b'x')"
    child = subprocess.Popen(
        [build.python, "-c", code], cwd=folder, env=build.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin and child.stdout
    if is_steady():
        hold_steady(WOKEN, child.pid)
    while Wait.call_of(child.pid) != READ:
        time.sleep(0.005)
    time.sleep(random.uniform(0, LONGEST_POLL_SECONDS))
    started = time.monotonic_ns()
    os.write(child.stdin.fileno(), b"x")
    child.stdout.read(1)
    taken = (time.monotonic_ns() - started) / 1e6
    child.communicate()
    return taken
