"""Finding and ending the processes of one run, whatever session or parent they made for themselves.

Three nets, because each has a hole: the process group of the agent (left by setsid), everything below the guard,
which adopts orphans (empty where the system has no subreaper), and the mark in the environment (lost where a program
hands on a clean one).
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MARK = "AGENT_LANES_RUN"
PROC = "/proc"
BECOME_SUBREAPER, DIE_WITH_PARENT = 36, 1  # PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG of prctl(2)
ROUND_SECONDS = 0.1
MOST_ROUNDS_OF_KILLING = 50  # a process that survives these sleeps in the kernel


def prctl(option: int, value: int) -> None:
    """Set something about this process, where the system knows how."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def processes() -> dict[int, tuple[int, int]]:
    """Every living process: its parent and its process group. Empty where there is no /proc."""
    found = {}
    for name in _numbers():
        try:
            with open(f"{PROC}/{name}/stat", "rb") as file:
                state, parent, group = file.read().rpartition(b")")[2].split()[:3]
        except (OSError, ValueError):
            continue  # it has ended meanwhile
        if state not in (b"Z", b"X"):  # the dead wait for their parent to notice
            found[int(name)] = (int(parent), int(group))
    return found


def in_group(group: int) -> set[int]:
    """The living members of a process group."""
    table = processes()
    if not table and os.path.isdir(f"{PROC}/self"):
        return set()
    if not table:  # no /proc: the group as a whole
        try:
            os.killpg(group, 0)
        except OSError:
            return set()
        return {-group}
    return {pid for pid, (_, theirs) in table.items() if theirs == group}


def below(root: int) -> set[int]:
    """The living descendants of a process."""
    table, found, grown = processes(), {root}, True
    while grown:
        more = {pid for pid, (parent, _) in table.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {root}


def marked(mark: str) -> set[int]:
    """The processes that carry a mark in their environment."""
    line, found = f"{MARK}={mark}".encode(), set()
    for name in _numbers():
        try:
            with open(f"{PROC}/{name}/environ", "rb") as file:
                if line in file.read().split(b"\0"):
                    found.add(int(name))
        except OSError:
            continue  # it has ended, or is somebody else's
    return found - {os.getpid()}


def send(number: signal.Signals, targets: Iterable[int]) -> None:
    """Send a signal to each; who has ended meanwhile needs none."""
    for pid in targets:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def end(find: Callable[[], set[int]], grace_seconds: float) -> int:
    """SIGTERM, some seconds of grace, SIGKILL, until `find` finds nobody; how many could not be ended."""
    found = find()
    send(signal.SIGTERM, found)
    grace_ends = time.monotonic() + grace_seconds
    while found and time.monotonic() < grace_ends:
        time.sleep(ROUND_SECONDS)
        found = find()
    for _ in range(MOST_ROUNDS_OF_KILLING):
        if not found:
            break
        send(signal.SIGKILL, found)
        time.sleep(ROUND_SECONDS)
        found = find()
    return len(found)


def _numbers() -> list[str]:
    try:
        return [name for name in os.listdir(PROC) if name.isdigit()]
    except OSError:
        return []
