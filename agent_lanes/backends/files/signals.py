"""Wake-ups: how a change is told, and how a wait hears of it.

One byte is written to signals/<lane> whenever a task of the lane may be claimed. A wait for work watches that folder,
a wait for an answer the task's own (watches.py). The watch is set before the first look, so no change falls between.
Who waits for many things at once follows the log, and signals/.any, which tells of what is not in it.
"""

from __future__ import annotations

import os

from agent_lanes.core.names import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.ports import Watch

ANY = ".any"  # no lane: the dots at the beginning of a lane's name are escaped
MOST_FOLDERS = 500  # watched at once, each with a descriptor, of which a process has 1024 as a rule
SIGNAL_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def send(folder: str, lane: str) -> None:
    """Wake whoever waits for the lane. Raises OSError."""
    _touch(folder, escape(lane))


def send_all(folder: str) -> None:
    """Wake whoever waits for any lane. Raises OSError."""
    for name in {*os.listdir(folder), ANY}:
        _touch(folder, name)


def send_unlogged(folder: str, lane: str) -> None:
    """The same for a change that no line of the log tells of: also wake who follows that. Raises OSError."""
    send(folder, lane)
    _touch(folder, ANY)


def _touch(folder: str, name: str) -> None:
    try:
        descriptor = os.open(f"{folder}/{name}", SIGNAL_FLAGS, 0o600)
    except FileNotFoundError:  # somebody deleted the folder: those who wait poll, or look again soon
        os.makedirs(folder, 0o700, exist_ok=True)
        descriptor = os.open(f"{folder}/{name}", SIGNAL_FLAGS, 0o600)
    try:
        os.pwrite(descriptor, b"\n", 0)
    finally:
        os.close(descriptor)


def watch_each(paths: list[str]) -> Watch:
    """A watch on files in folders of their own; polling where none can be had, or where they are very many."""
    from agent_lanes.backends.files import watches

    if os.environ.get("AGENT_LANES_POLL") != "1" and len(paths) <= MOST_FOLDERS:
        try:
            return watches.KernelWatches(paths)
        except (AttributeError, OSError):
            pass  # no F_NOTIFY here, or no descriptors left; watchdog would take a thread or two for each
    return watches.Poll()


def watch(folder: str, names: tuple[str, ...]) -> Watch:
    """A watch on some names of a folder that is set when this returns; polling where none can be had."""
    from agent_lanes.backends.files import watches

    if os.environ.get("AGENT_LANES_POLL") != "1" and os.path.isdir(folder):
        for kind in (watches.KernelWatch, watches.FolderWatch):
            try:
                return kind(folder, names)
            except (AttributeError, OSError, RuntimeError, ImportError):
                continue  # no F_NOTIFY here; inotify's limits; no thread to be had; watchdog is not installed
    return watches.Poll()
