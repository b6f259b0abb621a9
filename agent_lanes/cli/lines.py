"""Lines of a file or a pipe, as many at once as have come.

A pipe that brings its lines slowly is not waited for: what has come is handed on. A line that is too long to be one
is passed over up to its end, so that it costs no memory.
"""

from __future__ import annotations

import os
import select

from agent_lanes.errors import StorageFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 64 << 20
CHUNK = 1 << 18

Numbered = tuple[int, bytes | None]


def together(descriptor: int, source: str, most: int, most_bytes: int) -> Iterator[list[Numbered]]:
    """Batches of lines with their numbers, counted from 1; None in place of a line of more than 64 MiB.

    Blank lines are counted and left out. Raises StorageFailed, which names the `source`.
    """
    batch, size = list[Numbered](), 0
    for line in _numbered(descriptor, source):
        if line is not None:
            batch.append(line)
            size += len(line[1] or b"")
        if len(batch) == most or size >= most_bytes or (batch and line is None):
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _numbered(descriptor: int, source: str) -> Iterator[Numbered | None]:
    """Each line that is not blank; None wherever more would have to be waited for."""
    number, parts, size = 1, list[bytes](), 0
    while chunk := _read(descriptor, source):
        for position, text in enumerate(chunk.split(b"\n")):
            if position:
                yield from _line(number, parts, size)
                number, parts, size = number + 1, [], 0
            size += len(text)
            if size <= LONGEST:
                parts.append(text)
            else:
                parts.clear()
        if not select.select([descriptor], [], [], 0)[0]:
            yield None
    yield from _line(number, parts, size)


def _line(number: int, parts: list[bytes], size: int) -> Iterator[Numbered]:
    if size > LONGEST:
        yield number, None
    elif text := b"".join(parts).strip():
        yield number, text


def _read(descriptor: int, source: str) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except OSError as wrong:
        raise StorageFailed(f"cannot read {source}: {wrong.strerror}") from None
