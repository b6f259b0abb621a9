"""presence/<lane>/<vendor>~<chance>.json: who listens; a file counts while its maker holds its flock.

The kernel gives the lock back when the process ends, however it ends: so there is nothing to renew and no clock, and a
listener that idles does nothing. A file is locked before it has its name; whoever finds one without a lock removes
it. Nothing depends on these files but warnings and listings.
"""

from __future__ import annotations

import fcntl
import os

from agent_lanes.backends.files import atomic
from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.core.names import ANY_VENDOR, escape
from agent_lanes.core.presence import Sign, decode_sign, encode_sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from agent_lanes.backends.files.layout import Layout

LARGEST = 1 << 14
BETWEEN = "~"  # in no escaped name
OWN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FileAttendance:
    """A sign that stands while the block runs (observation.Attendance); programs that are started do not inherit it."""

    def __init__(self, layout: Layout, sign: Sign, chance: Callable[[int], str]) -> None:
        self._layout, self._sign, self._chance = layout, sign, chance
        self._descriptor, self._path = -1, ""

    def keep(self) -> None:
        """Leave the sign, unless it stands: a listener makes no store, but one may have come while it waited."""
        if self._descriptor < 0 and os.path.exists(self._layout.store_record):
            try:
                self._leave()
            except OSError:  # a read-only store, a full disk: nobody learns that we listen, and we listen all the same
                pass

    def __enter__(self) -> FileAttendance:
        self.keep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away."""
        if self._descriptor >= 0:
            atomic.discard(self._path)
            os.close(self._descriptor)
            self._descriptor = -1

    def _leave(self) -> None:
        folder = self._layout.presence(self._sign.lane)
        born = f"{self._layout.tmp}/{self._chance(16)}"
        path = f"{folder}/{escape(self._sign.vendor)}{BETWEEN}{self._chance(16)}.json"
        atomic.make_folder(folder)
        descriptor = os.open(born, OWN_FLAGS, atomic.FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, dumps(encode_sign(self._sign)).encode())
            os.rename(born, path)
        except BaseException:
            os.close(descriptor)
            atomic.discard(born)
            raise
        self._descriptor, self._path = descriptor, path


def signs(layout: Layout, lane: str | None, vendor: str | None) -> Iterator[Sign]:
    """Those who listen, of one lane or all; with a vendor, those who take its tasks. Raises OSError."""
    folders = [layout.presence(lane)] if lane is not None else _folders(layout)
    wanted = None if vendor in (None, ANY_VENDOR) else (ANY_VENDOR, escape(vendor or ""))
    for folder in folders:
        for name in atomic.names(folder):
            if wanted is None or name.partition(BETWEEN)[0] in wanted:
                sign = _live(f"{folder}/{name}")
                if sign is not None:
                    yield sign


def _folders(layout: Layout) -> list[str]:
    return [f"{layout.all_presence}/{name}" for name in atomic.names(layout.all_presence)]


def _live(path: str) -> Sign | None:
    """The sign of a file that is locked; one that is not is removed."""
    try:
        descriptor = os.open(path, atomic.READ_FLAGS)
    except OSError:
        return None  # just taken away; not ours to read
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return decode_sign(loads_object(os.read(descriptor, LARGEST).decode()))
        atomic.discard(path)
    except (OSError, ValueError):
        pass  # a folder, a foreign file
    finally:
        os.close(descriptor)
    return None
