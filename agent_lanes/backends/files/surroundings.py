"""What `doctor` says of the machine around a store: pure functions of what was measured, and one that measures.

Each returns the findings about one thing, none where all is well.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import check, mounts
from agent_lanes.backends.files.layout import Layout
from agent_lanes.core.finding import PROBLEM, WARNING, Finding
from agent_lanes.core.times import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INITIAL_TIME_NAMESPACE = "time:[4026531834]"  # PROC_TIME_INIT_INO of the kernel; see time_namespaces(7)
LEAST_FREE_BYTES, LEAST_FREE_FILES = 256 << 20, 10_000


def surroundings(layout: Layout, now: Moment, *, network_allowed: bool) -> Iterator[Finding]:
    """File system, space, clock, watches. Raises OSError."""
    kind = mounts.kind_of(os.path.realpath(layout.root), mounts.mountinfo())
    yield from file_system(kind, layout.root, asked_for=network_allowed or check.allowed())
    space = os.statvfs(layout.root)
    yield from disk(space.f_bavail * space.f_frsize, space.f_favail if space.f_files else None)
    yield from clock(now.boot_id, time_namespace())
    yield from watches(works=watch_works(layout.root))


def file_system(kind: str, path: str, *, asked_for: bool) -> Iterator[Finding]:
    """Locks and renames hold on a local one only."""
    if kind in mounts.NETWORK and not asked_for:
        yield Finding(
            level=PROBLEM,
            code="network_file_system",
            message=f"the store lies on a network file system ({kind}), where locks and renames may not hold",
            hint="move it to a local disk: agent-lanes export, then import",
            path=path,
        )
    elif kind in mounts.SHARED and not asked_for:
        yield Finding(
            level=WARNING,
            code="network_file_system",
            message=f"the store lies in a folder shared with another system ({kind}): use it from one side only",
            hint=f"move it to a disk of this system, or accept it with {check.ALLOW}=1",
            path=path,
        )


def disk(free_bytes: int, free_files: int | None) -> Iterator[Finding]:
    """Too little space for the next tasks; `free_files` None where the file system does not count them."""
    few = free_files is not None and free_files < LEAST_FREE_FILES
    if free_bytes < LEAST_FREE_BYTES or few:
        left = f"{free_bytes >> 20} MiB" + (f" and {free_files} files" if free_files is not None else "")
        yield Finding(
            level=WARNING, code="disk_space", message=f"the disk is nearly full: {left} left", hint="free some space"
        )


def clock(boot_id: str, namespace: str = "") -> Iterator[Finding]:
    """Leases need a clock that nobody sets, and that is the same for everybody."""
    if not boot_id:
        yield Finding(
            level=WARNING,
            code="no_boot_clock",
            message="this machine has no clock that counts sleep, so leases follow the wall clock",
            hint="do not set the clock while tasks are claimed",
        )
    elif namespace not in ("", INITIAL_TIME_NAMESPACE):
        yield Finding(
            level=WARNING,
            code="own_boot_clock",
            message="this process is in a time namespace of its own: leases end earlier or later than for others",
            hint="use the store from inside it only, or start it without one (unshare --time)",
        )


def watches(*, works: bool) -> Iterator[Finding]:
    """Blocked waits sleep only while a watch can be set."""
    if not works:
        yield Finding(
            level=WARNING,
            code="inotify_exhausted",
            message="no watch can be set, so blocked waits poll: up to a second late, and not for free",
            hint="raise fs.inotify.max_user_instances and max_user_watches (sysctl)",
        )


def time_namespace() -> str:
    """In which time namespace this process is, as the kernel names it; empty where it knows none."""
    try:
        return os.readlink("/proc/self/ns/time")
    except OSError:
        return ""


def watch_works(folder: str) -> bool:
    """Whether a watch can be set right now."""
    from agent_lanes.backends.files.signals import watch
    from agent_lanes.backends.files.watches import Poll

    with watch(folder, ("doctor",)) as watching:
        return not isinstance(watching, Poll)
