"""A stream of submissions that may name each other: whole graphs, forward references, any length.

    stream = Stream(backend)
    outcomes = stream.add(some)       what became of the submissions so far, in their order, as far as that is known
    outcomes = stream.close()         the rest

A submission may have a name, and depend on `@name`: on the one of the stream that has it, before or behind. One that
names what has not come yet is held back; all others are committed at once, as many together as one commit takes. Of
those committed together each stands behind those that it depends on, and knows their ids, because ids are given before
the commit. What depends on one that was not submitted is not, either; nor is what goes round in a circle.
"""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.rules import NO_LANES
from agent_lanes.core.terms import BY_KEY, LOCAL
from agent_lanes.errors import AgentLanesError, BadUsage
from agent_lanes.services.artifacts import Resolver
from agent_lanes.services.batches import AT_ONCE, BYTES_AT_ONCE, Outcome, outcome_of
from agent_lanes.services.creating import Creating, Named
from agent_lanes.services.submission import Submission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent_lanes.core.rules import Lanes
    from agent_lanes.ports import Backend

MOST_HELD, MOST_HELD_BYTES = 100_000, 256 << 20


class Ready:
    """A submission that can be committed, and what later ones may call it."""

    def __init__(self, number: int, creating: Creating, named: list[Named]) -> None:
        self.number, self.creating, self.named = number, creating, named


class Held:
    """A submission that waits for names which have not come yet."""

    def __init__(self, number: int, wanted: Submission, missing: set[str]) -> None:
        self.number, self.wanted, self.missing = number, wanted, missing


