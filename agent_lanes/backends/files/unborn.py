"""What a power cut left of a submit or an answer that nobody was told of: cleared away at the rebuild after the reboot.

Both are visible before they are durable, and bear a mark until they are (durable.py). What bears it and is torn was
never acknowledged, and nothing was built on it: it becomes litter in tmp/, as what a killed command leaves there.
Within one boot nothing is ever torn, because readers see what was written, whether or not it is on the disk.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import RESPONSE, Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.backends.files.records import answered, asked, whole
from agent_lanes.errors import Busy, Damaged, NotFound


def clear(layout: Layout, id: str) -> None:
    """Take away a task or an answer that was torn before it was durable; under its lock. Raises OSError."""
    folder = layout.task(id)
    if _torn(folder, id) is None:
        return
    try:
        with Lock(folder, f"task {id}", patient=False):
            path = _torn(folder, id)
            if path is not None:
                os.rename(path, f"{layout.tmp}/{chance(16)}")
    except (Busy, Damaged, NotFound, PermissionError):
        pass  # in other hands


def _torn(folder: str, id: str) -> str | None:
    """The path of what was torn; None if nothing was."""
    answer = f"{folder}/{RESPONSE}"
    if atomic.marked(folder) and not _whole(folder, id):
        return folder
    return answer if atomic.marked(answer) and not answered(folder) else None


def _whole(folder: str, id: str) -> bool:
    task = asked(folder, id)
    return task is not None and (not task.request_stored or whole(folder, task))
