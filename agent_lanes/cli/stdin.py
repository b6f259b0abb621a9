"""Bodies and requests from stdin and from files, up to the limit and one byte more, so that too much is noticed."""

from __future__ import annotations

import os
import stat

from agent_lanes.cli import output
from agent_lanes.errors import BadData, NotFound, StorageFailed, of_system
from agent_lanes.services.bodies import MAX_BODY_BYTES

CHUNK = 1 << 20


def read(field: str) -> bytes:
    """All of stdin. Raises StorageFailed; what is too long is cut past the limit, for the caller to refuse."""
    if output.on_terminal(0):
        output.note(f"agent-lanes: reading the {field} from the terminal; end it with Ctrl-D")
    return _all(0, field, "stdin")


def read_file(path: str, field: str) -> bytes:
    """All of a file, or of what a pipe brings: `--file <(command)`. Raises NotFound, BadData, StorageFailed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"{field}: there is no file {path}") from None
    except OSError as wrong:
        raise of_system(f"{field}: cannot read {path}: {wrong.strerror}", wrong) from None
    except ValueError as wrong:
        raise StorageFailed(f"{field}: cannot read {path}: {wrong}") from None
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise BadData(f"{field}: {path} is not a file")
        return _all(descriptor, field, path)
    finally:
        os.close(descriptor)


def _all(descriptor: int, field: str, source: str) -> bytes:
    parts, size = [], 0
    try:
        while size <= MAX_BODY_BYTES and (chunk := os.read(descriptor, CHUNK)):
            parts.append(chunk)
            size += len(chunk)
    except OSError as wrong:
        raise StorageFailed(f"{field}: cannot read {source}: {wrong.strerror}") from None
    return b"".join(parts)
