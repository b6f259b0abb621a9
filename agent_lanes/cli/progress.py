"""What a person sees who waits at a terminal: one line, written over and over, removed at the end."""

from __future__ import annotations

import time

from agent_lanes.cli import output
from agent_lanes.cli.screen import columns_of, shortened, size
from agent_lanes.core.escapes import one_line
from agent_lanes.core.names import short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from agent_lanes.core.task import Snapshot
    from agent_lanes.ports import Backend

REFRESH_SECONDS = 1.0


class Progress:
    """The line. Leaving the `with` removes it; times are since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove it, until it is drawn again."""
        if self._width:
            output.over(" " * self._width)
            output.over("")
            self._width = 0

    def show(self, what: str) -> None:
        """Draw the line anew, cut to the terminal."""
        age = int(time.monotonic() - self._started)
        line = shortened(one_line(f"{age // 60}:{age % 60:02d} · {what}"), size(2)[0] - 1)
        output.over(line + " " * (self._width - columns_of(line)))
        self._width = columns_of(line)


def of_task(snapshot: Snapshot, backend: Backend) -> str:
    """State, owner, last event, id."""
    last = backend.last_event(snapshot.id)
    owner = f" by {snapshot.claim.owner}" if snapshot.claim and snapshot.claim.held else ""
    event = f" · {last.type}{': ' + last.message if last.message else ''}" if last else ""
    return f"{snapshot.state}{owner} · {short_id(snapshot.id)}{event}"
