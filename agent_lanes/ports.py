"""What the services need of a backend. Small Protocols; every backend passes one suite (tests/contracts/).

    TaskStore   the facts: create, read, update, scan
    Finder      the hints: what may be claimed next
    Holds       what people stopped, beside single tasks
    Counts      how many are where, and what was done
    Signals     the wake-ups: something may have changed
    Runs        an agent at work on a task, known by a lock that outlives its dispatcher
    Presence    who listens
    Receipts    who has seen a task, and its answer
    Ledger      what agents took
    Archive     finished tasks moved aside, found by their ids all the same
    Examined    what `doctor` asks

A hint or a signal may be wrong in one direction only: a claimable task is always found and a change always
noticed, at latest after the slow re-check; what is found may turn out not to be claimable.
"""

from __future__ import annotations

from typing import Protocol

from agent_lanes.births import Birth as Birth
from agent_lanes.births import Creation as Creation
from agent_lanes.observation import Examined, Ledger, Log, Presence, Receipts
from agent_lanes.wakeups import Signals
from agent_lanes.wakeups import Watch as Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from agent_lanes.core.archiving import Packed
    from agent_lanes.core.fairness import Flow
    from agent_lanes.core.holds import Hold
    from agent_lanes.core.parcel import Parcel
    from agent_lanes.core.stats import Standing, Tally
    from agent_lanes.core.task import Event, Run, Snapshot, Task
    from agent_lanes.core.times import Moment
    from agent_lanes.core.transitions import Change
    from agent_lanes.errors import AgentLanesError, Damaged

    Decide = Callable[[Snapshot, Moment], Change]
    Make = Callable[["Birth"], Task]


class TaskStore(Protocol):
    """The facts. Every write is one atomic step; what precedes it is invisible, what follows it is a hint."""

    @property
    def address(self) -> str:
        """What this store was opened with: the absolute path of its folder, or `memory:`."""

    def now(self) -> Moment:
        """The clocks."""

    def prepare(self) -> None:
        """Make the store, or bring it up to date, if it needs that. Raises BadData, Busy, StorageFailed."""

    def new_token(self) -> str:
        """32 hex digits of chance: what proves a claim."""

    def create(
        self,
        lane: str,
        make: Make,
        request: bytes | None = None,
        key: str | None = None,
        unique_key: str | None = None,
        flow: Flow | None = None,
    ) -> Task:
        """Store a new task, and its request where that came from stdin; durable when this returns.

        Returns what `make` made, that very object; or, where the idempotency key `key` had been used before, the
        task that it was used for; or else the open task of the lane that has the `unique_key`, of which there is
        never more than one. With a `flow` its place is that of core.fairness. `make` may run more than once.
        Raises Damaged, StorageFailed, Busy; Unconfirmed after the commit.
        """

    def submitted_as(self, key: str) -> str | None:
        """The id of the task that an idempotency key was used for, if any. Raises Damaged, StorageFailed."""

    def create_many(self, wanted: Sequence[Creation]) -> list[Task | AgentLanesError]:
        """Store new tasks together, at the cost of one; durable when this returns. What became of each, in order: the
        task, or the error that `create` would have raised, whatever becomes of those that it does not need."""

    def restore(self, snapshot: Snapshot, events: tuple[Event, ...], request: bytes | None) -> None:
        """Store a task as it was somewhere else, durably; one that is there already is left as it is.

        Raises StorageFailed, Busy; Unconfirmed after the commit.
        """

    def read(self, id: str) -> Snapshot:
        """One task. Raises NotFound, Damaged. Takes no lock, changes nothing."""

    def finished(self, id: str) -> bool:
        """Whether there is an answer; as cheap as a look. Raises NotFound."""

    def update(
        self, id: str, decide: Decide, *, patient: bool = True, seen: Snapshot | None = None
    ) -> tuple[Snapshot, Change]:
        """Read, decide, commit: the only way to change a task. `decide` may run more than once.

        Returns the snapshot after the change. What `decide` raises ends the update and changes nothing. With
        `patient` False, a task that somebody is working on right now raises Busy at once. `seen` is what the
        caller has just read: it may be decided on first, instead of reading again. Raises Busy, StorageFailed;
        Unconfirmed after the commit.
        """

    def confirm(self, *ids: str) -> None:
        """Make sure that answers which were read survive a power cut. Raises StorageFailed."""

    def scan(
        self, *, active_only: bool = False, lane: str | None = None, newest_first: bool = False
    ) -> Iterator[Snapshot | Damaged]:
        """Every task, by id; damaged ones as the error that reading them raises. A look, not a transaction."""

    def ids(self) -> list[str]:
        """The id of every task that is not archived, sorted: names alone, no task is read."""

    def events(self, id: str) -> Iterator[Event]:
        """The history of one task, oldest first; lines that cannot be read are left out. Raises NotFound."""

    def last_event(self, id: str) -> Event | None:
        """The newest line of the history, at the cost of one short read."""

    def stored_request(self, id: str) -> bytes:
        """The request that came from stdin and is kept in the store. Raises NotFound, Damaged."""

    def request_location(self, task: Task) -> str | None:
        """The absolute path of the request; None where there is only a prompt, or no file holds it."""


