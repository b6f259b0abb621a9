"""What a live view reads: what changed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core.task import Snapshot
from agent_lanes.services import board
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission


class Counting(MemoryStore):
    """Notes which tasks are read."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.reads: list[str] = []

    def read(self, id: str) -> Snapshot:
        """As ever."""
        self.reads.append(id)
        return super().read(id)


@pytest.fixture
def store(clock: Any) -> Counting:
    """An empty one."""
    return Counting(now=clock)


def submit(store: MemoryStore, **asked: Any) -> str:
    wanted = Submission(
        workspace_id="w", workspace_root="/", base="/", lane="review", prompt="Look", metadata={}, **asked
    )
    return QueueService(store).submit(wanted)[0].id


def test_only_what_changed_is_read_again(store: Counting) -> None:
    ids = [submit(store) for _ in range(20)]
    seen = board.Board(store)
    assert {one.id for one in seen.look().entries} == set(ids)
    store.reads.clear()
    seen.look()
    assert store.reads == []
    QueueService(store).event(ids[3], message="half of it")
    store.reads.clear()
    found = {one.id: one for one in seen.look().entries}
    assert store.reads == [ids[3]]
    last = found[ids[3]].last
    assert last is not None and last.message == "half of it"


def test_of_many_finished_tasks_only_the_newest_are_read(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "MOST_FINISHED", 10)
    ids = [submit(store) for _ in range(40)]
    for id in ids:
        QueueService(store).respond(id, "done")
    still = submit(store)
    store.reads.clear()
    picture = board.Board(store).look()
    assert picture.entries[0].id == still
    assert len(store.reads) <= 11 and 9 <= len(picture.entries) <= 11


def test_of_many_open_tasks_some_are_shown_and_it_says_so(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "MOST_OPEN", 10)
    for _ in range(30):
        submit(store)
    taken = QueueService(store).claim(submit(store), owner="codex-1")
    picture = board.Board(store).look()
    assert picture.more and len(picture.entries) == 10
    assert picture.entries[0].id == taken.id, "what is claimed is shown in any case"
    assert picture.lanes[0]["ready"] == 30


def test_what_ended_stays_in_view_after_all_was_read_anew(store: Counting) -> None:
    id, seen = submit(store), board.Board(store)
    seen.look()
    QueueService(store).respond(id, "done")
    assert [one.snapshot.state for one in seen.look(anew=True).entries] == ["completed"]
