"""doctor: every finding that can be made on a healthy machine, and what a repair does about it: no fact is deleted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, park, release, renew, respond, submit

from agent_lanes.backends.files.examine import is_lost
from agent_lanes.core.finding import Finding
from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadData
from agent_lanes.services import control
from backends.files.conftest import Open, tree
from backends.files.test_hints import ORPHAN, put_marker, taken
from backends.files.test_layout import ready_markers

OF_THE_MACHINE = {"disk_space", "inotify_exhausted", "network_file_system", "no_boot_clock", "own_boot_clock"}


def found(store: ClockedFileStore) -> list[Finding]:
    """The findings, without those about the machine that the tests run on."""
    return [finding for finding in store.examine() if finding.code not in OF_THE_MACHINE]


def codes(store: ClockedFileStore) -> list[str]:
    return [finding.code for finding in found(store)]


def repaired(store: ClockedFileStore) -> list[Finding]:
    return [finding for finding in store.repair(found(store)) if finding.repaired]


def set_aside(root: Path) -> list[bytes]:
    """What lies in quarantine, without the notes; each with a note beside it that says why."""
    places = sorted((root / "quarantine").iterdir()) if (root / "quarantine").exists() else []
    for place in places:
        assert "is damaged" in (place / "NOTE.txt").read_text() or "torn" in (place / "NOTE.txt").read_text()
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return [path.read_bytes() for path in files if path.name != "NOTE.txt"]


@pytest.fixture
def full(store: ClockedFileStore) -> dict[str, str]:
    """A task in each state."""
    ids = {name: submit(store) for name in ("queued", "claimed", "released", "parked", "answered")}
    claim(store, ids["claimed"], lease_seconds=10_000)
    claim(store, ids["released"])
    release(store, ids["released"])
    park(store, ids["parked"])
    claim(store, ids["answered"])
    respond(store, ids["answered"], "t")
    return ids


def test_a_store_that_is_not_there_yet_has_no_findings_and_stays_away(store: ClockedFileStore, root: Path) -> None:
    assert list(store.examine()) == []
    assert not root.exists()


def test_a_change_while_doctor_looks_is_no_finding(store: ClockedFileStore, root: Path, clock: Clock) -> None:
    """Between the look at the facts and the look at the hints the marker of a renewed claim has another name."""
    id, reached = submit(store), submit(store)
    claim(store, id)
    (root / "tasks" / reached).chmod(0o755)
    looking = store.examine()
    assert next(looking).code == "permissions"  # it has read the first task, and not yet looked at any hint
    clock.advance(1)
    renew(store, id)
    assert [finding for finding in looking if finding.code not in OF_THE_MACHINE] == []


def test_a_lease_that_runs_out_while_doctor_looks_is_no_finding(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    id, reached = submit(store), submit(store)
    claim(store, id, lease_seconds=5)
    (root / "tasks" / reached).chmod(0o755)
    looking = store.examine()
    assert next(looking).code == "permissions"  # it has read the first task, whose timer is not over yet
    clock.advance(6)
    store.promote("default")
    assert [finding for finding in looking if finding.code not in OF_THE_MACHINE] == []


def test_the_marker_of_a_submit_that_may_be_in_flight_is_no_finding(store: ClockedFileStore, root: Path) -> None:
    store.prepare()
    put_marker(root, "ready", ORPHAN)
    assert found(store) == []


@pytest.mark.usefixtures("full")
def test_a_healthy_store_has_no_findings_and_is_not_touched(store: ClockedFileStore, root: Path) -> None:
    before = tree(root)
    assert found(store) == []
    assert tree(root) == before


def test_a_store_that_was_only_made_has_no_findings(store: ClockedFileStore) -> None:
    store.prepare()
    assert found(store) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 40, b"[]", b'{"format": 2}', b"\xff"])
@pytest.mark.parametrize("file", ["task.json", "claim.json", "response.json"])
def test_a_damaged_record_is_found_and_its_bytes_lie_in_quarantine_after_a_repair(
    full: dict[str, str], store: ClockedFileStore, root: Path, file: str, content: bytes
) -> None:
    id = full["answered" if file == "response.json" else "claimed"]
    folder = root / "tasks" / id
    (folder / file).write_bytes(content)
    others = {name: entry for name, entry in tree(root / "tasks").items() if not name.startswith(id) and name != "."}
    before = tree(root)
    [finding] = [finding for finding in found(store) if finding.code == "damaged"]
    assert (finding.level, finding.task_id, finding.path) == ("problem", id, str(folder))
    assert file in finding.message
    assert tree(root) == before
    assert id in {finding.task_id for finding in repaired(store)}
    assert found(store) == []
    assert content in set_aside(root)
    now = tree(root / "tasks")
    assert {name: now[name] for name in others} == others
    if file == "task.json":
        assert not folder.exists()
    elif file == "claim.json":
        assert store.read(id).state == "queued"
        assert claim(store, id, "new").epoch > 1
    else:
        answer = store.read(id).response
        assert answer is not None and answer.status == "failed" and "quarantine" in answer.body


def test_a_task_in_which_everything_is_damaged_is_set_aside_as_a_whole(
    full: dict[str, str], store: ClockedFileStore, root: Path
) -> None:
    folder = root / "tasks" / full["answered"]
    for file in ("task.json", "claim.json", "response.json"):
        (folder / file).write_text("broken " + file)
    repaired(store)
    assert found(store) == []
    assert {b"broken task.json", b"broken claim.json", b"broken response.json"} <= set(set_aside(root))


def test_a_damaged_claim_and_a_damaged_answer_are_both_set_aside(
    full: dict[str, str], store: ClockedFileStore, root: Path
) -> None:
    folder = root / "tasks" / full["answered"]
    for file in ("claim.json", "response.json"):
        (folder / file).write_text("broken " + file)
    repaired(store)
    assert found(store) == []
    assert set(set_aside(root)) == {b"broken claim.json", b"broken response.json"}
    assert store.read(full["answered"]).state == "failed"


def link(path: Path) -> None:
    path.symlink_to("queued")


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, link, os.mkfifo], ids=["file", "folder", "link", "fifo"])
def test_a_foreign_thing_among_the_tasks_is_named_and_left_where_it_is(
    full: dict[str, str], store: ClockedFileStore, root: Path, make: Callable[[Path], object]
) -> None:
    path = root / "tasks" / "no id at all"
    make(path)
    [finding] = found(store)
    assert (finding.code, finding.level, finding.path) == ("foreign_file", "warning", str(path))
    assert repaired(store) == []
    assert os.path.lexists(path)
    assert codes(store) == ["foreign_file"]


def test_a_missing_hint_is_a_problem_and_made_again(full: dict[str, str], store: ClockedFileStore, root: Path) -> None:
    lost = [path for path in ready_markers(root) if full["queued"] in path]
    (root / "ready" / lost[0]).unlink()
    [finding] = found(store)
    assert (finding.code, finding.level) == ("hint_missing", "problem")
    assert full["queued"] in finding.message
    assert taken(store) == full["released"]  # and not the one that is lost
    assert [finding.code for finding in repaired(store)] == ["hint_missing"]
    assert found(store) == []
    assert taken(store) == full["queued"]


def test_a_task_that_was_resumed_once_its_hold_was_over_is_listed_by_that_hold(
    store: ClockedFileStore, clock: Clock
) -> None:
    id = submit(store)
    control.hold(store, id, until=store.now().wall + 10 * SECOND)
    clock.advance(10)
    control.resume(store, id)
    assert found(store) == []
    assert not is_lost(store.layout, id, store.now())  # nor where the listing was made before
    assert taken(store) == id


@pytest.mark.usefixtures("full")
def test_stale_hints_are_a_warning_and_removed(store: ClockedFileStore, root: Path) -> None:
    orphan, parked = put_marker(root, "ready", ORPHAN), put_marker(root, "held", "default/gone")
    os.utime(orphan, (0, 0))
    [finding] = found(store)
    assert (finding.code, finding.level) == ("hints_stale", "warning")
    assert finding.message.startswith("2 markers ")
    repaired(store)
    assert found(store) == []
    assert not orphan.exists() and not parked.exists()


@pytest.mark.parametrize("where", [".", "tasks", "tmp", "task"])
def test_permissions_for_others_are_found_and_taken_away(
    full: dict[str, str], store: ClockedFileStore, root: Path, where: str
) -> None:
    path = root / ("tasks/" + full["queued"] if where == "task" else where)
    path.chmod(0o755)
    [finding] = found(store)
    assert (finding.code, finding.level, os.path.realpath(finding.path or "")) == ("permissions", "warning", str(path))
    assert finding.message == f"others than its owner may reach {finding.path}: mode 0755"
    assert [finding.code for finding in repaired(store)] == ["permissions"]
    assert path.stat().st_mode & 0o777 == 0o700
    assert found(store) == []


@pytest.mark.parametrize("ended", ["run out", "run out, then released"])
def test_a_lease_that_has_run_out_is_no_finding_before_somebody_asks_for_work(
    store: ClockedFileStore, clock: Clock, ended: str
) -> None:
    id = submit(store)
    claim(store, id, lease_seconds=1)
    clock.advance(2)
    if ended != "run out":
        release(store, id)
    assert found(store) == []
    assert taken(store) == id


def test_litter_is_found_once_it_is_an_hour_old_and_swept(store: ClockedFileStore, root: Path) -> None:
    store.prepare()
    for name in ("old", "young"):
        (root / "tmp" / name).mkdir()
        (root / "tmp" / name / "task.json").touch()
    os.utime(root / "tmp" / "old", (1, 1))
    now = store.now().wall // 1_000_000
    os.utime(root / "tmp" / "young", (now, now))
    [finding] = found(store)
    assert (finding.code, finding.level) == ("litter", "warning")
    assert finding.message.startswith("1 file ")
    assert [finding.code for finding in repaired(store)] == ["litter"]
    assert os.listdir(root / "tmp") == ["young"]
    assert found(store) == []


@pytest.mark.usefixtures("full")
def test_hints_of_another_boot_are_found_and_rebuilt(root: Path, open_store: Open) -> None:
    store = open_store(boot="the next boot")
    [finding] = found(store)
    assert (finding.code, finding.level) == ("hints_of_another_boot", "warning")
    assert "before the last reboot" in finding.message
    assert [finding.code for finding in repaired(store)] == ["hints_of_another_boot"]
    assert found(store) == []
    assert (root / "gate").read_bytes() == b"2 the next boot\n"


def test_a_clock_that_was_set_back_is_found(store: ClockedFileStore, clock: Clock) -> None:
    submit(store)
    clock.moment = clock.moment.replace(wall=clock.moment.wall - 3_600_000_000)
    assert codes(store) == ["clock_set_back"]
    assert repaired(store) == []
    clock.moment = clock.moment.replace(wall=clock.moment.wall + 3_600_000_000)
    assert found(store) == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": "2"}', b'{"format": 3}'])
def test_a_store_record_that_cannot_be_read_is_a_problem_and_not_repaired(
    store: ClockedFileStore, root: Path, content: bytes
) -> None:
    submit(store)
    (root / "store.json").write_bytes(content)
    [finding] = found(store)
    assert (finding.code, finding.level, finding.path) == ("store_record", "problem", str(root / "store.json"))
    (root / "gate").write_bytes(b"2 a former boot\n")
    with pytest.raises(BadData, match=r"^store\.json: "):
        store.repair(found(store))
    assert (root / "store.json").read_bytes() == content


def test_everything_at_once_is_mended_in_one_repair(
    full: dict[str, str], store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    (root / "tasks" / full["queued"] / "task.json").write_bytes(b"{")
    (root / "tasks" / full["answered"] / "response.json").write_bytes(b"{")
    (root / "tasks").chmod(0o770)
    put_marker(root, "held", "default/gone")
    store = open_store(boot="the next boot")
    store.repair(found(store))
    assert found(store) == []
    assert sorted(finding for finding in set_aside(root) if finding == b"{") == [b"{", b"{"]
