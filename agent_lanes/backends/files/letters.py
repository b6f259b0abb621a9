"""dead/<lane>/<id>: hints, which name the tasks that died and that nobody has seen to.

Made under the task's lock before the answer, dropped after the line of history that says what was done about it.
Unlike other hints they outlive reboots as they are: to make them anew, every finished task has to be read, which only
`doctor` does. So the folder is synced when one is made; there are few.
"""

from __future__ import annotations

import os

from agent_lanes.backends.files import atomic, journal
from agent_lanes.backends.files.layout import EVENTS, TASK, Layout
from agent_lanes.core.dead import died, seen_to
from agent_lanes.core.names import escape, task_id
from agent_lanes.core.task import Event, Snapshot
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def make(layout: Layout, snapshot: Snapshot) -> None:
    """List a task. Raises OSError."""
    path = layout.dead_letter(snapshot.task.lane, snapshot.id)
    atomic.make_marker(path, f"{layout.task(snapshot.id)}/{TASK}")
    atomic.sync_folder(os.path.dirname(path))


def make_due(layout: Layout, snapshot: Snapshot, events: tuple[Event, ...]) -> None:
    """List a task that comes from elsewhere, if it died and nobody has seen to it. Raises OSError."""
    if died(snapshot) and not seen_to(events):
        make(layout, snapshot)


def drop(layout: Layout, snapshot: Snapshot) -> None:
    """No longer list it. Raises OSError."""
    atomic.drop_marker(layout.dead_letter(snapshot.task.lane, snapshot.id))


def ids(layout: Layout, lane: str | None) -> Iterator[str]:
    """The ids that are listed, of one lane or of all. Raises OSError."""
    for name in atomic.names(layout.dead) if lane is None else [escape(lane)]:
        for id in atomic.names(f"{layout.dead}/{name}"):
            try:
                yield task_id(id)
            except BadUsage:  # a foreign file
                continue


def missing(layout: Layout, snapshot: Snapshot) -> bool:
    """Whether a task should be listed and is not. Raises OSError."""
    if not died(snapshot) or os.path.lexists(layout.dead_letter(snapshot.task.lane, snapshot.id)):
        return False
    return not seen_to(journal.read(f"{layout.task(snapshot.id)}/{EVENTS}"))
