"""The ledger: one entry for each attempt of an agent, and what entries add up to.

    Entry         what an attempt took, and how it ended
    of_history    the entries that a task's own history tells: for those whose line is missing in the ledger
    summed        sums by lane, vendor, thread, day or model
    failures_in_a_row, limits_in_a_row     how a vendor has done since its last answer
    ceiling_of    what a task may cost

What an agent did not report is None, counts as nothing, and is counted: sums are of what is known.
"""

from __future__ import annotations

from agent_lanes.core.fields import instant, maybe_text, maybe_whole, text, whole
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.kin import thread
from agent_lanes.core.times import iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event, Snapshot, Task

    T = TypeVar("T", int, float)

ANSWERED, FAILED, INCOMPLETE, TIMEOUT, TOO_MUCH = "answered", "failed", "incomplete", "timeout", "too_much_output"
USAGE_LIMIT, NOT_LOGGED_IN, CANNOT_START = "usage_limit", "not_logged_in", "cannot_start"
STOPPED, LOST, TROUBLE = "stopped", "lost", "trouble"  # the last: of the dispatcher, such as a full disk
FAULTS = (FAILED, INCOMPLETE, NOT_LOGGED_IN, CANNOT_START)  # which a vendor may be to blame for
NEVER_OF_THE_TASK = (NOT_LOGGED_IN, CANNOT_START)
BREAKS = 3
BY = ("lane", "vendor", "thread", "day", "model")
NOT_KNOWN = "-"
ENDED = {"headless_completed": ANSWERED, "headless_failed": FAILED}  # the events that tell what an attempt took
TOOK = ("tokens_in", "tokens_out", "cost_usd", "seconds")
MAX_EPOCH = 10**9


class Entry(Frozen):
    """One attempt. `at`: when it ended, microseconds UTC; `thread`: the task's thread_id, else its correlation id."""

    at: int
    task: str
    epoch: int
    lane: str
    vendor: str
    thread: str
    source_agent: str
    outcome: str
    model: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None

    @property
    def day(self) -> str:
        """The day on which it ended, UTC."""
        return iso(self.at)[:10]


class Sum(Frozen):
    """What some attempts took together; `unknown_cost`: how many of them did not tell their cost.

    The tokens are None where there were attempts, and none of them told theirs.
    """

    attempts: int = 0
    answered: int = 0
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    cost_usd: float = 0.0
    unknown_cost: int = 0
    seconds: float = 0.0

    @property
    def known_cost(self) -> float | None:
        """What is known to be spent, in USD; None where no attempt told its cost."""
        return None if self.attempts and self.unknown_cost == self.attempts else self.cost_usd

    def plus(self, entry: Entry) -> Sum:
        """The sum with one more."""
        return Sum(
            attempts=self.attempts + 1,
            answered=self.answered + (entry.outcome == ANSWERED),
            tokens_in=self._with("tokens_in", entry.tokens_in),
            tokens_out=self._with("tokens_out", entry.tokens_out),
            cost_usd=round(self.cost_usd + (entry.cost_usd or 0.0), 9),
            unknown_cost=self.unknown_cost + (entry.cost_usd is None),
            seconds=round(self.seconds + (entry.seconds or 0.0), 3),
        )

    def together(self, other: Sum) -> Sum:
        """Both."""
        if not (self.attempts and other.attempts):
            return self if self.attempts else other
        return Sum(**{name: _added(value, getattr(other, name)) for name, value in self.__dict__.items()})  # type: ignore[arg-type]

    def _with(self, name: str, more: int | None) -> int | None:
        """Tokens, with those of one attempt more."""
        return _added(getattr(self, name) if self.attempts else None, more)


def entry_of(task: Task, *, at: int, epoch: int, outcome: str, details: JsonObject) -> Entry:
    """The entry of an attempt at a task; `details` under the names of its metadata."""
    model = details.get("model_used")
    return Entry(
        at=at,
        task=task.id,
        epoch=epoch,
        lane=task.lane,
        vendor=str(details.get("vendor") or task.vendor),
        thread=thread(task) or task.correlation_id,
        source_agent=task.source_agent,
        outcome=outcome,
        model=model if isinstance(model, str) and model else None,
        tokens_in=_count(details.get("tokens_in")),
        tokens_out=_count(details.get("tokens_out")),
        cost_usd=_amount(details.get("cost_usd")),
        seconds=_amount(details.get("seconds")),
    )


