"""A compiled copy of each config in the user's cache folder, so that a command need not import YAML.

The copy is good as long as the file's inode, size and times are those that it was compiled from, and is written
anew otherwise. Whatever goes wrong with it, the file itself is read: a cache can only be slow, never wrong.
"""

from __future__ import annotations

import os

from agent_lanes.config import model
from agent_lanes.config.find import user_folder
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.errors import NotFound, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.config.model import Config

VERSION = 3
MAX_BYTES = 4 << 20
SETTLED_NANOSECONDS = 20_000_000  # a file written within a clock tick of its look may change without a trace


def load(path: str) -> Config:
    """The config of a file, from its compiled copy where that is good.

    Raises NotFound, NotAllowed, BadData, StorageFailed.
    """
    try:
        stamp = _stamp(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"config file does not exist: {path}", hint="make one with: agent-lanes init") from None
    except OSError as wrong:
        raise of_system(f"config file cannot be read: {path}: {wrong.strerror}", wrong) from wrong
    place = _place(path)
    kept = _kept(place, path, stamp) if place else None
    if kept is not None:
        return kept
    from agent_lanes.config import load as yaml_load

    config = yaml_load.config(path)
    if place:
        _keep(place, path, stamp, config)
    return config


def folder() -> str | None:
    """Where the copies lie: $XDG_CACHE_HOME or ~/.cache, below agent-lanes; None where there is no home."""
    mine = user_folder(os.environ, "XDG_CACHE_HOME", ".cache")
    return None if mine is None else mine + "/config"


def _stamp(path: str) -> list[int]:
    status = os.stat(path)
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _place(path: str) -> str | None:
    where = folder()
    if where is None:
        return None
    name = "".join(char if char.isalnum() or char in "-_." else f"%{ord(char):X}" for char in path)
    if len(name.encode("utf-8", "replace")) > 200:
        from agent_lanes.core.digest import sha256

        name = sha256(path.encode("utf-8", "surrogateescape"))
    return f"{where}/{name}.json"


def _kept(place: str, path: str, stamp: list[int]) -> Config | None:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if status.st_uid != os.geteuid():
                return None
            record = loads_object(os.read(descriptor, min(status.st_size, MAX_BYTES)).decode())
        finally:
            os.close(descriptor)
        if (record["version"], record["path"], record["stamp"]) != (VERSION, path, stamp):
            return None
        config = record["config"]
        return model.restore(config) if isinstance(config, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(place: str, path: str, stamp: list[int], config: Config) -> None:
    try:
        import time

        from agent_lanes.newborn import Newborn

        if time.time_ns() - max(stamp[3:]) < SETTLED_NANOSECONDS or _stamp(path) != stamp:
            return
        os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
        record = {"version": VERSION, "path": path, "stamp": stamp, "config": model.dump(config)}
        with Newborn(os.path.dirname(place)) as born:
            born.write(dumps(record).encode())
            os.rename(born.path, place)
    except (OSError, ValueError):
        pass
