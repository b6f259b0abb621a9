"""Doing a finished task once more: a new task that asks for the same and names it. One of them is open at a time.

The retries of a task have idempotency keys made of its id: `retry 1 of ID`, `retry 2 of ID` ... So they are found
without a search, and of two calls at once both get the same one. A key that a user has taken is passed over.
"""

from __future__ import annotations

from agent_lanes.core import names, transitions
from agent_lanes.core.dead import RETRIED
from agent_lanes.core.task import ACTIVE, COMPLETED, DEPENDENCY, FINISHED
from agent_lanes.errors import Busy, Damaged, NotAllowed, NotFound, Refused, StorageFailed, Unconfirmed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot, Task
    from agent_lanes.core.times import Moment
    from agent_lanes.core.transitions import Change
    from agent_lanes.ports import Backend, Birth

LONGEST_CHAIN = 20


def latest(backend: Backend, id: str) -> str | None:
    """The id of the newest retry of a task, if there is any."""
    found, number = None, 1
    try:
        while (one := backend.submitted_as(_key(id, number))) is not None:
            found, number = one if backend.read(one).task.retry_of == id else found, number + 1
    except (Damaged, NotAllowed, NotFound, StorageFailed):  # who only looks need not know
        pass
    return found


def standing_for(backend: Backend, id: str) -> Snapshot:
    """What a retry of a task that depends on this one waits for: where it did not complete, its newest retry, if any.

    Raises NotFound, Damaged, NotAllowed, StorageFailed.
    """
    found, seen = backend.read(id), {id}
    while found.state in FINISHED and found.state != COMPLETED:
        retry = latest(backend, found.id)
        if retry is None or retry in seen:  # the latter: an import may say anything
            break
        seen.add(retry)
        found = backend.read(retry)
    return found


def in_the_way(backend: Backend, snapshot: Snapshot) -> str | None:
    """The id of the task to retry first, where this one failed for a task that it depends on; None if it may be now.

    Of a chain that failed for its first task that one is named, unless it is far away.
    """
    first = None
    for _ in range(LONGEST_CHAIN):
        if snapshot.response is None or snapshot.response.cause != DEPENDENCY:
            break
        failed = next(_failed(backend, snapshot), None)
        if failed is None:
            break
        first, snapshot = failed.id, failed
    return first


def _failed(backend: Backend, snapshot: Snapshot) -> Iterator[Snapshot]:
    """Those that its retry would fail for, too."""
    for id in snapshot.task.depends_on:
        try:
            found = standing_for(backend, id)
        except (Damaged, NotAllowed, NotFound, StorageFailed):  # who only looks need not know
            continue
        if found.state in FINISHED and found.state != COMPLETED:
            yield found


def again(backend: Backend, id: str) -> tuple[Task, bool]:
    """Submit a finished task once more. Returns the task, and whether it is new.

    While a retry is open that one is returned; so is one of which the history does not tell, since nobody may have
    been told of it. Raises Refused, NotFound; Unconfirmed once the new one is there.
    """
    snapshot = backend.read(id)
    if snapshot.state not in FINISHED:
        raise Refused(f"cannot retry {id}; task is {snapshot.state}", hint=f"look at it with: agent-lanes show {id}")
    depends_on = tuple(dict.fromkeys(_awaited(backend, one) for one in snapshot.task.depends_on))
    number = 1
    while True:
        task, new = _submitted(backend, snapshot, depends_on, _key(id, number))
        if task.retry_of != id:
            number += 1
            continue
        if (new or not _told(backend, id, task)) and (_note(backend, id, task) or new):
            return task, new
        if backend.read(task.id).state in ACTIVE:
            return task, False
        number += 1


def _awaited(backend: Backend, id: str) -> str:
    try:
        return standing_for(backend, id).id
    except (Damaged, NotFound):  # pruned: it has ended; or nobody can tell, and the retry will
        return id


def _submitted(backend: Backend, snapshot: Snapshot, depends_on: tuple[str, ...], key: str) -> tuple[Task, bool]:
    """The task of this key, maybe a user's, and whether it is new. Raises Refused where another has the unique key."""
    done, made = snapshot.task, list["Task"]()

    def make(birth: Birth) -> Task:
        task = done.replace(
            id=birth.id or names.new_task_id(birth.now.wall, done.correlation_id, birth.chance),
            created_at=birth.now.wall,
            sequence=birth.sequence,
            idempotency_key=key,
            not_before=None,
            expires_at=None,
            depends_on=depends_on,
            retry_of=done.id,
        )
        made.append(task)
        return task

    request = backend.stored_request(done.id) if done.request_stored else None
    task = backend.create(done.lane, make, request, key, done.unique_key)
    if task.idempotency_key != key:
        line = f"cannot retry {done.id}; task {task.id} has the same unique key, and is open"
        raise Refused(line, hint=f"wait for it: agent-lanes wait {task.id}")
    return task, any(task is one for one in made)


def _told(backend: Backend, id: str, task: Task) -> bool:
    """Whether the history of a task tells of this retry."""
    return any(event.type == RETRIED and event.data.get("retried_as") == task.id for event in backend.events(id))


def _note(backend: Backend, id: str, task: Task) -> bool:
    """Let the history tell of it; False where nothing is added to that any more. Raises Unconfirmed."""
    data: JsonObject = {"retried_as": task.id}

    def decide(before: Snapshot, now: Moment) -> Change:
        return transitions.note(before, type=RETRIED, message="submitted again", data=data, now=now)

    try:
        backend.update(id, decide)
    except Refused:
        return False  # archived
    except (Busy, Damaged, NotAllowed, NotFound, StorageFailed) as wrong:  # the new task is there
        line = f"submitted {task.id}, but the history of {id} does not say so: {wrong.message}"
        raise Unconfirmed(line, hint="repeat the same call: it confirms") from wrong
    return True


def _key(id: str, number: int) -> str:
    return f"retry {number} of {id}"
