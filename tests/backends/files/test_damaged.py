"""A damaged record affects its own task only: every other is found, claimed and answered (K4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, note, release, respond, submit

from agent_lanes.core import jsontext, views
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import AgentLanesError, Damaged, LostClaim
from agent_lanes.services.looks import Looks
from agent_lanes.services.queue import QueueService
from backends.files.conftest import Open

FACTS = ("task.json", "claim.json", "response.json")


def replaced(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def edited(old: str, new: str) -> Callable[[Path], object]:
    """A change of one value, in whichever record has it."""

    def edit(path: Path) -> None:
        text = path.read_text()
        path.write_text(text.replace(old, new) if old in text else '{"format": 2}')

    return edit


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in place of the file."""

    def swap(path: Path) -> None:
        path.unlink()
        make(path)

    return swap


def huge(path: Path) -> None:
    """A gigabyte, without a byte on the disk."""
    with path.open("r+b") as file:
        file.truncate(1 << 30)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": replaced(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "zeros": lambda path: path.write_bytes(b"\0" * len(path.read_bytes())),
    "a NUL at the end": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "not UTF-8": lambda path: path.write_bytes(path.read_bytes().replace(b'"format"', b'"\xff\xfe"')),
    "UTF-16": lambda path: path.write_bytes(path.read_text().encode("utf-16")),
    "no JSON": replaced(b"please\n"),
    "a list": replaced(b"[]\n"),
    "an empty object": replaced(b"{}\n"),
    "two objects": lambda path: path.write_bytes(path.read_bytes() * 2),
    "a number as format": edited('"format": 2', '"format": 99'),
    "an absurd time": edited('_at": "2', '_at": "x'),
    "a time that is none": edited('_at": "2026-0', '_at": "2026-9'),
    "deep nesting": edited('"format": 2', '"deep": ' + "[" * 1000 + "]" * 1000 + ', "format": 2'),
    "deepest nesting": replaced(b"[" * 1_000_000),
    "an infinite number": edited('"format": 2', '"big": 1e999, "format": 2'),
    "half a character": edited('"format": 2', '"half": "\\ud800", "format": 2'),
    "endless digits": edited('"format": 2', '"long": ' + "9" * 10_000 + ', "format": 2'),
    "huge": huge,
    "a folder": instead(Path.mkdir),
    "a fifo": instead(os.mkfifo),
    "a symlink": instead(lambda path: path.symlink_to("events.jsonl")),
    "a symlink to nowhere": instead(lambda path: path.symlink_to("/nowhere/at/all")),
    "a symlink to itself": instead(lambda path: path.symlink_to(path.name)),
    "a socket": instead(lambda path: bind_socket(path)),
}
CASES = [(fact, kind) for fact in FACTS for kind in DAMAGE]


def bind_socket(path: Path) -> None:
    import socket

    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{folder}/{path.name}")  # the path itself may be too long for a socket
    finally:
        os.close(folder)


@pytest.fixture
def ids(store: ClockedFileStore, clock: Clock) -> list[str]:
    """Five tasks; the first, third and fifth are answered, claimed and released."""
    ids = []
    for _ in range(5):
        ids.append(submit(store))
        clock.advance(1)
    for index in (0, 2, 4):
        claim(store, ids[index])
    respond(store, ids[0], "t")
    release(store, ids[4])
    return ids


def victim(ids: list[str], fact: str) -> str:
    """The task that has such a fact; it stands before others in its lane."""
    return {"task.json": ids[1], "claim.json": ids[2], "response.json": ids[0]}[fact]


@pytest.mark.parametrize(("fact", "kind"), CASES)
def test_a_damaged_record_makes_its_task_damaged_and_no_other(
    store: ClockedFileStore, root: Path, ids: list[str], fact: str, kind: str
) -> None:
    id = victim(ids, fact)
    DAMAGE[kind](root / "tasks" / id / fact)
    with pytest.raises(Damaged, match=f"^task {id} is damaged: {fact.replace('.', '[.]')}: ") as damaged:
        store.read(id)
    assert damaged.value.message.isprintable()
    found = list(store.scan())
    assert [one.message for one in found if isinstance(one, Damaged)] == [damaged.value.message]
    assert [one.id for one in found if isinstance(one, Snapshot)] == [other for other in ids if other != id]


