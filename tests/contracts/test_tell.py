"""observation.Tell: whoever opens a backend can be told of each transition that is made through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core.task import Event, Snapshot
from agent_lanes.ports import Backend
from contracts.stores import Clock, ClockedFileStore, claim, note, park, release, respond, submit
from contracts.test_many import Wanted, created

Tell = Callable[[Snapshot, Event], None]
OPEN: dict[str, Callable[[Path, Clock, Tell], Backend]] = {
    "memory": lambda folder, clock, tell: MemoryStore(now=clock, tell=tell),
    "files": lambda folder, clock, tell: ClockedFileStore(str(folder / "state"), clock, tell=tell),
}
Told = list[tuple[str, str, str]]


@pytest.fixture
def told() -> Told:
    """What was told: id, type of the line, state after it."""
    return []


@pytest.fixture(params=OPEN)
def telling(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, told: Told) -> Backend:
    """A backend that tells."""

    def tell(snapshot: Snapshot, event: Event) -> None:
        told.append((snapshot.id, event.type, snapshot.state))

    return OPEN[request.param](tmp_path, clock, tell)


def test_each_transition_is_told_once_and_a_note_is_none(telling: Backend, told: Told) -> None:
    id = submit(telling)
    claim(telling, id)
    note(telling, id, "half way")
    release(telling, id)
    park(telling, id)
    respond(telling, id)
    told_of = [("created", "queued"), ("claimed", "claimed"), ("released", "queued"), ("parked", "queued")]
    assert told == [(id, *one) for one in [*told_of, ("response", "completed")]]


def test_tasks_made_together_are_each_told(telling: Backend, told: Told) -> None:
    made = created(telling, *(Wanted() for _ in range(3)))
    assert told == [(task.id, "created", "queued") for task in made]


def test_those_that_fail_with_the_task_they_depend_on_are_told_too(telling: Backend, told: Told) -> None:
    first = submit(telling)
    second = submit(telling, depends_on=(first,))
    third = submit(telling, depends_on=(second,))
    told.clear()
    respond(telling, first, status="failed")
    assert told == [(id, "response", "failed") for id in (first, second, third)]


def test_what_is_refused_or_repeated_is_not_told(telling: Backend, told: Told) -> None:
    id = submit(telling)
    respond(telling, id)
    told.clear()
    respond(telling, id)
    assert told == []