class Stream:
    """One stream. Not to be shared among threads."""

    def __init__(self, backend: Backend, lanes: Lanes = NO_LANES, *, most_held: int = MOST_HELD) -> None:
        self.backend, self.lanes, self.most_held = backend, lanes, most_held
        self.names: dict[str, Named] = {}  # those that have come, by `@name` and `key:K`
        self.waiting: dict[str, list[Held]] = {}  # by the name that has not come
        self.held: dict[int, Held] = {}
        self.held_bytes = 0
        self.defined = set[str]()  # every name that has come, also of those that are held
        self.failed = list[Named]()  # that nobody who waits for them has been told yet
        self.outcomes: dict[int, Outcome] = {}
        self.count = self.told = 0
        self.places = Resolver()  # each path is followed once for all that come together

    def add(self, wanted: Sequence[Submission | AgentLanesError]) -> list[Outcome]:
        """Take more. Returns what is known of those that have not been told, in order."""
        self.places = Resolver()
        self._commit(self._taken(wanted))
        return self._tell()

    def close(self) -> list[Outcome]:
        """There are no more: refuse what names nobody, and circles; the rest of the outcomes."""
        for name in [name for name in self.waiting if name not in self.defined]:
            self._refuse(self.waiting.pop(name), f"depends_on: no task of this stream has the name {name}")
        self._commit(self._released())
        by_name = {_name(held.wanted): held for held in self.held.values() if held.wanted.name is not None}
        for held in list(self.held.values()):
            while held.number in self.held:
                circle = _circle(held, by_name)
                path = " -> ".join(_name(one.wanted) for one in [*circle, circle[0]])
                self._refuse(circle, f"depends_on: a cycle: {path}")
                self._commit(self._released())
        return self._tell()

    def _taken(self, wanted: Iterable[Submission | AgentLanesError]) -> Iterator[Ready]:
        """Those that can be committed now, each behind those that it depends on."""
        for one in wanted:
            number, self.count = self.count, self.count + 1
            if isinstance(one, AgentLanesError):
                self.outcomes[number] = Outcome(error=one)
                continue
            problem = self._define(one)
            if problem is not None:
                self.outcomes[number] = Outcome(error=problem)
                continue
            missing = {name for name in _local(one) if name not in self.names}
            if missing:
                self._hold(Held(number, one, missing))
            else:
                yield from self._ready(number, one)

    def _define(self, one: Submission) -> BadUsage | None:
        """Note its name; the error where another has it."""
        if one.name is None:
            return None
        try:
            names.key("name", one.name)
        except BadUsage as wrong:
            return wrong
        if _name(one) in self.defined:
            return BadUsage(f"name: {names.shown(one.name)} is that of another task of this stream")
        self.defined.add(_name(one))
        return None

    def _hold(self, held: Held) -> None:
        if len(self.held) >= self.most_held or self.held_bytes + _size(held.wanted) > MOST_HELD_BYTES:
            missing = min(held.missing)
            self._refuse([held], f"depends_on: {missing} is too far behind; put it before what depends on it")
            return
        self.held[held.number] = held
        self.held_bytes += _size(held.wanted)
        for name in held.missing:
            self.waiting.setdefault(name, []).append(held)

    def _ready(self, number: int, wanted: Submission) -> Iterator[Ready]:
        """This one, and those that waited for it alone, and so on."""
        work = [(number, wanted)]
        while work:
            number, wanted = work.pop()
            creating = None
            try:
                creating = Creating(wanted, self.backend, self.lanes, self.names, self.places)
            except AgentLanesError as wrong:
                self.outcomes[number] = Outcome(error=wrong)
            called = [_name(wanted)] if wanted.name is not None else []
            if wanted.idempotency_key is not None:
                called.append(BY_KEY + wanted.idempotency_key)
            named = [Named(name, creating) for name in called]
            self.names.update({one.name: one for one in named})
            if creating is not None:
                yield Ready(number, creating, named)
            work += [(held.number, held.wanted) for held in self._freed(named)]

    def _freed(self, named: Iterable[Named]) -> list[Held]:
        """Those that are held for one of these names, and for no other any more."""
        free = []
        for one in named:
            for held in self.waiting.pop(one.name, ()):
                held.missing.discard(one.name)
                if not held.missing and self._let_go(held):
                    free.append(held)
        return free[::-1]

    def _let_go(self, held: Held) -> bool:
        """Hold it no longer; whether it was held."""
        if self.held.pop(held.number, None) is None:
            return False
        self.held_bytes -= _size(held.wanted)
        return True

    def _refuse(self, those: Iterable[Held], why: str) -> None:
        for held in those:
            if held.number in self.outcomes:
                continue  # it names several that nobody has
            self._let_go(held)
            self.outcomes[held.number] = Outcome(error=BadUsage(why))
            if held.wanted.name is not None:
                self.names[_name(held.wanted)] = named = Named(_name(held.wanted))
                self.failed.append(named)

    def _released(self) -> Iterator[Ready]:
        """Those that wait for names of which nothing came: refused in their turn."""
        failed, self.failed = self.failed, []
        for held in self._freed(failed):
            yield from self._ready(held.number, held.wanted)

    def _commit(self, ready: Iterable[Ready]) -> None:
        for batch in _commits(ready):
            places = {one.creating: place for place, one in enumerate(batch)}
            for creating in places:
                creating.place(places)
            for one, found in zip(batch, self.backend.create_many(tuple(places)), strict=True):
                self.outcomes[one.number] = outcome_of(one.creating, found)
                for named in one.named:
                    named.settle()
                    if named.name.startswith(BY_KEY) and self.names.get(named.name) is named:
                        del self.names[named.name]  # the store knows it from now on

    def _tell(self) -> list[Outcome]:
        found = []
        while self.told in self.outcomes:
            found.append(self.outcomes.pop(self.told))
            self.told += 1
        return found


def _circle(held: Held, by_name: Mapping[str, Held]) -> list[Held]:
    """Some that wait for each other in a circle, for which this one waits: once there are no more, all do."""
    path, seen = list[Held](), dict[int, int]()
    while held.number not in seen:
        seen[held.number] = len(path)
        path.append(held)
        held = by_name[min(held.missing)]
    return path[seen[held.number] :]


def _local(wanted: Submission) -> Iterator[str]:
    depends_on = wanted.terms.depends_on if wanted.terms is not None else ()
    yield from (name for name in depends_on if name.startswith(LOCAL))


def _name(wanted: Submission) -> str:
    return LOCAL + str(wanted.name)


def _size(wanted: Submission) -> int:
    return 1000 + len(wanted.request_bytes or b"") + len(wanted.prompt)


def _commits(ready: Iterable[Ready]) -> Iterator[list[Ready]]:
    """As many at once as one commit should take."""
    batch, size = list[Ready](), 0
    for one in ready:
        batch.append(one)
        size += one.creating.size
        if len(batch) == AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
