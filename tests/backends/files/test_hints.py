"""A hint is a superset of the truth, whatever was killed where: what a stale one costs, and who puts it right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, park, release, respond, submit

from agent_lanes.backends.files.layout import Layout
from agent_lanes.backends.files.lock import Lock
from agent_lanes.core.placement import Due
from agent_lanes.core.task import Snapshot
from agent_lanes.services.queue import QueueService
from backends.files.conftest import Open
from backends.files.test_layout import markers, ready_markers

ORPHAN = "default/any/50000000000/5-000000000001-20261121T023929158949Z-gone-0123456789ab"


def taken(store: ClockedFileStore, vendor: str | None = None) -> str | None:
    found = QueueService(store).claim_next("default", vendor=vendor)
    return None if found is None else found.id


def put_timer(root: Path, at: int, id: str) -> Path:
    path = Layout(str(root)).marker(Due(lane="default", at=at, id=id))
    assert path is not None
    return put_marker(root, "timers", os.path.relpath(path, root / "timers"))


def put_marker(root: Path, kind: str, name: str) -> Path:
    path = root / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


# --- what a kill between marker and commit leaves ------------------------------------------------------------


def test_a_marker_whose_task_was_never_committed_is_skipped_and_left_alone(store: ClockedFileStore, root: Path) -> None:
    """A submit may be in flight: its marker comes before its task."""
    store.prepare()
    orphan = put_marker(root, "ready", ORPHAN)
    id = submit(store)
    assert taken(store) == id
    assert taken(store) is None
    assert QueueService(store).peek_next("default") is None
    assert list(store.scan(active_only=True)) == [store.read(id)]
    store.settle("20261121T023929158949Z-gone-0123456789ab")
    assert orphan.exists()


def test_a_claimer_skips_what_others_took_while_it_looked(store: ClockedFileStore, open_store: Open) -> None:
    """Of many that drain a lane at once, each would otherwise read every task that the others took."""
    ids = [submit(store) for _ in range(4)]
    looking = store.candidates("default", None)
    assert next(looking) == ids[0]
    claim(open_store(), ids[1])
    claim(open_store(), ids[2])
    assert list(looking) == ids[3:]


def test_a_claimer_looks_last_at_what_somebody_is_changing_right_now(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    """Of many claimers, each would otherwise read, and try to take, what all the others are just taking."""
    first, second = submit(store), submit(store)
    with Lock(str(root / "tasks" / first), "another's"):
        assert list(open_store().candidates("default", None, tidy=True)) == [second]
        assert list(open_store().candidates("default", None)) == [first, second]  # whoever only looks, sees all
        looking = open_store().candidates("default", None, tidy=True)
        assert next(looking) == second
    assert list(looking) == [first]


def test_a_look_at_what_is_active_reads_no_finished_task(store: ClockedFileStore, root: Path) -> None:
    """What is going on costs the same, however much is stored (S3)."""
    active, held = submit(store), submit(store)
    claim(store, held)
    for _ in range(3):
        id = submit(store)
        respond(store, id)
        (root / "tasks" / id / "task.json").write_text("whoever reads this stumbles")
    assert {found.id for found in store.scan(active_only=True) if isinstance(found, Snapshot)} == {active, held}
    assert len(list(store.scan(active_only=True))) == 2
    assert len(list(store.scan())) == 5


def test_a_marker_of_a_task_takes_no_file_of_its_own(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    asked = root / "tasks" / id / "task.json"
    assert asked.stat().st_nlink == 2
    claim(store, id)
    assert asked.stat().st_nlink == 2
    respond(store, id, "t")
    assert asked.stat().st_nlink == 1


def test_an_old_marker_without_a_task_goes_with_the_next_rebuild(
    store: ClockedFileStore, root: Path, open_store: Open
) -> None:
    store.prepare()
    young, old = put_marker(root, "ready", ORPHAN), put_marker(root, "ready", ORPHAN.replace("gone", "long-gone"))
    os.utime(old, (0, 0))
    submit(open_store(boot="the next boot"))
    assert young.exists(), "it may belong to a submit in flight"
    assert not old.exists()


def test_a_marker_of_a_task_that_is_claimed_is_skipped_and_settled(store: ClockedFileStore, root: Path) -> None:
    """Killed between the commit of a claim and the removal of the old marker."""
    id = submit(store)
    stale = root / "ready" / ready_markers(root)[0]
    claim(store, id)
    stale.touch()
    assert QueueService(store).peek_next("default") is None
    assert stale.exists()  # a look changes nothing
    assert taken(store) is None
    assert not stale.exists()
    assert len(markers(root, "timers")) == 1


def test_a_marker_of_a_task_that_is_answered_is_skipped_and_settled(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    stale = root / "ready" / ready_markers(root)[0]
    respond(store, id)
    stale.touch()
    assert taken(store) is None
    assert ready_markers(root) == []


def test_a_timer_of_a_claim_that_was_never_committed_costs_a_look(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    """Killed between the new marker and the commit of a claim: the old marker is still there."""
    id = submit(store)
    timer = put_timer(root, clock().boottime + 10_000_000, id)
    assert taken(store) == id
    release(store, id, store.read(id).claim.token)  # type: ignore[union-attr]
    clock.advance(70)
    assert taken(store) == id
    assert not timer.exists()


def test_the_timer_of_a_submit_in_flight_stays_though_its_delay_is_over(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    """Between marker and rename a machine under load may take longer than the delay."""
    id = submit(store, not_before=clock().wall + 1_000_000)
    flying = root / "tmp" / id
    os.rename(root / "tasks" / id, flying)
    clock.advance(2)
    assert taken(store) is None
    os.rename(flying, root / "tasks" / id)
    assert taken(store) == id


def test_a_timer_without_a_task_is_removed_when_it_is_over(store: ClockedFileStore, root: Path, clock: Clock) -> None:
    store.prepare()
    timer = put_timer(root, clock().boottime, "gone")
    assert taken(store) is None
    assert not timer.exists()


def test_a_stale_timer_of_a_renewed_claim_is_settled_when_it_is_over(
    store: ClockedFileStore, root: Path, clock: Clock
) -> None:
    id = submit(store)
    claim(store, id, lease_seconds=1000)
    put_timer(root, clock().boottime + 1, id)
    clock.advance(1)
    assert taken(store) is None
    assert [name.rpartition("/")[2] for name in markers(root, "timers")] == [f"{6_000_000_000:018d}-{id}"]


def test_a_parked_task_with_a_stale_ready_marker_is_not_offered_by_a_look(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    stale = root / "ready" / ready_markers(root)[0]
    park(store, id)
    stale.touch()
    assert QueueService(store).peek_next("default") is None


@pytest.mark.parametrize("name", ["junk", "5-000000000001", "5-x-y", "000-", ".hidden", "~~"])
@pytest.mark.parametrize("kind", ["ready", "timers", "held"])
def test_foreign_files_among_the_hints_are_ignored(store: ClockedFileStore, root: Path, kind: str, name: str) -> None:
    id = submit(store)
    for place in (f"default/any/50000000000/{name}", f"default/any/{name}", f"default/{name}", name):
        if kind == "timers":
            place = place.replace("/any", "")
        if not (root / kind / place).parent.is_file():
            put_marker(root, kind, place)
    assert list(store.candidates("default", None)) == [id]
    assert store.next_due("default") is None
    assert [found.id for found in store.scan(active_only=True) if isinstance(found, Snapshot)] == [id]
    assert taken(store) == id
