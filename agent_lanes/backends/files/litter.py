"""What commands that were killed left in tmp/, swept once it is an hour old and nobody is at work."""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic
from agent_lanes.core.times import SECOND, Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.backends.files.layout import Layout

LITTER_SECONDS = 3600


def litter(layout: Layout, now: Moment) -> list[str]:
    """What lies in tmp/ since more than an hour: of commands that crashed, or are suspended. Raises OSError.

    Nothing where tmp/ is a link: what lies there may be anybody's.
    """
    if os.path.islink(layout.tmp):
        return []
    paths = [f"{layout.tmp}/{name}" for name in atomic.names(layout.tmp)]
    return [path for path in paths if age_seconds(path, now) > LITTER_SECONDS]


def sweep(layout: Layout, now: Moment) -> None:
    """Remove what crashed commands left in tmp/ more than an hour ago.

    The caller holds the gate exclusively: so it is of no command that is suspended, or whose clock was set, and that
    would go on to commit half a folder.
    """
    for path in litter(layout, now):
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                for file in os.listdir(path):
                    os.unlink(f"{path}/{file}")
                os.rmdir(path)
            else:
                os.unlink(path)
        except OSError:  # litter that resists is litter for the next sweep
            continue


def in_flight(layout: Layout, path: str, now: Moment) -> bool:
    """Whether a marker of a task that is not there may belong to a submit that is about to commit: in what it waits
    in, and not yet an hour old.
    """
    waits_in = path[len(layout.root) + 1 :].partition("/")[0]
    return waits_in in ("ready", "delayed", "blocked") and age_seconds(path, now) <= LITTER_SECONDS


def age_seconds(path: str, now: Moment) -> float:
    """How long ago a file was last changed; 0 if that cannot be seen."""
    try:
        return now.wall / SECOND - os.stat(path, follow_symlinks=False).st_mtime
    except OSError:  # it is gone, or cannot be looked at
        return 0
