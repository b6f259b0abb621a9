"""The two locks of a store: one for each task, and the gate of the whole.

A task's lock is a flock on its folder: no lock files to litter, and `flock <folder> command` in a script excludes
us too. The gate is a flock on the file `gate`: every changing command holds it shared, upgrade and rebuild hold it
exclusively. No reader takes either, nothing holds one while it sleeps, and none is held over an fsync for which
somebody else would have to wait.

flock(2) belongs to the open file, so two threads of a process exclude each other as two processes do. A folder
that was replaced between open and lock is noticed by its inode.
"""

from __future__ import annotations

import fcntl
import os
import time

from agent_lanes.errors import Busy, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PATIENCE_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.0005, 0.02


class Lock:
    """`with Lock(path, what): ...` holds a flock on an existing file or folder.

    Raises NotFound if it is not there, Damaged if a link stands in place of a folder, `busy` if it is held for
    longer than 10 s, or at once if not `patient`. `again` is called before each further try.
    """

    def __init__(
        self,
        path: str,
        what: str,
        *,
        shared: bool = False,
        patient: bool = True,
        flags: int = 0,
        busy: type[Busy] = Busy,
        again: Callable[[], None] = lambda: None,
    ) -> None:
        self.path, self.what = path, what
        self.shared, self.patient, self.busy, self.again = shared, patient, busy, again
        self.flags = flags or os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        self.descriptor = -1

    def __enter__(self) -> Lock:
        """Get the lock, on the thing that has the name when we have it."""
        operation = (fcntl.LOCK_SH if self.shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + PATIENCE_SECONDS if self.patient else 0.0
        pause = FIRST_PAUSE
        while True:
            self.descriptor = self._open()
            try:
                while True:
                    try:
                        fcntl.flock(self.descriptor, operation)
                        break
                    except BlockingIOError:
                        if time.monotonic() >= deadline:
                            raise self.busy(self._story(), hint="repeat the call") from None
                    self.again()
                    time.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                if self._still_there():
                    return self
            except BaseException:
                os.close(self.descriptor)
                raise
            os.close(self.descriptor)  # replaced under us: lock the one that has the name now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closing gives the lock back, also when it says that it failed: what was done under it stands."""
        try:
            os.close(self.descriptor)
        except OSError:
            pass

    def _open(self) -> int:
        try:
            return os.open(self.path, self.flags, 0o600)
        except FileNotFoundError:
            raise NotFound(f"{self.what}: not there ({self.path})") from None
        except NotADirectoryError:
            if not self.flags & os.O_DIRECTORY:
                raise
            raise Damaged(f"{self.what}: a link or a file, not a folder of its own ({self.path})") from None

    def _still_there(self) -> bool:
        ours = os.fstat(self.descriptor)
        try:
            named = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (ours.st_ino, ours.st_dev) == (named.st_ino, named.st_dev)

    def _story(self) -> str:
        holder = holder_of(self.descriptor)
        return (
            f"{self.what}: locked for {PATIENCE_SECONDS:.0f} s by {holder}" if self.patient else f"{self.what}: locked"
        )


def is_held(path: str) -> bool:
    """Whether somebody holds the exclusive lock of a folder right now; False where there is none.

    It takes the lock shared for an instant, which can make another's attempt that does not wait fail.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder_of(descriptor: int) -> str:
    """Who holds a flock on this open file, as far as the system tells: for people."""
    inode = os.fstat(descriptor).st_ino
    try:
        with open("/proc/locks", encoding="ascii", errors="replace") as table:
            for line in table:
                parts = line.split()
                if "FLOCK" in parts and "->" not in parts and parts[-3].endswith(f":{inode}"):
                    return f"process {parts[-4]} ({_command(parts[-4])})"
    except OSError:
        pass
    return "another process"


def _command(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(200).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return "ended"
    return "".join(char if char.isprintable() else "?" for char in words) or "no command line"
