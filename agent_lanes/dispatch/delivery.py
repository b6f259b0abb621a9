"""An answer, sent until the store has taken it.

An hour of an agent's work must not be lost to a disk that was full for a moment: what may pass is tried again for a
minute; what cannot be taken at all goes into a file of the user's, and the log says which.
"""

from __future__ import annotations

import os
import tempfile

from agent_lanes.errors import Busy, NotAllowed, StorageFailed, Unconfirmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

PAUSES_SECONDS = (1, 2, 4, 8, 16, 32)
PREFIX = "agent-lanes-answer-"


def deliver(send: Callable[[], T], *, hurry: threading.Event, say: Callable[[str], None]) -> T | None:
    """Send, and again after pauses while the store cannot take it for now; None where it was never confirmed.

    Done but not confirmed: the same answer again confirms it. `hurry` cuts the pauses short. Raises what the last try
    raised.
    """
    confirming = False
    for pause in (*PAUSES_SECONDS, None):
        try:
            return send()
        except Unconfirmed as wrong:
            if confirming:
                say(f"done, but not confirmed: {wrong.message}")
                return None
            confirming = True
        except (Busy, StorageFailed, NotAllowed) as wrong:
            if pause is None or hurry.is_set():
                raise
            say(f"the store cannot take it now, again in {pause} s: {wrong.message}")
            hurry.wait(pause)
    return None


def keep_in_file(answer: bytes) -> str | None:
    """Put an answer that the store could not take into a new file for this user alone; its path, None if that fails."""
    if not answer:
        return None
    try:
        descriptor, path = tempfile.mkstemp(prefix=PREFIX)
        with open(descriptor, "wb") as file:
            file.write(answer)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        return None
    return path
