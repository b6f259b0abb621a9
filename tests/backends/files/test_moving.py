"""A task that moves from one hint to another while somebody looks: it is seen in one place or the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import ClockedFileStore, claim, park, release, submit

from agent_lanes.core.task import Snapshot
from backends.files.sweep import at_call, prepared

Do = Callable[[ClockedFileStore, str], object]

pytestmark = pytest.mark.usefixtures("same_boot")


def nothing(store: ClockedFileStore, id: str) -> None:
    pass


def lapse(store: ClockedFileStore, id: str) -> None:
    claim(store, id, lease_seconds=1)
    store.clock.advance(2)  # type: ignore[attr-defined]


def settle(store: ClockedFileStore, id: str) -> None:
    store.promote("default")


# What stands before, and the move.
MOVES: dict[str, tuple[Do, Do]] = {
    "ready to timers": (nothing, claim),
    "timers to ready": (claim, release),
    "timers to ready, the lease being over": (lapse, settle),
    "ready to held": (nothing, park),
    "timers to held": (lapse, park),
    "held to timers": (park, claim),
}


def moved_at_each_call(folder: Path, move: str, look: Callable[[ClockedFileStore], object]) -> Iterator[object]:
    """What a look finds, when the task moves just before its first, second ... call to the system."""
    before, step = MOVES[move]
    number, moved = 0, True
    while moved:
        store, moved = prepared(folder / str(number), "submit"), False
        id = submit(store, id="the-task")
        before(store, id)

        def act(name: str, args: tuple[Any, ...], store: ClockedFileStore = store, id: str = id) -> None:
            nonlocal moved
            moved = True
            step(store, id)

        with at_call(number, act):
            found = look(store)
        yield found
        number += 1
    assert number > 10


@pytest.mark.parametrize("move", MOVES)
def test_an_active_task_that_moves_during_the_look_is_listed(tmp_path: Path, move: str) -> None:
    def look(store: ClockedFileStore) -> list[str]:
        return [found.id for found in store.scan(active_only=True) if isinstance(found, Snapshot)]

    assert set(map(tuple, moved_at_each_call(tmp_path, move, look))) == {("the-task",)}  # type: ignore[arg-type]
