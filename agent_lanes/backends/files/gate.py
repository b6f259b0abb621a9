"""The gate of a store: every changing command passes it, and finds the store brought up behind it.

Its content names the format and the boot for which the hints were built. While that is ours, passing costs one shared
flock and one read; otherwise whoever comes first takes it exclusively, makes, upgrades or rebuilds (upkeep), and
writes the content last: so it can be killed at any point, and is done again. The content is read once the lock is
held: what was read before might have been rebuilt for another boot until we had it.

Whoever wants it exclusively while others come and go writes `closing` into it: who comes then gives way.
"""

from __future__ import annotations

import errno
import os
import time

from agent_lanes.backends import clock
from agent_lanes.backends.files import atomic
from agent_lanes.core import fields
from agent_lanes.errors import NotFound, StoreBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.backends.files.lock import Lock
    from agent_lanes.core.times import Moment

OPEN_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
CLOSE_FLAGS = OPEN_FLAGS | os.O_CREAT
LONGEST_CONTENT = 200
TRIES = 3
CLOSING = b"closing\n"
GIVE_WAY_SECONDS, GLANCE_SECONDS = 0.5, 0.005
SETTLED_NANOSECONDS = 3 * 10**9
NEEDED = ("tmp", "ready", "timers", "held")  # whoever deleted one of these deleted hints, or where things are born


class Gate:
    """The gate of one store, for processes of one boot."""

    def __init__(self, layout: Layout, boot_id: str, now: Callable[[], Moment]) -> None:
        self.layout = layout
        self.boot_id = boot_id
        self.now = now
        self.needed = tuple(f"{layout.root}/{name}" for name in NEEDED)
        self.looked_at = (0, 0)  # when the names in its root had last changed, and what is needed was there
        self.network = False  # whether a network file system was asked for
        self.content = f"{fields.FORMAT} {boot_id or '-'}\n".encode()

    def current(self) -> bool:
        """Whether the hints are of this format and this boot, and their folders are there.

        Takes no lock, changes nothing. Raises OSError.
        """
        try:
            return self._whole() and atomic.read(self.layout.gate, LONGEST_CONTENT) == self.content
        except (FileNotFoundError, NotADirectoryError, atomic.Unreadable):
            return False
        except OSError as wrong:
            if wrong.errno != errno.ELOOP:
                raise
            return False  # a link in its place

    def passed(self) -> Passage:
        """The gate, to be held shared by `with`; the store is brought up first if it needs that.

        Raises BadData (a newer format), StoreBusy, OSError.
        """
        return Passage(self)

    def closed(self, *, patient: bool = True, again: Callable[[], None] = lambda: None) -> Lock:
        """The gate, to be held exclusively by `with`: nobody changes the store then. Raises StoreBusy, OSError."""
        from agent_lanes.backends.files.lock import Lock

        what = "the store (it is being upgraded, rebuilt or repaired)"
        return Lock(self.layout.gate, what, flags=CLOSE_FLAGS, patient=patient, busy=StoreBusy, again=again)

    def taken(self) -> Whole:
        """The same, of a store that is as it should be, also while others come and go all the time."""
        return Whole(self)

    def entered(self, *, patient: bool = True) -> Lock | None:
        """The gate, now held shared; None where the store must be brought up first. Raises StoreBusy, OSError."""
        from agent_lanes.backends.files.lock import Lock

        lock = Lock(self.layout.gate, "the store", shared=True, flags=OPEN_FLAGS, patient=patient, busy=StoreBusy)
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
        """Make, upgrade or rebuild the store, unless somebody else does. Raises BadData, StoreBusy, OSError."""
        from agent_lanes.backends.files import check, upkeep

        if not os.path.lexists(self.layout.store_record):  # a new one, or of v0.1
            check.fit_new(self.layout.root, self.layout.tmp, network=self.network)
        self._give_way()
        try:
            with self.closed(again=self._leave_if_open) as gate:
                if not self.current():  # nobody did it while we waited
                    upkeep.bring_up(self.layout, self.now(), clock.chance, network=self.network)
                    self.write(gate.descriptor, self.content)
        except Opened:
            pass

    def write(self, descriptor: int, content: bytes) -> None:
        """Say whether the store is as it should be. Raises OSError; in the block that it has, also on a full disk."""
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))

    def write_over(self, old: bytes, new: bytes) -> None:
        """The same without holding it, if that is what it says. Raises OSError."""
        descriptor = os.open(self.layout.gate, CLOSE_FLAGS, atomic.FILE_MODE)
        try:
            if os.pread(descriptor, LONGEST_CONTENT, 0) == old:
                self.write(descriptor, new)
        finally:
            os.close(descriptor)

    def _leave_if_open(self) -> None:
        """Who waits to bring the store up stops waiting once it is: those who pass it meanwhile may never end."""
        if self.current():
            raise Opened

    def _give_way(self) -> None:
        """To whoever announced that it wants the whole store; not for long, since it may have been killed."""
        deadline = time.monotonic() + GIVE_WAY_SECONDS
        while time.monotonic() < deadline:
            try:
                if atomic.read(self.layout.gate, LONGEST_CONTENT) != CLOSING:
                    return
            except (OSError, atomic.Unreadable):
                return
            time.sleep(GLANCE_SECONDS)

    def _whole(self) -> bool:
        """Whether what is needed is there. It is looked at again once a name in the root has changed."""
        found = os.stat(self.layout.root)
        changed = (found.st_mtime_ns, found.st_ctime_ns)  # a backup that is put back brings the former along
        if changed != self.looked_at:
            if not all(map(os.path.isdir, self.needed)):
                return False
            # A change in the same tick of the file system's clock as our look would not show.
            self.looked_at = changed if found.st_mtime_ns < time.time_ns() - SETTLED_NANOSECONDS else (0, 0)
        return True


class Opened(Exception):
    """Somebody else has brought the store up."""


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


class Whole:
    """`with gate.taken(): ...` has the store for itself, and leaves it as it should be, or to be brought up."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.lock = gate.closed(again=lambda: gate.write_over(gate.content, CLOSING))

    def __enter__(self) -> None:
        """Hold the gate exclusively. Who comes while this waits gives way."""
        try:
            self.lock.__enter__()
        except BaseException:
            self.gate.write_over(CLOSING, self.gate.content)
            raise
        try:
            self.gate.write(self.lock.descriptor, CLOSING)
        except BaseException:  # a full disk: nobody else may be kept out, by a process that goes on
            self.lock.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everybody pass, unless this failed: then the next one brings the store up."""
        try:
            if error is None:
                self.gate.write(self.lock.descriptor, self.gate.content)
        finally:
            self.lock.__exit__(kind, error, trace)