@pytest.mark.parametrize(("fact", "kind"), CASES)
def test_a_damaged_task_is_skipped_by_claims_and_refused_by_every_change(
    store: ClockedFileStore, root: Path, ids: list[str], fact: str, kind: str
) -> None:
    id, queue = victim(ids, fact), QueueService(store)
    DAMAGE[kind](root / "tasks" / id / fact)
    for change in (
        lambda: claim(store, id),
        lambda: release(store, id),
        lambda: respond(store, id, "t"),
        lambda: note(store, id, "m"),
        lambda: queue.claim(id),
        lambda: queue.respond(id, "b"),
    ):
        with pytest.raises(Damaged):
            change()
    peeked = queue.peek_next("default")
    assert peeked is not None
    expected = [other for other in (ids[1], ids[3], ids[4]) if other != id]
    assert peeked.id == expected[0]
    taken = [queue.claim_next("default") for _ in range(len(expected) + 1)]
    assert [one and one.id for one in taken] == [*expected, None]
    assert list((root / "tmp").iterdir()) == []


# What a power cut makes of a claim: see below.
TORN = [("claim.json", kind) for kind in ("empty", "zeros", "cut", "a NUL at the end")]


@pytest.mark.parametrize(("fact", "kind"), [case for case in CASES if case not in TORN])
def test_a_damaged_task_hinders_no_rebuild_and_nothing_of_it_is_deleted(
    root: Path, ids: list[str], open_store: Open, fact: str, kind: str
) -> None:
    id = victim(ids, fact)
    DAMAGE[kind](root / "tasks" / id / fact)
    before = sorted(path.name for path in (root / "tasks" / id).iterdir())
    store = open_store(boot="the next boot")
    queue = QueueService(store)
    expected = [other for other in ids[1:] if other != id]
    assert [taken and taken.id for taken in (queue.claim_next("default") for _ in range(len(expected) + 1))] == [
        *expected,
        None,
    ]
    assert submit(store)
    assert sorted(path.name for path in (root / "tasks" / id).iterdir()) == before


@pytest.mark.parametrize(("fact", "kind"), TORN)
def test_a_claim_torn_by_a_power_cut_is_released_after_the_reboot_and_kept_aside(
    root: Path, ids: list[str], open_store: Open, fact: str, kind: str
) -> None:
    """Claims are not synced, so this can happen to a task at work; its holder is dead. Its token is refused."""
    id = ids[2]
    DAMAGE[kind](root / "tasks" / id / fact)
    torn = (root / "tasks" / id / fact).read_bytes()
    store = open_store(boot="the next boot")
    taken = [QueueService(store).claim_next("default") for _ in range(5)]
    assert [one and one.id for one in taken] == [*ids[1:], None]
    assert taken[1] is not None
    assert taken[1].epoch > 1000  # above every epoch that there can have been
    with pytest.raises(LostClaim):
        respond(store, id, "t")
    kept = [path.read_bytes() for path in (root / "quarantine").rglob(fact)]
    assert kept == ([torn] if torn.strip(b"\0") else [])  # of zeros, nothing is left to keep


