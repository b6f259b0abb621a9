"""events.jsonl: the history of a task, one JSON object a line, one write a line.

The first line of every history, `created`, says what task.json says. So a submit of many makes no such files: whoever
has the second line to write begins one with both, and while there is none, readers tell the first.

Writers hold the task's lock. A line carries its number and the epoch; whoever writes next closes a line that a
crash cut off, and adds a `recovered` line when the claim shows an epoch of which the history does not know.
Readers leave out what is not a whole line. Nothing depends on this file but people and `last_event`.
"""

from __future__ import annotations

import errno
import os
import stat

from agent_lanes.backends.files.atomic import FILE_MODE, READ_FLAGS
from agent_lanes.core import codec, fields
from agent_lanes.core.jsontext import dumps_line, loads_object
from agent_lanes.core.task import Event, Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_lanes.core.task import Task

APPEND_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
TAIL = 4096
CHUNK = 1 << 16
LONGEST_LINE = 4 << 20  # several times what a line of ours can be


def line(event: Event) -> bytes:
    """One line of the file."""
    return dumps_line(codec.encode_event(event)).encode() + b"\n"


def append(path: str, events: tuple[Event, ...], task: Task | None = None) -> tuple[Event, ...]:
    """Add events, numbered on; as they were written. Raises OSError; then the history lacks a line, nothing else.

    A history of which nothing is written yet begins with the `created` of its `task`.
    """
    descriptor = os.open(path, APPEND_FLAGS, FILE_MODE)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        first = None if size or task is None else _first(task)
        last = first or _last(descriptor, size)
        number, known = (last.number, last.epoch) if last else (0, 0)
        if last is not None and last.number == 0:  # v0.1 numbered no lines and knew no epochs
            number, known = sum(1 for _ in _whole_lines(descriptor)), fields.MAX_EPOCH
        written = list[Event]()
        for event in events:
            missed = event.epoch - 1 if event.type == "claimed" else event.epoch
            if known < missed:
                number += 1
                written.append(_recovered(event, missed, number))
            number += 1
            known = event.epoch
            written.append(event.replace(number=number))
        before = line(first) if first else b"\n" if torn else b""
        data = before + b"".join(map(line, written))
        if os.write(descriptor, data) < len(data):  # a disk that fills up takes a part, and says nothing
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return tuple(written)
    finally:
        os.close(descriptor)


def add_lines(path: str, lines: bytes) -> None:
    """Append to a file that many write to without a lock; it, and its folder, may not be there yet. Raises OSError."""
    try:
        descriptor = os.open(path, APPEND_FLAGS, FILE_MODE)
    except FileNotFoundError:
        from agent_lanes.backends.files.atomic import make_folder

        make_folder(os.path.dirname(path))
        descriptor = os.open(path, APPEND_FLAGS, FILE_MODE)
    try:
        os.write(descriptor, lines)
    finally:
        os.close(descriptor)


def read(path: str) -> Iterator[Event]:
    """All whole lines, oldest first. Raises OSError; a missing file is an empty history."""
    try:
        descriptor = os.open(path, READ_FLAGS)
    except FileNotFoundError:
        return
    try:
        for raw in _whole_lines(descriptor):
            event = _event(raw)
            if event is not None:
                yield event
    finally:
        os.close(descriptor)


def whole(path: str, asked: Callable[[], Task | None]) -> tuple[Event, ...]:
    """The history of the task that is `asked` for where nothing of it has been written yet. Raises OSError."""
    found = tuple(read(path))
    if found:
        return found
    first = beginning(path, asked)
    return tuple(read(path)) if first is None else (first,)  # it may have been begun between the two looks


def beginning(path: str, asked: Callable[[], Task | None]) -> Event | None:
    """The first line of a history of which nothing has been written yet; None of any other. Raises OSError."""
    try:
        found = os.stat(path, follow_symlinks=False)
        task = asked() if stat.S_ISREG(found.st_mode) and found.st_size == 0 else None
    except FileNotFoundError:
        task = asked()
    return None if task is None else _first(task)


def last(path: str, without: tuple[str, ...] = ()) -> Event | None:
    """The newest whole line, but of these types; None if there is none or the file cannot be read."""
    try:
        descriptor = os.open(path, READ_FLAGS)
    except OSError:
        return None
    try:
        return _last(descriptor, os.fstat(descriptor).st_size, without)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _last(descriptor: int, size: int, without: tuple[str, ...] = ()) -> Event | None:
    tail = TAIL
    while True:
        raw = os.pread(descriptor, min(tail, size), max(0, size - tail))
        lines = raw.split(b"\n")[: -1 if raw.endswith(b"\n") else None]
        for position, text in reversed(list(enumerate(lines))):
            if position == 0 and tail < size:
                break  # this line may begin before what was read
            event = _event(text)
            if event is not None and event.type not in without:
                return event
        if tail >= size or tail > LONGEST_LINE:
            return None
        tail *= 16


def _first(task: Task) -> Event:
    from agent_lanes.core.transitions import created

    return created(Snapshot(task=task))


def _whole_lines(descriptor: int) -> Iterator[bytes]:
    rest, position = b"", 0
    while chunk := os.pread(descriptor, CHUNK, position):
        position += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_LINE:
            rest = b""  # no line of ours, nor is its end


def _event(raw: bytes) -> Event | None:
    try:
        return codec.decode_event(loads_object(raw.decode()))
    except ValueError:
        return None


def _recovered(event: Event, missed: int, number: int) -> Event:
    return Event(
        type="recovered",
        message=f"a crash lost the history up to epoch {missed}",
        created_at=event.created_at,
        data={},
        epoch=missed,
        number=number,
    )
