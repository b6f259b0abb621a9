"""The gate of a store: every changing command passes it, and finds the store brought up behind it.

Its content names the format and the boot for which the hints were built. While that is ours, passing costs one read
and one shared flock; otherwise whoever comes first takes it exclusively, makes, upgrades or rebuilds (upkeep), and
writes the content last: so it can be killed at any point, and is done again.
"""

from __future__ import annotations

import os

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic, upkeep
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.core import codec
from agent_lanes.errors import StoreBusy

FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
LONGEST_CONTENT = 200
TRIES = 3
NEEDED = ("tmp", "ready", "timers", "held")  # whoever deleted one of these deleted hints, or where things are born


class Gate:
    """The gate of one store, for processes of one boot."""

    def __init__(self, layout: Layout, boot_id: str) -> None:
        self.layout = layout
        self.boot_id = boot_id
        self.needed = tuple(f"{layout.root}/{name}" for name in NEEDED)
        self.content = f"{codec.FORMAT} {boot_id or '-'}\n".encode()

    def current(self) -> bool:
        """Whether the hints are of this format and this boot, and their folders are there.

        Takes no lock, changes nothing. Raises OSError.
        """
        try:
            whole = all(map(os.path.isdir, self.needed))
            return whole and atomic.read(self.layout.gate, LONGEST_CONTENT) == self.content
        except (FileNotFoundError, NotADirectoryError, atomic.Unreadable):
            return False

    def passed(self) -> Lock:
        """The gate, to be held shared by `with`; the store is brought up first if it needs that.

        Raises BadData (a newer format), StoreBusy, OSError.
        """
        for _ in range(TRIES):
            if self.current():
                return Lock(self.layout.gate, "the store", shared=True, flags=FLAGS, busy=StoreBusy)
            os.makedirs(self.layout.root, atomic.FOLDER_MODE, exist_ok=True)
            with self.closed() as gate:
                if not self.current():  # nobody did it while we waited
                    upkeep.bring_up(self.layout, clock.moment(self.boot_id), clock.chance)
                    os.ftruncate(gate.descriptor, 0)
                    os.pwrite(gate.descriptor, self.content, 0)
        raise StoreBusy("the store: it is being upgraded or rebuilt", hint="repeat the call")

    def closed(self, *, patient: bool = True) -> Lock:
        """The gate, to be held exclusively by `with`: nobody changes the store then. Raises StoreBusy, OSError."""
        what = "the store (it is being upgraded, rebuilt or repaired)"
        return Lock(self.layout.gate, what, flags=FLAGS, patient=patient, busy=StoreBusy)
