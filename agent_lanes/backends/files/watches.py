"""Blocking waits, woken by the file system.

    KernelWatch    fcntl(2), F_NOTIFY: the kernel sends this thread a signal when a name appears in a folder or is
                   written. No thread, no limit of instances, nothing to load, and it is given back in microseconds;
                   giving back an inotify descriptor takes the kernel 5 to 15 ms, for which everybody waits who waits
                   for the process. Linux only.
    KernelWatches  the same on many folders at once: a descriptor for each, and one thread, which is the one that waits.
    FolderWatch    watchdog, where the kernel has no F_NOTIFY; imported once such a wait really blocks, since it costs
                   twice the start of Python.
    Poll           where there is neither, or the folder is not there yet: looks with a growing pause.

None of them takes a lock, and a lost wake-up costs at most the caller's slow re-check.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from watchdog.events import FileSystemEvent

FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 1.0
SETTLED_NANOSECONDS = 20_000_000  # two writes within a tick of the kernel's clock leave the same time of change
SET_OWNER, THREAD = 15, 0  # F_SETOWN_EX and F_OWNER_TID of fcntl(2), which Python's fcntl does not name


class KernelWatch:
    """A folder whose changes the kernel tells this thread by a signal, and some names in it whose changes matter.

    The signal is SIGURG, because its default is to be ignored. It is blocked while the watch is set and taken by
    sigtimedwait(2), so no handler ever runs; it goes to the thread that set the watch, which is the one to wait.
    """

    def __init__(self, folder: str, names: tuple[str, ...]) -> None:
        self._begin([f"{folder}/{name}" for name in names])
        try:
            self._tell_of(folder)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._look()

    def _begin(self, paths: list[str]) -> None:
        signals = _signals()
        self._paths, self._descriptors = paths, list[int]()
        self._wanted, self._sleep = {signals.SIGURG}, signals.sigtimedwait
        self._owner = b"".join(number.to_bytes(4, sys.byteorder) for number in (THREAD, _thread_id()))
        self._foreign = signals.SIGURG in signals.pthread_sigmask(signals.SIG_BLOCK, self._wanted)

    def _tell_of(self, folder: str) -> None:
        """Let the kernel tell of changes in a folder. Raises OSError, AttributeError where it has no F_NOTIFY."""
        told = fcntl.DN_CREATE | fcntl.DN_MODIFY | fcntl.DN_MULTISHOT
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._descriptors.append(descriptor)
        fcntl.fcntl(descriptor, SET_OWNER, self._owner)
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, _signals().SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_NOTIFY, told)

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until one of the names was touched, or the time is over.

        The signal may tell of other names, or have been taken by another watch of this thread: what counts is what
        the names themselves show.
        """
        end = time.monotonic() + timeout_seconds
        while True:
            before = self._seen
            self._look()
            if self._seen != before:
                return True
            left = end - time.monotonic()
            if left <= 0 or self._sleep(self._wanted, left) is None:
                return False
            if not self._settled:
                return True  # it may have been touched again within the same tick: whoever looks knows

    def _look(self) -> None:
        """Note the names as they stand, and whether another change of them would show."""
        self._seen = [_stamp(path) for path in self._paths]
        self._settled = time.time_ns() - max(changed for _, changed in self._seen) > SETTLED_NANOSECONDS

    def __enter__(self) -> KernelWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closing the folder ends it; what it sent until then is taken, or it would arrive."""
        signals = _signals()
        for descriptor in self._descriptors:
            os.close(descriptor)
        if not self._foreign:
            while self._sleep(self._wanted, 0) is not None:
                pass
            signals.pthread_sigmask(signals.SIG_UNBLOCK, self._wanted)


class KernelWatches(KernelWatch):
    """Files in many folders, each of which may be gone by now: whoever looks finds out."""

    def __init__(self, paths: list[str]) -> None:
        self._begin(paths)
        try:
            for path in paths:
                try:
                    self._tell_of(os.path.dirname(path))
                except FileNotFoundError:
                    continue
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self._look()


def _signals() -> Any:
    """`_signal`, which is `signal` without its enums and their cost; where there is none, `signal` itself."""
    try:
        import _signal as signals  # type: ignore[import-not-found]
    except ImportError:
        import signal as signals
    return signals


def _thread_id() -> int:
    import _thread

    return _thread.get_native_id()


def _stamp(path: str) -> tuple[int, int]:
    """What changes with a file: which one it is, and when it was written; (0, 0) where there is none."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns


class Poll:
    """No watch: every `wait` says that something may have changed, after a pause that grows."""

    def __init__(self) -> None:
        self.pause = FIRST_POLL_SECONDS

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep a little."""
        time.sleep(max(0.0, min(self.pause, timeout_seconds)))
        self.pause = min(self.pause * 1.5, LONGEST_POLL_SECONDS)
        return True

    def __enter__(self) -> Poll:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was set."""


class FolderWatch:
    """A watchdog observer on one folder that listens for some names appearing or being written."""

    def __init__(self, folder: str, names: tuple[str, ...]) -> None:
        import logging
        import threading

        from watchdog.events import FileCreatedEvent, FileModifiedEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        # Its emitter grumbles when it is stopped in the middle of an event; unhandled, that goes to stderr.
        logger = logging.getLogger("watchdog")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        self.changed = threading.Event()
        paths = frozenset(f"{folder}/{name}" for name in names)

        changed = self.changed

        class Wake(FileSystemEventHandler):
            def dispatch(self, event: FileSystemEvent) -> None:
                if event.src_path in paths:
                    changed.set()

        self.observer = Observer()

        def start() -> None:
            # Only these two: opening and listing a watched folder would otherwise wake every waiter that looks.
            self.observer.schedule(Wake(), folder, event_filter=[FileCreatedEvent, FileModifiedEvent])
            self.observer.start()

        _without_signals(start)

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until one of the names was touched, or the time is over."""
        woken = self.changed.wait(timeout_seconds)
        self.changed.clear()
        return woken

    def __enter__(self) -> FolderWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, in a thread: the kernel may take 15 ms to give a watch back, and the caller has an answer."""
        import threading

        try:
            _without_signals(threading.Thread(target=self.observer.stop, daemon=True).start)
        except RuntimeError:  # no thread to be had
            self.observer.stop()


def _without_signals(start: Callable[[], None]) -> None:
    """Start threads that get no signals: on another than the main one, SIGTERM would pass by a claim's shield."""
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
