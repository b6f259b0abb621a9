"""What wakes everybody who waits on this server: one thread, which follows the store's log.

    feed = Feed(backend)
    feed.start()                            in the event loop
    with feed.listening(ids, lane) as woken:    an asyncio.Event: one of the tasks, or the lane, may have changed
    with feed.listening() as woken:             there may be further events
        feed.after(position)                    those that are remembered, or None: they must be read from the log

A wake-up is a hint, as everywhere: who waits looks for itself, and looks again after a while anyhow.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from itertools import islice

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import dumps_line
from agent_lanes.core.logged import public_logged
from agent_lanes.errors import AgentLanesError, NotFound
from agent_lanes.services.waiting import RECHECK_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.core.logged import Logged
    from agent_lanes.ports import Backend

    Position = tuple[int, int]

REMEMBERED_BYTES = 4 << 20
AT_ONCE = 500
PAUSE_SECONDS = 1.0


class Entry(Frozen):
    """An event, where it stands in the log, and how it is sent: made once for all streams."""

    logged: Logged
    position: Position
    frame: bytes


def position(cursor: str) -> Position:
    """A cursor as something that can be compared."""
    segment, _, offset = cursor.partition(":")
    return int(segment), int(offset)


def entry(logged: Logged) -> Entry:
    """The entry of a line of the log."""
    frame = f"id: {logged.cursor}\ndata: {dumps_line(public_logged(logged))}\n\n".encode("utf-8", "backslashreplace")
    return Entry(logged=logged, position=position(logged.cursor), frame=frame)


class Feed:
    """The newest events, and who is to be woken. Everything but `_follow` runs in the event loop."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.cursor = backend.log_end()
        self._floor = position(self.cursor)
        self._recent: deque[Entry] = deque()
        self._bytes = 0
        self.ended = False
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def start(self) -> None:
        """Begin to follow; the thread goes with the process."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._follow, name="feed", daemon=True).start()

    def end(self) -> None:
        """Wake everybody for the last time."""
        self.ended = True
        for waiting in self._waiting.values():
            for woken in waiting:
                woken.set()

    @contextlib.contextmanager
    def listening(self, ids: Iterable[str] = (), lane: str | None = None) -> Iterator[asyncio.Event]:
        """An event that is set when one of these tasks or the lane may have changed; or at every further line."""
        woken = asyncio.Event()
        topics = [*map(_of_task, ids)] + ([] if lane is None else [_of_lane(lane)]) or [ALL]
        for topic in topics:
            self._waiting.setdefault(topic, set()).add(woken)
        try:
            yield woken
        finally:
            for topic in topics:
                self._waiting[topic].discard(woken)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def after(self, at: Position) -> list[Entry] | None:
        """The entries after a position; None where it lies before those that are remembered."""
        if at < self._floor:
            return None
        found = []
        for one in reversed(self._recent):
            if one.position <= at:
                break
            found.append(one)
        return found[::-1]

    def _follow(self) -> None:
        """The thread: set a watch, read, sleep. Errors of the store pass; the loop's end is the end."""
        while not self._loop.is_closed():
            try:
                with self._backend.watch_all() as watch:
                    end = time.monotonic() + RECHECK_SECONDS
                    while True:
                        self._read()
                        left = end - time.monotonic()
                        if left <= 0:
                            break
                        watch.wait(left)
            except AgentLanesError:
                time.sleep(PAUSE_SECONDS)
            except RuntimeError:  # the loop has been closed
                return

    def _read(self) -> None:
        """Take what is new to the loop. Raises RuntimeError once that is gone."""
        while True:
            try:
                lines = list(islice(self._backend.log(self.cursor), AT_ONCE))
            except NotFound:  # all of it is gone that was not read yet: streams notice, and say so
                self.cursor, lines = self._backend.log_end(), []
            taken = threading.Event()
            self._loop.call_soon_threadsafe(self._take, [entry(line) for line in lines], taken)
            taken.wait()  # no faster than the loop takes them
            if len(lines) < AT_ONCE:
                return

    def _take(self, entries: list[Entry], taken: threading.Event) -> None:
        taken.set()
        topics = {ALL} if entries else set[str]()
        for one in entries:
            topics |= {_of_task(one.logged.task_id), _of_lane(one.logged.lane)}
            self._recent.append(one)
            self._bytes += len(one.frame)
            self.cursor = one.logged.cursor
        while self._bytes > REMEMBERED_BYTES:
            oldest = self._recent.popleft()
            self._bytes -= len(oldest.frame)
            self._floor = oldest.position
        if not entries:  # woken, but not by the log: a hold has ended, or nothing of ours has changed
            topics = {topic for topic in self._waiting if topic.startswith(LANE)}
        for topic in topics:
            for woken in self._waiting.get(topic, ()):
                woken.set()


ALL, LANE = "all", "lane "


def _of_task(id: str) -> str:
    return f"task {id}"


def _of_lane(lane: str) -> str:
    return f"{LANE}{lane}"
