"""Several processes on one store."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.stores import ClockedFileStore, respond, submit

from agent_lanes.backends.files.store import FileStore
from agent_lanes.services.queue import QueueService

TESTS = str(Path(__file__).parents[2])
HEAD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from contracts.stores import Clock, ClockedFileStore, make
from agent_lanes.services.queue import QueueService
store, number = ClockedFileStore(sys.argv[2], Clock()), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
"""


def together(root: Path, count: int, body: str) -> list[list[str]]:
    """Run `body` in so many processes that begin together; each prints a list of ids."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HEAD + body, TESTS, str(root), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return [json.loads(result) for result in results]


def test_the_same_file_submitted_in_one_microsecond_by_many_processes_never_has_one_id_twice(
    store: ClockedFileStore, root: Path
) -> None:
    """The clock stands still in all of them; also making the store is a race here."""
    results = together(root, 4, "print(json.dumps([store.create('default', make()).id for _ in range(10)]))")
    ids = [id for result in results for id in result]
    assert len(set(ids)) == 40
    assert len({id[:22] for id in ids}) == 1
    assert sorted(ids) == sorted(found.id for found in store.scan())  # type: ignore[union-attr]
    assert sorted(store.candidates("default", None)) == sorted(ids)
    assert sorted(store.read(id).task.sequence for id in ids) == list(range(1, 41))


def test_processes_that_insist_on_one_id_get_it_once(store: ClockedFileStore, root: Path) -> None:
    body = """
def insist(name):
    tried = []
    def one_first(birth):
        tried.append(birth)
        return make()(birth).replace(id=name if len(tried) == 1 else f"{name}-{number}", prompt=str(number))
    return store.create("default", one_first).id
print(json.dumps([insist(f"task-{round}") for round in range(10)]))
"""
    results = together(root, 4, body)
    for round in range(10):
        given = [result[round] for result in results]
        assert len(set(given)) == 4
        assert given.count(f"task-{round}") == 1
        for number, id in enumerate(given):
            assert store.read(id).task.prompt == str(number)


def test_processes_that_drain_a_lane_get_each_task_once(store: ClockedFileStore, root: Path) -> None:
    ids = [submit(store) for _ in range(40)]
    body = """
queue, got, misses = QueueService(store), [], 0
while misses < 2:
    taken = queue.claim_next("default", owner=f"o{number}")
    misses = 0 if taken else misses + 1
    got += [taken.id] if taken else []
print(json.dumps(got))
"""
    results = together(root, 4, body)
    got = [id for result in results for id in result]
    while (left := QueueService(store).claim_next("default")) is not None:
        got.append(left.id)  # it was in the hands of a rival, for a moment, when both looked last
    assert sorted(got) == sorted(ids)
    assert {store.read(id).epoch for id in ids} == {1}


def test_of_processes_that_answer_at_once_one_succeeds(store: ClockedFileStore, root: Path) -> None:
    ids = [submit(store) for _ in range(10)]
    body = """
from agent_lanes.errors import AlreadyAnswered
from contracts.stores import respond
won = []
for id in sorted(snapshot.id for snapshot in store.scan()):
    try:
        respond(store, id, body=str(number))
        won.append(id)
    except AlreadyAnswered:
        pass
print(json.dumps(won))
"""
    results = together(root, 4, body)
    assert sorted(id for result in results for id in result) == sorted(ids)
    for number, result in enumerate(results):
        for id in result:
            response = store.read(id).response
            assert response is not None
            assert response.body == str(number)


def test_an_answer_of_another_process_wakes_a_wait(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    body = f"from contracts.stores import respond; respond(store, {id!r}); print('[]')"
    with store.watch_task(id) as watch:
        together(root, 1, body)
        assert watch.wait(60)
    assert store.finished(id)


@pytest.mark.parametrize("polling", ["1", ""])
def test_a_wait_without_inotify_polls_and_sees_the_same(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch, polling: str
) -> None:
    from agent_lanes.services import waiting

    monkeypatch.setenv("AGENT_LANES_POLL", polling)
    id = submit(store)
    beats: list[object] = []

    def beat(snapshot: object) -> None:
        beats.append(snapshot)
        if len(beats) == 1:
            respond(store, id)

    found = waiting.for_answer(store, id, timeout_seconds=60, heartbeat_seconds=0.001, beat=beat)
    assert found is not None
    assert found.state == "completed"


def test_a_claim_of_another_boot_has_run_out_and_each_rebuilds_the_hints_after_the_other(
    root: Path, store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was frozen over a reboot, or two kernels on one folder: epochs go on, nothing is lost."""
    first, second = submit(store), submit(store)
    assert QueueService(store).claim(first).epoch == 1
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", "another kernel")
    other = FileStore(str(root))
    for epoch in (2, 4):
        theirs = QueueService(other).claim_next("default")
        mine = QueueService(store).claim_next("default")
        assert theirs is not None and mine is not None
        assert (theirs.id, theirs.epoch, mine.id, mine.epoch) == (first, epoch, first, epoch + 1)
    assert store.read(second).state == "queued"
