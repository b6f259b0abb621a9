"""Dead letters: looking at them, trying again, letting be. See core.dead for what they are."""

from __future__ import annotations

from itertools import islice

from agent_lanes.core import names, terms, transitions
from agent_lanes.core.dead import DISCARDED, died, seen_to
from agent_lanes.errors import BadUsage, Damaged, NotFound, Refused
from agent_lanes.services import bodies
from agent_lanes.services.control import MAX_REASON_BYTES
from agent_lanes.services.retries import again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot, Task
    from agent_lanes.ports import Backend

MOST_LISTED = 1_000_000


def letters(backend: Backend, lane: str | None = None, limit: int | None = None) -> Iterator[Snapshot]:
    """The dead letters of a lane, or of all, by lane and id; with a `limit`, only the newest so many.

    Reads those alone. Raises BadUsage, StorageFailed.
    """
    if lane is not None:
        names.lane(lane)
    ids = [*backend.dead(lane)]
    if limit is not None:
        newest = islice(_read(backend, sorted(ids, reverse=True)), terms.whole("limit", limit, MOST_LISTED))
        place = {id: number for number, id in enumerate(ids)}
        yield from sorted(newest, key=lambda letter: place[letter.id])
    else:
        yield from _read(backend, ids)


def _read(backend: Backend, ids: Iterable[str]) -> Iterator[Snapshot]:
    for id in ids:
        try:
            found = _letter(backend, id)
        except (NotFound, Damaged):
            continue
        if found is not None:
            yield found


def chosen(backend: Backend, id: str | None, lane: str | None, everything: bool) -> list[Snapshot]:
    """The letters that a caller named, in one of three ways. Raises BadUsage; Refused where the id is none."""
    if [id is not None, lane is not None, everything].count(True) != 1:
        raise BadUsage("dead: name a task, a lane or all, just one of them", hint="`agent-lanes dead list` shows them")
    if id is None:
        return list(letters(backend, lane))
    found = _letter(backend, id)
    if found is None:
        raise Refused(f"{id} is not among the dead letters", hint="`agent-lanes dead list` shows them")
    return [found]


def retry(backend: Backend, letter: Snapshot) -> Task:
    """Do it once more, as a new task; of two calls for the same letter, both return the same one. Raises Refused."""
    return again(backend, letter.id)[0]


def discard(backend: Backend, id: str, *, by: str = "orchestrator", reason: str = "") -> None:
    """Let it be: it stays as it is, and is no longer listed. Raises BadUsage, NotFound."""
    names.agent("by", by)
    bodies.given("reason", reason, MAX_REASON_BYTES)
    data: JsonObject = {"by": by, "reason": reason}
    backend.update(
        id, lambda before, now: transitions.note(before, type=DISCARDED, message="let be", data=data, now=now)
    )


def _letter(backend: Backend, id: str) -> Snapshot | None:
    found = backend.read(id)
    return found if died(found) and not seen_to(backend.events(id)) else None
