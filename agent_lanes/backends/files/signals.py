"""Blocking waits, woken by the file system through watchdog.

A wait for an answer watches the task's folder; a wait for work watches signals/, where one byte is written to the
file of a lane whenever a task of it may be claimed. The watch is set before the first look, so no change falls
between. Where the system has no watches left (inotify's limits), or the folder is not there yet, the wait polls
with a growing pause: it takes no lock either way, and a lost wake-up costs at most the caller's slow re-check.

watchdog is imported only here, and only once a wait really blocks: it costs twice the start of Python.
"""

from __future__ import annotations

import os
import time

from agent_lanes.core.names import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from watchdog.events import FileSystemEvent

FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 1.0
SIGNAL_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def send(folder: str, lane: str) -> None:
    """Wake whoever waits for the lane. Raises OSError."""
    try:
        descriptor = os.open(f"{folder}/{escape(lane)}", SIGNAL_FLAGS, 0o600)
    except FileNotFoundError:  # somebody deleted the folder: those who wait poll, or look again soon
        os.makedirs(folder, 0o700, exist_ok=True)
        descriptor = os.open(f"{folder}/{escape(lane)}", SIGNAL_FLAGS, 0o600)
    try:
        os.pwrite(descriptor, b"\n", 0)
    finally:
        os.close(descriptor)


def watch(folder: str, names: tuple[str, ...]) -> FolderWatch | Poll:
    """A watch on some names of a folder that is set when this returns; polling where none can be had."""
    if os.environ.get("AGENT_LANES_POLL") == "1" or not os.path.isdir(folder):
        return Poll()
    try:
        return FolderWatch(folder, names)
    except (OSError, RuntimeError, ImportError):  # inotify's limits; no thread to be had; watchdog not installed
        return Poll()


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
