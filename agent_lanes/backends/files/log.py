"""log/<segment>.jsonl: the history of the whole store, one line an event, in the order in which they were written.

`current` is another name of the newest segment: a writer opens it, appends with one write, and closes it. Whoever
submits begins the next segment once this one is full, and removes what is older than the newest 16. A line is written
after the commit and is not synced: a process that is killed in between leaves it out, here and in its task's history.
"""

from __future__ import annotations

import os

from agent_lanes.backends.clock import chance
from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.journal import LONGEST_LINE
from agent_lanes.core.codec import encode_event
from agent_lanes.core.jsontext import dumps_line, loads_object
from agent_lanes.errors import BadUsage, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.backends.files.layout import Layout
    from agent_lanes.core.logged import Logged
    from agent_lanes.core.task import Event, Task

FULL = 8 << 20
KEPT = 16
CURRENT, SUFFIX = "current", ".jsonl"
APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CHUNK = 1 << 16


def append(layout: Layout, written: Iterable[tuple[Task, Event]]) -> None:
    """Add lines with one write. Raises OSError; then the log lacks them, and nothing else is wrong."""
    data = b"".join(_line(task, event) for task, event in written)
    path = f"{layout.log}/{CURRENT}"
    try:
        descriptor = os.open(path, APPEND_FLAGS)
    except FileNotFoundError:
        atomic.make_folder(layout.log)
        _begin(layout)
        descriptor = os.open(path, APPEND_FLAGS)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _line(task: Task, event: Event) -> bytes:
    return dumps_line({"task_id": task.id, "lane": task.lane, **encode_event(event)}).encode() + b"\n"


def rotate(layout: Layout) -> None:
    """Begin the next segment if this one is full; of old ones, keep the newest 16. Raises OSError."""
    if os.stat(f"{layout.log}/{CURRENT}").st_size >= FULL:
        _begin(layout)
        for number in segments(layout)[:-KEPT]:
            atomic.discard(_path(layout, number))


def segments(layout: Layout) -> list[int]:
    """The numbers of those that are there, in order."""
    names = (name.removesuffix(SUFFIX) for name in atomic.names(layout.log) if name.endswith(SUFFIX))
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def read(layout: Layout, cursor: str | None) -> Iterator[Logged]:
    """The lines after a cursor, or all that are kept. Raises NotFound (it is kept no more), BadUsage, OSError."""
    first, offset = _parsed(cursor)
    there = segments(layout)
    if cursor is not None and there and first not in there:
        hint = "go on from a time, or with what is kept"
        raise NotFound(f"cursor {cursor}: that part of the log is not kept any more", hint=hint)
    for number in there:
        if number >= first:
            yield from _lines(layout, number, offset if number == first else 0)


def end(layout: Layout) -> str:
    """The cursor after the newest line."""
    there = segments(layout)
    if not there:
        return "1:0"
    return f"{there[-1]}:{os.stat(_path(layout, there[-1])).st_size}"


def _begin(layout: Layout) -> None:
    """Make the next segment the current one; whoever else begins it at the same time makes the same one."""
    number = max(segments(layout), default=0) + 1
    born, path = f"{layout.tmp}/{chance(16)}", _path(layout, number)
    atomic.write_new(born, b"", durable=False)
    try:
        try:
            os.link(born, path)
        except FileExistsError:
            pass
        atomic.discard(born)
        os.link(path, born)
        os.rename(born, f"{layout.log}/{CURRENT}")
    finally:
        atomic.discard(born)  # where both were the same file already, a rename does nothing


def _path(layout: Layout, number: int) -> str:
    return f"{layout.log}/{number:010d}{SUFFIX}"


def _parsed(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    from agent_lanes.core.logged import is_cursor

    if not is_cursor(cursor):
        raise BadUsage(f"cursor: {cursor!r} is not one; they are <segment>:<offset>, take one of an earlier answer")
    segment, _, offset = cursor.partition(":")
    return int(segment), int(offset)


def _lines(layout: Layout, number: int, offset: int) -> Iterator[Logged]:
    """The whole lines of a segment; one that was cut off is passed over, its end is not there yet or never will be."""
    from agent_lanes.core.logged import decode_logged

    try:
        descriptor = os.open(_path(layout, number), atomic.READ_FLAGS)
    except FileNotFoundError:
        return  # just removed
    try:
        rest = b""
        while chunk := os.pread(descriptor, CHUNK, offset + len(rest)):
            *whole, rest = (rest + chunk).split(b"\n")
            for raw in whole:
                offset += len(raw) + 1
                try:
                    yield decode_logged(loads_object(raw.decode()), f"{number}:{offset}")
                except ValueError:
                    continue
            if len(rest) > LONGEST_LINE:
                offset, rest = offset + len(rest), b""  # no line of ours, nor is its end
    finally:
        os.close(descriptor)