class Finder(Protocol):
    """The hints."""

    def claimed_as(self, owner: str, request_id: str) -> str | None:
        """The id of the task that this owner last claimed with this request id, if any."""

    def candidates(
        self, lane: str, routes: tuple[str, ...] | None, *, without: tuple[str, ...] = (), tidy: bool = False
    ) -> Iterator[str]:
        """Ids of tasks that may be claimable, in order; a superset. `routes` None is every route but those `without`.

        What somebody else took while the caller looked at those before it may be left out. Changes nothing, unless
        the caller, who is about to change the store anyway, lets it `tidy`: first promote, and clean up on the way.
        """

    def settle(self, id: str) -> None:
        """Make the hints of one task agree with its facts. Called on a candidate that was not claimable."""

    def promote(self, lane: str) -> None:
        """List the tasks of the lane whose lease has run out among the ready ones."""

    def next_due(self, lane: str) -> int | None:
        """When the next lease of the lane runs out, in microseconds of `placement.timer_now`; None if none does."""

    def claimed(self, lane: str) -> Iterator[str]:
        """Ids of tasks of the lane that may be claimed under a live lease; a superset. An id may come twice."""

    def alone(self, lane: str) -> AbstractContextManager[object]:
        """`with backend.alone(lane):` nobody else who counts the lane's claims claims there meanwhile. Raises Busy."""

    def dead(self, lane: str | None) -> Iterator[str]:
        """Ids of tasks that died, and that nobody has seen to, by lane; a superset, at a cost of their own number."""

    def depth(self, lane: str) -> int:
        """How many tasks of the lane are listed as ready."""

    def ever_submitted(self, lane: str) -> bool:
        """Whether the lane has had a task."""

    def children(self, id: str) -> list[str]:
        """The ids of the tasks that name this one (core.kin), by creation; a superset."""

    def in_thread(self, thread: str) -> list[str]:
        """The ids of the tasks of a thread, by creation; a superset."""

    def lanes(self) -> list[str]:
        """The lanes that have had tasks, sorted, as far as the hints tell."""

    def vendors(self) -> list[str]:
        """Whom tasks were meant for, sorted, as far as the hints tell; `any` is one of them."""

    def busy(self, lane: str) -> bool:
        """Whether a task of the lane is claimed under a lease that still runs, as far as the hints tell."""


class Holds(Protocol):
    """What people put on hold beside single tasks: lanes, vendors, vendors on lanes."""

    def holds(self) -> tuple[Hold, ...]:
        """All of them, also those whose time is over; at next to no cost where there are none. Raises StorageFailed."""

    def put_hold(self, hold: Hold) -> None:
        """Let one stand, in place of one of the same lane and vendor, durably. Raises StorageFailed, Busy."""

    def drop_hold(self, lane: str | None, vendor: str | None) -> bool:
        """End one, durably, and wake who waits for work; whether there was one. Raises StorageFailed, Busy."""


class Counts(Protocol):
    """Numbers, at a cost that does not depend on how much is stored: near enough for people, and for monitoring."""

    def standing(self, lane: str) -> Standing:
        """How many open tasks of the lane are where; one that moves meanwhile may be counted twice."""

    def tally(self, lane: str, since: int | None = None) -> Tally:
        """How many were submitted to the lane, and how those ended that did, since an instant (by the minute) or ever.

        Counted as it happens: what a crash interrupted may be missing, and what was imported is.
        """


class RunLock(Protocol):
    """Held while an agent works on a task; the agent's process inherits it, and with it the claim's protection."""

    @property
    def descriptor(self) -> int:
        """What the agent's process inherits; -1 where there is no such thing, or once it has ended."""

    @property
    def path(self) -> str:
        """The lock's file; empty where there is none."""

    def end(self) -> None:
        """Nobody works on the task any more. A second call does nothing."""


class Runs(Protocol):
    """Agents at work. While one runs, a lease that has run out is taken over by nobody, up to a stated time."""

    def begin_run(self, id: str, token: str, *, mark: str, limit_seconds: float) -> RunLock:
        """Begin to work on a task that this token holds, for at most so long; `mark` tells the agent's processes.

        Raises LostClaim; Busy where the agent of an earlier claim still runs; NotFound, StorageFailed.
        """

    def running(self, id: str) -> Run | None:
        """Who works on a task right now, if anybody does."""

    def keep_answer(self, id: str, raw: bytes) -> str:
        """Keep an answer beside the task as it came, where it is no UTF-8; where it lies. Raises StorageFailed."""


class Archive(Protocol):
    """Finished tasks, moved where they cost next to nothing.

    `read`, `finished`, `events`, `stored_request` find them as before; `scan` leaves them out; `update` confirms what
    had been done and refuses everything else; an idempotency key holds until its task is pruned.
    """

    def archive(
        self, before: int, of_lanes: Mapping[str, int] = {}, *, lane: str | None = None, dry_run: bool = False
    ) -> Iterator[Packed]:
        """Move the tasks that were answered before an instant; tells of each step once it is durable.

        Lanes in `of_lanes` have an instant of their own.

        A step without a month names the tasks that cannot be moved. Raises Busy, StorageFailed.
        """

    def archived(self, *, lane: str | None = None) -> Iterator[Parcel | Damaged]:
        """The archived tasks, by month; what cannot be read as the error that reading it raises."""

    def archived_ids(self) -> Iterator[str]:
        """The ids of those that can be read, pack by pack: names alone, no task is read. Raises StorageFailed."""

    def prune(self, before: int, *, dry_run: bool = False) -> Iterator[Packed]:
        """Delete the archived tasks of every month that was over at an instant. Raises Busy, StorageFailed."""


class Backend(
    TaskStore, Finder, Holds, Counts, Signals, Presence, Log, Receipts, Ledger, Runs, Archive, Examined, Protocol
):
    """All of it: what an address opens."""
