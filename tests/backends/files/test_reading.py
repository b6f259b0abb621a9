"""Reading changes nothing: not a name, not a time, not a byte; and works where nothing can be changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, make, park, release, respond, submit

from agent_lanes.core.match import routes_for
from agent_lanes.errors import AgentLanesError, NotAllowed
from agent_lanes.services import report, waiting
from agent_lanes.services.queue import QueueService
from backends.files.conftest import Open, tree


def watch(store: ClockedFileStore, task: str) -> None:
    with store.watch_task(task), store.watch_lane("default"):
        pass


Look = Callable[[ClockedFileStore, str], object]
READS: dict[str, Look] = {
    "read": lambda store, task: store.read(task),
    "finished": lambda store, task: store.finished(task),
    "confirm": lambda store, task: store.confirm(task),
    "scan": lambda store, task: list(store.scan()),
    "scan of the active": lambda store, task: list(store.scan(active_only=True)),
    "scan of a lane": lambda store, task: list(store.scan(active_only=True, lane="default")),
    "events": lambda store, task: list(store.events(task)),
    "last event": lambda store, task: store.last_event(task),
    "candidates": lambda store, task: list(store.candidates("default", None)),
    "candidates for a vendor": lambda store, task: list(store.candidates("default", routes_for("codex"))),
    "candidates of no lane": lambda store, task: list(store.candidates("none", None)),
    "next due": lambda store, task: store.next_due("default"),
    "depth": lambda store, task: store.depth("default"),
    "ever submitted": lambda store, task: (store.ever_submitted("default"), store.ever_submitted("none")),
    "stored request": lambda store, task: store.stored_request("with-request"),
    "peek": lambda store, task: QueueService(store).peek_next("default"),
    "peek for a vendor": lambda store, task: QueueService(store).peek_next("default", vendor="codex"),
    "status": lambda store, task: QueueService(store).status(store.read(task)),
    "statuses": lambda store, task: QueueService(store).statuses(),
    "page": lambda store, task: report.page(QueueService(store), store.read(task), list(store.events(task))),
    "wait for an answer": lambda store, task: waiting.for_answer(store, task, timeout_seconds=0.05),
    "wait for work": lambda store, task: waiting.for_work(store, "none", lambda: None, timeout_seconds=0.05),
    "watches": watch,
}


@pytest.fixture
def ids(store: ClockedFileStore, clock: Clock) -> list[str]:
    """A task in each state; emptied buckets, stale hints, an expired lease that nobody promoted."""
    ids = [submit(store, vendor=vendor) for vendor in (None, "codex", None, None, None, None)]
    store.create("default", make(id="with-request", request_stored=True), b"please")
    answered, claimed, expired, released, parked, _ = ids
    for id in (answered, claimed, released):
        claim(store, id, lease_seconds=10_000)
    claim(store, expired, lease_seconds=1)
    respond(store, answered, "t")
    release(store, released)
    park(store, parked)
    old = submit(store)
    claim(store, old, lease_seconds=70)
    clock.advance(100)  # the timers of the first minute are over, and their buckets about to be empty
    respond(store, old, "t")
    root = Path(store.address)
    (root / "timers/default/000000000001").mkdir()
    (root / "ready/default/any/50000000000/5-000000000099-gone").touch()
    (root / "ready/default/codex/4").mkdir()
    return ids


def try_all(store: ClockedFileStore, id: str) -> None:
    for name, look in READS.items():
        try:
            look(store, id)
        except AgentLanesError as wrong:
            raise AssertionError(f"{name}: {wrong}") from wrong


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("boot", [None, "the next boot"])
def test_a_look_changes_nothing_at_all(
    root: Path, ids: list[str], open_store: Open, name: str, boot: str | None
) -> None:
    store = open_store(boot=boot)
    for id in (ids[0], ids[1], ids[5]):
        before = tree(root)
        READS[name](store, id)
        assert tree(root) == before


@pytest.mark.parametrize("name", READS)
def test_a_look_at_a_store_that_is_not_there_does_not_make_it(root: Path, store: ClockedFileStore, name: str) -> None:
    with suppress(AgentLanesError):
        READS[name](store, "20261121T023929158949Z-nothing-000000000000")
    assert not root.exists()


@pytest.fixture
def read_only(root: Path, ids: list[str], open_store: Open) -> Iterator[ClockedFileStore]:
    """The same store through a read-only mount."""
    for command in (["mount", "--bind", str(root), str(root)], ["mount", "-o", "remount,ro,bind", str(root)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            subprocess.run(["umount", str(root)], capture_output=True)
            pytest.skip(f"no read-only mount can be had here: {done.stderr.strip()}")
    try:
        yield open_store()
    finally:
        subprocess.run(["umount", str(root)], check=True)


def test_a_read_only_store_can_be_read(read_only: ClockedFileStore, root: Path, ids: list[str]) -> None:
    with pytest.raises(OSError):
        (root / "proof").touch()
    for id in (ids[0], ids[1], ids[5]):
        try_all(read_only, id)


def test_a_read_only_store_can_be_read_after_a_reboot(
    read_only: ClockedFileStore, ids: list[str], open_store: Open
) -> None:
    """The hints are of a former boot and cannot be rebuilt: the facts are looked at instead."""
    store = open_store(boot="the next boot")
    try_all(store, ids[0])
    peeked = QueueService(store).peek_next("default")
    assert peeked is not None
    assert peeked.id == ids[1]


def test_a_change_of_a_read_only_store_is_refused_in_one_line(read_only: ClockedFileStore, ids: list[str]) -> None:
    queue = QueueService(read_only)
    for change in (
        lambda: submit(read_only),
        lambda: claim(read_only, ids[5]),
        lambda: respond(read_only, ids[5]),
        lambda: release(read_only, ids[1]),
        lambda: queue.claim_next("default"),
        lambda: queue.claim(ids[5]),
    ):
        with pytest.raises(NotAllowed, match="Read-only file system"):
            change()


Run = Callable[..., "subprocess.CompletedProcess[str]"]
COMMANDS = [
    ["status", "ID"],
    ["status", "--all"],
    ["status", "--all", "--active-only"],
    ["list"],
    ["list", "--lane", "default", "--active-only"],
    ["show", "ID"],
    ["show", "ID", "--json"],
    ["where"],
    ["wait", "ID", "--timeout", "0"],
    ["wait", "--lane", "default", "--timeout", "0"],
    ["wait", "--lane", "none", "--timeout", "0"],
    ["next", "--lane", "default", "--vendor", "codex", "--timeout", "0"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reading_command_changes_nothing(root: Path, ids: list[str], agent_lanes: Run, words: list[str]) -> None:
    before = tree(root)
    done = agent_lanes("--store", root, *(ids[1] if word == "ID" else word for word in words))
    assert done.returncode in (0, 2), done.stderr
    assert tree(root) == before


@pytest.mark.usefixtures("read_only")
def test_reading_commands_work_on_a_read_only_store(root: Path, ids: list[str], agent_lanes: Run) -> None:
    for words in COMMANDS:
        done = agent_lanes("--store", root, *(ids[1] if word == "ID" else word for word in words))
        assert done.returncode in (0, 2), f"{words}: {done.stderr}"
    done = agent_lanes("--store", root, "submit", "--lane", "default", "--prompt", "p")
    assert (done.returncode, done.stdout) == (6, "")
    assert "Read-only file system" in done.stderr
