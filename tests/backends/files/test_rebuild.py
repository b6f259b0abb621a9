"""After a reboot the hints are rebuilt from the facts alone; a newer or a broken store is refused and left alone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, make, park, release, respond, submit

from agent_lanes.backends.files.rebuild import drop_stale
from agent_lanes.core.task import Snapshot
from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadData, StorageFailed
from agent_lanes.services import control
from backends.files.conftest import Open, tree
from backends.files.test_hints import ORPHAN, put_marker, taken
from backends.files.test_layout import markers, ready_markers


@pytest.fixture
def full(store: ClockedFileStore, clock: Clock) -> dict[str, str]:
    """A task in each state, on two routes."""
    ids = {
        name: submit(store, vendor=vendor)
        for name, vendor in (
            ("queued", None),
            ("for codex", "codex"),
            ("claimed", None),
            ("expired", "codex"),
            ("released", None),
            ("parked", None),
            ("answered", None),
        )
    }
    claim(store, ids["claimed"], lease_seconds=10_000)
    claim(store, ids["expired"], lease_seconds=1)
    claim(store, ids["released"])
    release(store, ids["released"])
    park(store, ids["parked"])
    claim(store, ids["answered"])
    respond(store, ids["answered"], "t")
    clock.advance(1)
    return ids


CLAIMABLE = ["queued", "for codex", "claimed", "expired", "released"]  # of a former boot, every lease has run out


def lose_hints(root: Path) -> None:
    for kind in ("ready", "timers", "held", "signals", "indexes"):
        shutil.rmtree(root / kind)


@pytest.mark.parametrize("lost", [True, False])
def test_after_a_reboot_everything_claimable_is_found_again_also_without_any_hint(
    full: dict[str, str], root: Path, open_store: Open, lost: bool
) -> None:
    if lost:
        lose_hints(root)
    store = open_store(boot="the next boot")
    assert list(store.candidates("default", None)) == [full[name] for name in CLAIMABLE]  # a look, before any rebuild
    assert [taken(store) for _ in range(6)] == [*(full[name] for name in CLAIMABLE), None]
    assert len(markers(root, "timers")) == 5
    assert markers(root, "held") == [f"default/{full['parked']}"]
    assert submit(store)


def test_live_claims_of_the_former_boot_have_run_out(full: dict[str, str], open_store: Open) -> None:
    assert not (store := open_store()).read(full["claimed"]).lease_expired(store.now())
    store = open_store(boot="the next boot")
    assert store.read(full["claimed"]).lease_expired(store.now())
    assert claim(store, full["claimed"], "new").epoch == 2


@pytest.mark.usefixtures("full")
def test_a_rebuild_changes_no_fact(root: Path, open_store: Open) -> None:
    def facts() -> dict[str, tuple[object, ...]]:
        # without ctime and links: a marker may be another name of task.json
        return {name: (*entry[:3], *entry[5:]) for name, entry in tree(root).items() if name.startswith("tasks")}

    before = facts()
    lose_hints(root)
    open_store(boot="the next boot").prepare()
    assert facts() == before


@pytest.mark.usefixtures("full")
def test_a_rebuild_makes_exactly_the_markers_that_the_facts_ask_for(root: Path, open_store: Open) -> None:
    open_store(boot="boot 2").prepare()
    expected = {kind: markers(root, kind) for kind in ("ready", "timers", "held")}
    for name in (ORPHAN, "default/codex/50000000000/5-000000000009-x", "other/any/0/junk"):
        os.utime(put_marker(root, "ready", name), (0, 0))
    put_marker(root, "timers", "default/000000000000/000000000000000001-gone")
    put_marker(root, "held", "default/gone")
    (root / "ready" / ready_markers(root)[-1]).unlink()
    open_store(boot="boot 3").prepare()
    now = {kind: markers(root, kind) for kind in ("ready", "timers", "held")}
    assert [name for name in now["ready"] if not name.endswith(".sequence")] == [
        name for name in expected["ready"] if not name.endswith(".sequence")
    ]
    assert (now["timers"], now["held"]) == (expected["timers"], expected["held"])


def test_a_rebuild_that_was_killed_is_simply_done_again(full: dict[str, str], root: Path, open_store: Open) -> None:
    """The gate is written last: as long as it is not of this boot, the next change begins again."""
    lose_hints(root)
    open_store(boot="the next boot").prepare()
    for name in ready_markers(root)[1:]:
        (root / "ready" / name).unlink()
    for content in (b"", b"2 a former boot\n", b"2 the next bo"):
        (root / "gate").write_bytes(content)
        store = open_store()
        assert list(store.candidates("default", None)) == [full[name] for name in CLAIMABLE]
    assert taken(store) == full["queued"]
    assert (root / "gate").read_bytes() == b"2 the next boot\n"


def test_new_tasks_come_after_all_others_although_the_counter_was_lost(
    root: Path, store: ClockedFileStore, open_store: Open
) -> None:
    ids = [submit(store) for _ in range(3)]
    claim(store, ids[2])
    lose_hints(root)
    store = open_store(boot="the next boot")
    ids.append(submit(store))
    assert [taken(store) for _ in range(5)] == [*ids, None]


def test_a_counter_that_was_set_back_goes_on_after_the_highest_task_once_the_hints_are_rebuilt(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    """As when a part of the store came from a copy."""
    ids = [submit(store) for _ in range(3)]
    (root / "ready/default/.sequence").write_text("000000000001\n")
    store = open_store(boot="the next boot")
    ids.append(submit(store))
    assert [taken(store) for _ in range(5)] == [*ids, None]


@pytest.mark.parametrize("content", [b"", b"junk\n", b"\0" * 13, b"-00000000001\n"])
def test_a_counter_that_was_damaged_goes_on_after_the_highest_marker(
    store: ClockedFileStore, root: Path, content: bytes
) -> None:
    ids = [submit(store) for _ in range(3)]
    (root / "ready/default/.sequence").write_bytes(content)
    ids.append(submit(store))
    assert [taken(store) for _ in range(5)] == [*ids, None]


def test_litter_in_tmp_is_swept_after_an_hour_and_not_before(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    store.prepare()
    for name in ("old", "young"):
        (root / "tmp" / name).mkdir()
        (root / "tmp" / name / "task.json").touch()
        (root / "tmp" / f"{name}.json").touch()
    for name in ("old", "old.json"):
        os.utime(root / "tmp" / name, (1, 1))
    open_store(boot="the next boot").prepare()
    assert sorted(path.name for path in (root / "tmp").iterdir()) == ["young", "young.json"]


def test_after_a_reboot_a_waiter_knows_when_a_delayed_task_comes_up_before_anything_has_changed(
    store: ClockedFileStore, clock: Clock, open_store: Open
) -> None:
    submit(store, not_before=clock.moment.wall + 5_000_000)
    rebooted = open_store(boot="the next boot")
    assert rebooted.next_due("default") == clock.moment.boottime + 5_000_000
    assert rebooted.next_due("another") is None


def test_a_submit_sweeps_old_litter_once_a_minute_while_no_other_command_is_at_work(
    store: ClockedFileStore, root: Path
) -> None:
    """A command that was suspended for an hour, or under which the clock was set, may still commit what it staged."""
    store.prepare()
    staged = root / "tmp" / "staged"
    staged.mkdir()
    (staged / "task.json").touch()
    os.utime(staged, (1, 1))
    suspended = os.open(root / "gate", os.O_RDWR)
    fcntl.flock(suspended, fcntl.LOCK_SH)
    submit(store)
    os.close(suspended)
    submit(store)
    assert (staged / "task.json").exists()  # one process looks once a minute
    store.clock.advance(60)
    submit(store)
    assert not staged.exists()


def test_nothing_is_swept_through_a_link_in_the_place_of_tmp(
    store: ClockedFileStore, root: Path, tmp_path: Path, open_store: Open
) -> None:
    submit(store)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "theirs").mkdir(parents=True)
    (elsewhere / "theirs" / "file").touch()
    os.utime(elsewhere / "theirs", (1, 1))
    (root / "tmp").rmdir()
    (root / "tmp").symlink_to(elsewhere)
    submit(open_store())
    open_store(boot="the next boot").prepare()
    assert (elsewhere / "theirs" / "file").exists()


def test_the_same_boot_rebuilds_nothing(store: ClockedFileStore, root: Path, open_store: Open) -> None:
    submit(store)
    orphan = put_marker(root, "ready", ORPHAN)
    submit(open_store())
    assert orphan.exists()


@pytest.mark.parametrize("foreign", ["file", "folder", "fifo", "symlink", "dangling symlink"])
@pytest.mark.parametrize("name", [".DS_Store", "notes.txt", "an id-like-name"])
def test_foreign_things_among_the_tasks_hinder_nothing(
    store: ClockedFileStore, root: Path, open_store: Open, tmp_path: Path, foreign: str, name: str
) -> None:
    id = submit(store)
    path = root / "tasks" / name
    if foreign == "file":
        path.write_text("x")
    elif foreign == "folder":
        path.mkdir()
    elif foreign == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path if foreign == "symlink" else tmp_path / "none")
    store = open_store(boot="the next boot")
    assert [found.id for found in store.scan() if isinstance(found, Snapshot)] == [id]
    assert list(store.candidates("default", None)) == [id]
    assert taken(store) == id
    assert submit(store)
    assert os.path.lexists(path)


# --- formats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [3, 4, 1000])
def test_a_store_of_a_newer_format_is_refused_and_not_touched(
    store: ClockedFileStore, root: Path, open_store: Open, number: int
) -> None:
    id = submit(store)
    (root / "store.json").write_text(json.dumps({"format": number, "store_id": "x"}))
    (root / "gate").write_text(f"{number} {store.boot_id}\n")
    before = tree(root)
    for change in (lambda: submit(store), lambda: claim(store, id), lambda: respond(store, id), store.prepare):
        with pytest.raises(BadData, match=f"format {number} is newer than this program"):
            change()
    assert {name: entry[5] for name, entry in tree(root).items()} == {name: entry[5] for name, entry in before.items()}


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"format": "2"}', b'{"format": true}', b'{"format": null}', b"\xff", b"{" * 500, b"\0" * 50]
    + [b'{"format": 2.5}'],
)
def test_a_store_json_that_says_no_format_is_bad_data_and_nothing_is_upgraded(
    store: ClockedFileStore, root: Path, open_store: Open, content: bytes
) -> None:
    id = submit(store)
    (root / "store.json").write_bytes(content)
    after_a_reboot = open_store(boot="the next boot")
    with pytest.raises(BadData, match=r"^store\.json: "):
        submit(after_a_reboot)
    assert (root / "store.json").read_bytes() == content
    assert after_a_reboot.read(id).state == "queued"


def test_a_store_json_that_is_no_file_is_an_error_of_its_own(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    submit(store)
    (root / "store.json").unlink()
    (root / "store.json").mkdir()
    with pytest.raises((BadData, StorageFailed), match=r"store\.json|store:"):
        submit(open_store(boot="the next boot"))


def test_a_task_of_a_newer_format_is_damaged_and_hides_no_other(store: ClockedFileStore, root: Path) -> None:
    newer, other = submit(store), submit(store)
    path = root / "tasks" / newer / "task.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))
    assert taken(store) == other
    assert taken(store) is None


def test_the_first_change_makes_the_store_and_a_look_does_not(store: ClockedFileStore, root: Path) -> None:
    assert list(store.scan()) == []
    assert list(store.candidates("default", None)) == []
    assert not root.exists()
    task = store.create("default", make())
    assert store.read(task.id).task == task


def test_a_gate_that_was_rebuilt_for_another_boot_until_we_held_it_is_noticed(
    store: ClockedFileStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers that share a store and not their boot id: what the gate held before it was locked is no promise."""
    store.prepare()
    lock, seen = fcntl.flock, list[int]()

    def late(descriptor: int, operation: int) -> None:
        if not seen:
            (root / "gate").write_bytes(b"2 another boot\n")
            shutil.rmtree(root / "ready")
        seen.append(operation)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with store._gate.passed():
        assert store._gate.current()
        assert (root / "ready").is_dir()


def test_a_rebuild_that_began_before_a_hold_was_over_leaves_the_task_listed(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    """Who still had the gate that was deleted may have moved it since the rebuild looked at the clock."""
    id, begun = submit(store), store.now()
    control.hold(store, id, until=begun.wall + 10 * SECOND)
    clock.advance(10)
    store.promote("default")
    (ready,) = ready_markers(root)
    drop_stale(store.layout, f"{root}/ready/{ready}", begun)
    assert taken(store) == id