@pytest.mark.parametrize("kind", [kind for fact, kind in CASES if fact == "claim.json"])
def test_an_answer_stands_whatever_became_of_the_claim_beside_it(
    store: ClockedFileStore, root: Path, ids: list[str], open_store: Open, kind: str
) -> None:
    """A claim is not synced, so a power cut may tear it and leave the answer whole: it was acknowledged."""
    path, answered = root / "tasks" / ids[0] / "claim.json", store.read(ids[0])
    DAMAGE[kind](path)
    before = path.lstat()
    for again in (store, open_store(boot="the next boot")):
        assert again.read(ids[0]).response == answered.response
        assert again.read(ids[0]).epoch == answered.epoch
        respond(again, ids[0], "t")  # the same again: confirmed
        again.prepare()
    assert (path.lstat().st_ino, path.lstat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    [finding] = [finding for finding in store.examine() if finding.code == "damaged"]
    assert (finding.level, finding.task_id) == ("warning", ids[0])
    store.repair([finding])
    assert [finding for finding in store.examine() if finding.code == "damaged"] == []
    assert store.read(ids[0]).response == answered.response


@pytest.mark.parametrize("missing", ["task.json", "everything"])
def test_a_task_folder_without_a_task_json_is_damaged_not_a_crash(
    store: ClockedFileStore, root: Path, ids: list[str], open_store: Open, missing: str
) -> None:
    folder = root / "tasks" / ids[1]
    for path in folder.iterdir():
        if missing in ("everything", path.name):
            path.unlink()
    with pytest.raises(Damaged, match=r"task\.json: missing"):
        store.read(ids[1])
    taken = QueueService(open_store(boot="the next boot")).claim_next("default")
    assert taken is not None
    assert taken.id == ids[2]


def test_a_record_under_the_folder_of_another_task_is_damaged(
    store: ClockedFileStore, root: Path, ids: list[str]
) -> None:
    record = (root / "tasks" / ids[1] / "task.json").read_bytes()
    (root / "tasks" / ids[3] / "task.json").write_bytes(record)
    with pytest.raises(Damaged, match="the id of another task"):
        store.read(ids[3])


def test_a_task_folder_that_is_a_symlink_hinders_no_other(
    store: ClockedFileStore, root: Path, ids: list[str], tmp_path: Path, open_store: Open
) -> None:
    """It may be read, as a look follows nothing but the last name; it is never changed through the link."""
    (root / "tasks" / ids[1]).rename(tmp_path / "elsewhere")
    (root / "tasks" / ids[1]).symlink_to(tmp_path / "elsewhere")
    before = sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    for again in (store, open_store(boot="the next boot")):
        with pytest.raises(AgentLanesError):
            claim(again, ids[1])
        taken = QueueService(again).claim_next("default")
        assert taken is not None
        assert taken.id != ids[1]
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == before


def test_what_is_accepted_can_always_be_shown(store: ClockedFileStore, root: Path, ids: list[str]) -> None:
    """The deepest metadata that a record may have still fits into a list of statuses."""
    path = root / "tasks" / ids[1] / "task.json"
    path.write_text(path.read_text().replace('"metadata": {}', '"metadata": {"a": ' + "[" * 62 + "]" * 62 + "}"))
    shown = views.status(store.read(ids[1]), None, None, store.now())
    assert jsontext.loads(jsontext.dumps({"status": "ok", "task": shown}).replace("[]", "0"))
    jsontext.dumps({"status": "ok", "tasks": [shown]})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("fact", FACTS)
def test_a_record_that_may_not_be_read_makes_its_task_damaged(
    store: ClockedFileStore, root: Path, ids: list[str], fact: str
) -> None:
    id = victim(ids, fact)
    (root / "tasks" / id / fact).chmod(0)
    with pytest.raises(Damaged):
        store.read(id)
    assert len([found for found in store.scan() if isinstance(found, Snapshot)]) == 4


def test_what_is_damaged_takes_no_place_among_the_newest(store: ClockedFileStore, root: Path, ids: list[str]) -> None:
    (root / "tasks" / "zz").mkdir()
    (root / "tasks" / "zz" / "task.json").write_text("{")
    found = list(Looks(store).each(limit=2))
    assert [one["id"] for one in found if isinstance(one, dict)] == sorted(ids)[-2:]
    assert sum(isinstance(one, Damaged) for one in found) == 1
    assert list(Looks(store).each(limit=0)) == []
