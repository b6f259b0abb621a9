"""The gate of a store: every changing command passes it, and finds the store brought up behind it.

Its content names the format and the boot for which the hints were built. While that is ours, passing costs one shared
flock and one read; otherwise whoever comes first takes it exclusively, makes, upgrades or rebuilds (upkeep), and
writes the content last: so it can be killed at any point, and is done again. The content is read once the lock is
held: what was read before might have been rebuilt for another boot until we had it.
"""

from __future__ import annotations

import os

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.core import codec
from agent_lanes.errors import NotFound, StoreBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

OPEN_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
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
            return self._whole() and atomic.read(self.layout.gate, LONGEST_CONTENT) == self.content
        except (FileNotFoundError, NotADirectoryError, atomic.Unreadable):
            return False

    def passed(self) -> Passage:
        """The gate, to be held shared by `with`; the store is brought up first if it needs that.

        Raises BadData (a newer format), StoreBusy, OSError.
        """
        return Passage(self)

    def closed(self, *, patient: bool = True) -> Lock:
        """The gate, to be held exclusively by `with`: nobody changes the store then. Raises StoreBusy, OSError."""
        what = "the store (it is being upgraded, rebuilt or repaired)"
        return Lock(self.layout.gate, what, flags=OPEN_FLAGS | os.O_CREAT, patient=patient, busy=StoreBusy)

    def entered(self) -> Lock | None:
        """The gate, held shared; None where the store must be brought up first. Raises StoreBusy, OSError."""
        lock = Lock(self.layout.gate, "the store", shared=True, flags=OPEN_FLAGS, busy=StoreBusy)
        try:
            lock.__enter__()
        except NotFound:
            return None
        try:
            if self._whole() and os.pread(lock.descriptor, LONGEST_CONTENT, 0) == self.content:
                return lock
        except BaseException:
            lock.__exit__(None, None, None)
            raise
        lock.__exit__(None, None, None)
        return None

    def bring_up(self) -> None:
        """Make, upgrade or rebuild the store, unless somebody did it meanwhile. Raises BadData, StoreBusy, OSError."""
        from agent_lanes.backends.files import upkeep

        os.makedirs(self.layout.root, atomic.FOLDER_MODE, exist_ok=True)
        with self.closed() as gate:
            if not self.current():  # nobody did it while we waited
                upkeep.bring_up(self.layout, clock.moment(self.boot_id), clock.chance)
                os.ftruncate(gate.descriptor, 0)
                os.pwrite(gate.descriptor, self.content, 0)

    def _whole(self) -> bool:
        return all(map(os.path.isdir, self.needed))


class Passage:
    """`with gate.passed(): ...` changes the store behind the gate."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.lock: Lock | None = None

    def __enter__(self) -> None:
        """Hold the gate shared, of a store that is as it should be."""
        for _ in range(TRIES):
            self.lock = self.gate.entered()
            if self.lock is not None:
                return
            self.gate.bring_up()
        raise StoreBusy("the store: it is being upgraded or rebuilt", hint="repeat the call")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        if self.lock is not None:
            self.lock.__exit__(kind, error, trace)
