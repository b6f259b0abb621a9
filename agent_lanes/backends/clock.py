"""The clocks, the chance and the name of this machine, for every backend.

Leases are judged by CLOCK_BOOTTIME, which counts sleep and which nobody can set, within one boot, which has an id.
AGENT_LANES_BOOT_ID overrides that id: for containers that share a store but not a kernel, and for simulated reboots.
Where the kernel offers neither, the wall clock decides.
"""

from __future__ import annotations

import os
import time

from agent_lanes.core.times import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.presence import Sign

BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id"
NANOSECONDS = 1000


def boot_id() -> str:
    """The id of this boot; empty where the machine has none, or no clock to go with it.

    Raises OSError where it has one that cannot be read now: to go on without it would be to live in another boot.
    """
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return ""
    override = os.environ.get("AGENT_LANES_BOOT_ID", "")
    if override:
        return override if override.isprintable() and len(override) <= 100 else os.fsencode(override).hex()[:100]
    try:
        descriptor = os.open(BOOT_ID_PATH, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ""
    try:
        return os.read(descriptor, 100).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)


def moment(boot: str) -> Moment:
    """Now, on both clocks."""
    wall = time.time_ns() // NANOSECONDS
    if not boot:
        return Moment(wall=wall)
    return Moment(wall=wall, boot_id=boot, boottime=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // NANOSECONDS)


def chance(digits: int) -> str:
    """So many hex digits that nobody can guess."""
    return os.urandom((digits + 1) // 2).hex()[:digits]


def sign(lane: str, vendor: str, owner: str, kind: str, now: Moment) -> Sign:
    """That this process listens, since now."""
    from agent_lanes.core.presence import Sign

    return Sign(
        lane=lane,
        vendor=vendor,
        owner=owner,
        kind=kind,
        pid=os.getpid(),
        host=os.uname().nodename,
        boot_id=now.boot_id,
        since=now.wall,
    )
