"""What is visible before it is durable says so itself, until it is; torn by a power cut, it was never there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.stores import make

from agent_lanes.backends.files import atomic
from agent_lanes.backends.files.durable import NEWBORN_MODE
from agent_lanes.backends.files.store import FileStore
from agent_lanes.core.digest import sha256
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import Damaged, NotFound, Unconfirmed
from agent_lanes.services import waiting
from agent_lanes.services.queue import QueueService

ID = "the-task"
TORN = [b"", b"\0" * 700, b'{"format": 2, "id": "the-']
EACH = pytest.mark.parametrize("left", TORN, ids=["empty", "zeros", "cut"])
Boot = Callable[[str], FileStore]


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boot:
    """`boot("second")`: the store, as a process of that boot opens it."""

    def opened(name: str) -> FileStore:
        monkeypatch.setenv("AGENT_LANES_BOOT_ID", name)
        return FileStore(str(tmp_path / "state"))

    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state/tasks" / ID


def submitted(store: FileStore, **fields: object) -> None:
    store.create("default", make(id=ID, **fields), None)


def answered(store: FileStore) -> None:
    held = QueueService(store).claim(ID)
    assert held.claim is not None
    QueueService(store).respond(ID, "fine", token=held.claim.token)


def failing_fsync(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """From now on the fsync of what has a path that ends so fails."""
    original = os.fsync

    def fsync(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(end):
            raise OSError(errno.EIO, "Input/output error")
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_durable_bears_no_mark(boot: Boot, folder: Path) -> None:
    store = boot("first")
    submitted(store)
    answered(store)
    assert (mode(folder), mode(folder / "response.json"), mode(folder / "task.json")) == (0o700, 0o600, 0o600)


@EACH
def test_a_submit_that_a_power_cut_tore_before_it_was_durable_was_never_there(
    boot: Boot, folder: Path, left: bytes
) -> None:
    submitted(boot("first"))
    folder.chmod(0o1700)
    (folder / "task.json").write_bytes(left)
    store = boot("second")
    with pytest.raises(NotFound):
        store.read(ID)
    assert list(store.scan()) == []
    assert [found for found in store.examine() if found.level == "problem"] == []
    assert folder.is_dir()  # who only looks changes nothing
    assert QueueService(store).claim_next("default") is None
    assert not folder.exists()
    submitted(store)
    assert [one.id for one in store.scan() if isinstance(one, Snapshot)] == [ID]


def test_a_stored_request_that_a_power_cut_tore_takes_the_submit_with_it(boot: Boot, folder: Path) -> None:
    from agent_lanes.core.digest import sha256

    store = boot("first")
    store.create("default", make(id=ID, request_stored=True, request_sha256=sha256(b"please")), b"please")
    folder.chmod(0o1700)
    boot("second").prepare()
    assert folder.is_dir()
    (folder / "request.md").write_bytes(b"ple\0\0\0")
    boot("third").prepare()
    assert not folder.exists()


@EACH
def test_an_answer_that_a_power_cut_tore_before_it_was_durable_was_never_given(
    boot: Boot, folder: Path, left: bytes
) -> None:
    first = boot("first")
    submitted(first)
    answered(first)
    (folder / "response.json").write_bytes(left)
    (folder / "response.json").chmod(0o1600)
    store = boot("second")
    assert store.read(ID).response is None
    assert not store.finished(ID)
    assert waiting.for_answer(store, ID, timeout_seconds=0) is None
    assert [found for found in store.examine() if found.level == "problem"] == []
    found = QueueService(store).claim_next("default")
    assert found is not None and found.claim is not None
    QueueService(store).respond(ID, "again", token=found.claim.token)
    again = waiting.for_answer(store, ID, timeout_seconds=0)
    assert again is not None and again.response is not None and again.response.body == "again"


@EACH
def test_what_is_torn_and_bears_no_mark_is_damage(boot: Boot, folder: Path, left: bytes) -> None:
    store = boot("first")
    submitted(store)
    answered(store)
    for file in ("response.json", "task.json"):
        (folder / file).write_bytes(left)
        boot("second").prepare()
        with pytest.raises(Damaged):
            store.read(ID)


def test_a_submit_whose_content_could_not_be_synced_is_written_anew_by_who_confirms_it(
    boot: Boot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second fsync would find nothing to do: the kernel has dropped the pages, and has said so."""
    store = boot("first")
    with monkeypatch.context() as failing:
        failing_fsync(failing, "/task.json")
        with pytest.raises(Unconfirmed):
            store.create("default", make(id=ID, idempotency_key="k"), None, "k")
    before = (folder / "task.json").stat().st_ino
    assert mode(folder) == 0o1700
    store.create("default", make(idempotency_key="k"), None, "k")
    assert (folder / "task.json").stat().st_ino != before
    assert (mode(folder), mode(folder / "task.json")) == (0o700, 0o600)
    assert list((folder.parent.parent / "tmp").iterdir()) == []


