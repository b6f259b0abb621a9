"""tally/<lane>/<day>: what was submitted to a lane, and how tasks of it ended, a line each.

    1437s       submitted at 14:37 UTC              c completed   f failed   x cancelled

One write a line (shelf.FileShelf), without a lock and without fsync. Numbers for people: a command that is killed right
after its commit, and a power cut, may leave a few out. Nothing else depends on them, and nothing makes them anew.
"""

from __future__ import annotations

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import TALLIED
from agent_lanes.core.times import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.core.stats import Tally

LONGEST_DAY = 1 << 30


def read(layout: Layout, lane: str, since: int | None) -> Tally:
    """What was counted since an instant, or ever. Raises OSError."""
    first = "" if since is None else compact(since)
    found, folder = dict.fromkeys(TALLIED, 0), layout.tally(lane)
    for day in atomic.names(folder):
        if day < first[:8]:
            continue
        try:
            data = atomic.read(f"{folder}/{day}", LONGEST_DAY)
        except (FileNotFoundError, IsADirectoryError, atomic.Unreadable):
            continue  # not ours
        if day == first[:8]:
            data = b"".join(line + b"\n" for line in data.split(b"\n") if line[:4] >= first[9:13].encode())
        for what, letter in TALLIED.items():
            found[what] += data.count(letter + b"\n")
    return found