def of_history(snapshot: Snapshot, events: Iterable[Event]) -> list[Entry]:
    """The attempts that tell what they took, oldest first: in the events of dispatchers, else in the answer."""
    found: dict[int, Entry] = {}
    for event in events:
        if event.type in ENDED and event.epoch not in found and any(event.data.get(name) is not None for name in TOOK):
            outcome = event.data.get("outcome")
            found[event.epoch] = entry_of(
                snapshot.task,
                at=event.created_at,
                epoch=event.epoch,
                outcome=outcome if isinstance(outcome, str) and outcome else ENDED[event.type],
                details=event.data,
            )
    answer = snapshot.response
    if answer is not None and answer.epoch not in found and any(answer.metadata.get(name) is not None for name in TOOK):
        outcome = ANSWERED if answer.status == "completed" else FAILED
        found[answer.epoch] = entry_of(
            snapshot.task, at=answer.created_at, epoch=answer.epoch, outcome=outcome, details=answer.metadata
        )
    return [found[epoch] for epoch in sorted(found)]


def summed(entries: Iterable[Entry], by: str) -> tuple[dict[str, Sum], Sum]:
    """The sums by one of BY, the dearest first (days in order), and of all."""
    found: dict[str, Sum] = {}
    whole = Sum()
    for entry in entries:
        key = getattr(entry, by) or NOT_KNOWN
        found[key] = found.get(key, Sum()).plus(entry)
        whole = whole.plus(entry)
    if by == "day":
        return dict(sorted(found.items())), whole
    return dict(sorted(found.items(), key=lambda item: (-item[1].cost_usd, -item[1].attempts, item[0]))), whole


def encode_entry(entry: Entry) -> JsonObject:
    """A line of the ledger."""
    return {
        "at": iso(entry.at),
        "task_id": entry.task,
        "epoch": entry.epoch,
        "lane": entry.lane,
        "vendor": entry.vendor,
        "thread": entry.thread,
        "source_agent": entry.source_agent,
        "outcome": entry.outcome,
        "model_used": entry.model,
        "tokens_in": entry.tokens_in,
        "tokens_out": entry.tokens_out,
        "cost_usd": entry.cost_usd,
        "seconds": entry.seconds,
    }


def decode_entry(record: JsonObject) -> Entry:
    """The Entry of a line. Raises Malformed."""
    return Entry(
        at=instant(record, "at"),
        task=text(record, "task_id"),
        epoch=whole(record, "epoch", MAX_EPOCH),
        **{field: text(record, field) for field in ("lane", "vendor", "thread", "source_agent", "outcome")},
        model=maybe_text(record, "model_used"),
        tokens_in=maybe_whole(record, "tokens_in"),
        tokens_out=maybe_whole(record, "tokens_out"),
        cost_usd=_amount(record.get("cost_usd")),
        seconds=_amount(record.get("seconds")),
    )


def failures_in_a_row(entries: Iterable[Entry], vendor: str) -> list[Entry]:
    """The failures of a vendor since its last answer, oldest first: those that it may be to blame for."""
    found: list[Entry] = []
    for entry in entries:
        if entry.vendor == vendor and entry.outcome == ANSWERED:
            found = []
        elif entry.vendor == vendor and entry.outcome in FAULTS:
            found.append(entry)
    return found


def breaks(failures: list[Entry]) -> bool:
    """Whether so many failures in a row are the vendor's: three, and not all of one task that may be to blame."""
    last = failures[-BREAKS:]
    several = len({entry.task for entry in last}) > 1
    return len(last) == BREAKS and (several or all(entry.outcome in NEVER_OF_THE_TASK for entry in last))


def limits_in_a_row(entries: Iterable[Entry], vendor: str, apart: int) -> int:
    """How often a vendor has reached its usage limit since its last answer; within `apart` microseconds is once."""
    count, last = 0, 0
    for entry in entries:
        if entry.vendor == vendor and entry.outcome == ANSWERED:
            count, last = 0, 0
        elif entry.vendor == vendor and entry.outcome == USAGE_LIMIT and (not count or entry.at - last >= apart):
            count, last = count + 1, entry.at
    return count


def ceiling_of(task: Task) -> float | None:
    """What a task may cost, in USD; None without a ceiling. Metadata may state it, too, as in 0.1."""
    return task.max_cost_usd if task.max_cost_usd is not None else _amount(task.metadata.get("max_cost_usd"))


def _added(one: T | None, other: T | None) -> T | None:
    """What is known of both."""
    if one is None or other is None:
        return other if one is None else one
    return round(one + other, 9)


def _count(value: object) -> int | None:
    found = _amount(value)
    return None if found is None else int(found)


def _amount(value: object) -> float | None:
    """A number that can be added up: none below zero, no NaN; also as a text, as metadata from a command line are."""
    try:
        found = None if value is None or isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found is not None and 0 <= found < 1e12 else None