@pytest.mark.parametrize("confirms", ["wait", "respond"])
def test_an_answer_whose_content_could_not_be_synced_is_written_anew_by_who_confirms_it(
    boot: Boot, folder: Path, monkeypatch: pytest.MonkeyPatch, confirms: str
) -> None:
    store = boot("first")
    submitted(store)
    held = QueueService(store).claim(ID).claim
    assert held is not None
    with monkeypatch.context() as failing:
        failing_fsync(failing, "/response.json")
        with pytest.raises(Unconfirmed, match="the answer may not survive a power cut"):
            QueueService(store).respond(ID, "fine", token=held.token)
    before = (folder / "response.json").stat().st_ino
    if confirms == "wait":
        assert waiting.for_answer(store, ID, timeout_seconds=0) is not None
    else:
        assert QueueService(store).respond(ID, "fine", token=held.token)[1]
    assert (folder / "response.json").stat().st_ino != before
    assert mode(folder / "response.json") == 0o600


def test_a_task_that_others_are_to_wait_for_is_made_durable_first(boot: Boot, folder: Path) -> None:
    """What is not there has ended well: a power cut that took it would let them run."""
    store = boot("first")
    submitted(store)
    folder.chmod(0o1700)
    store.create("default", make(depends_on=(ID,)), None)
    assert mode(folder) == 0o700


def test_where_no_mark_is_kept_content_is_synced_before_it_gets_its_name(
    boot: Boot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, original = list[str](), os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}").partition("/state/")[2].split("/")[0])
        original(descriptor)

    store = boot("first")
    store.prepare()
    monkeypatch.setattr(atomic, "MARK", 0)
    monkeypatch.setattr(os, "fsync", fsync)
    submitted(store)
    assert synced[:2] == ["tmp", "tmp"] and synced[-1] == "tasks"
    synced.clear()
    answered(store)
    assert synced == ["tmp", "tasks"]


def test_a_task_whose_request_was_torn_before_it_was_durable_is_not_there_for_readers_either(
    boot: Boot, folder: Path
) -> None:
    """Found by K3-FORGET: the first look after a reboot, before the rebuild, saw it with an empty request."""
    store = boot("first")
    fields = {"request_stored": True, "request_sha256": sha256(b"x")}
    store.create("default", make(id=ID, **fields), b"x")
    folder.chmod(NEWBORN_MODE)
    assert store.read(ID).id == ID
    (folder / "request.md").write_bytes(b"")
    with pytest.raises(NotFound):
        boot("second").read(ID)
    assert list(store.scan()) == []


@pytest.mark.parametrize("reached", ["claimed", "answered"])
def test_nor_is_one_that_was_claimed_or_answered_before_it_was_durable(boot: Boot, folder: Path, reached: str) -> None:
    """Found by K3 whole: another process had taken it while the one that submitted it had not synced it yet."""
    store = boot("first")
    store.create("default", make(id=ID, request_stored=True, request_sha256=sha256(b"x")), b"x")
    if reached == "answered":
        answered(store)
        (folder / "response.json").chmod(0o1600)
    else:
        QueueService(store).claim(ID)
    folder.chmod(NEWBORN_MODE)
    (folder / "request.md").unlink()
    store = boot("second")
    with pytest.raises(NotFound):
        store.read(ID)
    assert list(store.scan()) == []
    store.create("default", make(), None)  # the first change clears it away
    assert not folder.exists()


def test_a_claim_that_lacks_only_its_last_newline_is_whole_for_who_looks_and_for_who_heals(
    boot: Boot, folder: Path
) -> None:
    """Found by K3 whole: a delay was shown until the rebuild, which took the claim for torn, and offered the task."""
    store = boot("first")
    submitted(store)
    held = QueueService(store).claim(ID).claim
    assert held is not None
    QueueService(store).release(ID, token=held.token, not_before=store.now().wall + 3_600_000_000)
    claim = folder / "claim.json"
    claim.write_bytes(claim.read_bytes().removesuffix(b"\n"))
    store = boot("second")
    before = store.read(ID)
    store.create("default", make(), None)
    assert store.read(ID) == before and before.not_before is not None


def test_a_request_that_came_without_a_hash_is_not_taken_for_a_torn_one(boot: Boot, folder: Path) -> None:
    """As an import may bring it: then a request that is there is all that can be known."""
    store = boot("first")
    store.create("default", make(id=ID, request_stored=True), b"x")
    folder.chmod(NEWBORN_MODE)
    assert boot("second").read(ID).id == ID
    assert [found.id for found in store.scan() if isinstance(found, Snapshot)] == [ID]
    (folder / "request.md").unlink()
    assert list(store.scan()) == []
