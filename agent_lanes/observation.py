"""What the services need of a backend to tell people what goes on: nothing in the queue depends on it.

Presence    who listens
Receipts    who has seen a task, and its answer
Examined    what `doctor` asks
Log         what happened in the whole store
Ledger      what agents took
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from agent_lanes.core.finding import Finding
    from agent_lanes.core.ledger import Entry
    from agent_lanes.core.logged import Logged
    from agent_lanes.core.presence import Sign
    from agent_lanes.core.task import Event, Snapshot

    Tell = Callable[[Snapshot, Event], None]


class Attendance(Protocol):
    """A sign that a listener leaves; it stands while the `with` block runs, and goes with the process."""

    def keep(self) -> None:
        """Leave it now, if it could not be left before. Never raises."""

    def __enter__(self) -> Attendance: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Presence(Protocol):
    """Who listens. A hint: nothing but warnings and listings depend on it; to leave a sign never fails."""

    def attend(self, lane: str, *, vendor: str, owner: str, kind: str) -> Attendance:
        """A sign of this process, to be left by `with`; makes no store."""

    def signs(self, lane: str | None = None, vendor: str | None = None) -> Iterator[Sign]:
        """Those who listen now, of one lane or of all; with a vendor, those who are offered its tasks."""


class Receipts(Protocol):
    """Who has seen a task, and its answer: lines of its history, which nothing depends on."""

    def note_receipt(self, snapshot: Snapshot, type: str, by: str) -> None:
        """Add the line, unless the history has one of this type. Never raises: who only looked must not fail.

        A store that must be brought up, or may not be written to, is left as it is.
        """


class Ledger(Protocol):
    """What each attempt of an agent took: only added to. A line may be missing; the task's history has it then."""

    def enter(self, entry: Entry) -> None:
        """Add an entry, in one write. Raises StorageFailed."""

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """Those that ended at an instant or later, as they were written. Raises StorageFailed."""

    def latest_entries(self) -> list[Entry]:
        """The last few hundred of this month, oldest first, at the cost of one read. Raises StorageFailed."""


class Examined(Protocol):
    """What `doctor` asks a backend."""

    def examine(self) -> Iterator[Finding]:
        """What is not as it should be; takes no lock, changes nothing. Raises StorageFailed."""

    def repair(self, findings: list[Finding]) -> list[Finding]:
        """Mend what can be mended without deleting a fact; the findings again, with what was done.

        Nobody changes the store meanwhile. Raises Busy, StorageFailed.
        """


class Log(Protocol):
    """The events of all tasks, in the order in which they were written; those of imported tasks are not among them.

    Its size is bounded: the oldest go. A process that is killed right after a commit leaves its event out.
    """

    def log(self, cursor: str | None = None) -> Iterator[Logged]:
        """The lines after a cursor, or all that are kept. Raises NotFound where the cursor's part is kept no more."""

    def log_end(self) -> str:
        """The cursor after the newest line."""
