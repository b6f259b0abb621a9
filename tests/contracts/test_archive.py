"""ports.Archive: what is archived is found as before, and changes no more; what is pruned is gone."""

from __future__ import annotations

from typing import Any

import pytest

from agent_lanes.core.parcel import Parcel
from agent_lanes.core.task import FAILED, Snapshot
from agent_lanes.core.times import DAY, parse_iso
from agent_lanes.errors import AlreadyAnswered, NotFound, Refused
from agent_lanes.ports import Backend
from agent_lanes.services import transfer
from agent_lanes.services.control import cancel
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, make, note, release, respond, submit

BEGIN = parse_iso("2026-09-21T14:00:00Z")


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """The same clock, at a day in the middle of a month."""
    clock.moment = clock.moment.replace(wall=BEGIN)
    return clock


def answered(backend: Backend, lane: str = "default", **fields: Any) -> str:
    """A task that was claimed and answered."""
    id = submit(backend, lane, **fields)
    claim(backend, id)
    respond(backend, id, "t")
    return id


def everything(backend: Backend, id: str) -> Parcel:
    snapshot = backend.read(id)
    request = backend.stored_request(id) if snapshot.task.request_stored else None
    return Parcel(snapshot=snapshot, events=tuple(backend.events(id)), request=request)


def moved(backend: Backend, before: int | None = None, **options: Any) -> int:
    """Archive what was answered before that instant, by default all."""
    at = backend.now().wall + 1 if before is None else before
    return sum(step.tasks for step in backend.archive(at, **options))


def listed(backend: Backend) -> list[str]:
    return [one.id for one in backend.scan() if isinstance(one, Snapshot)]


def shelved(backend: Backend, **options: Any) -> list[str]:
    return [one.id for one in backend.archived(**options) if isinstance(one, Parcel)]


def test_an_empty_store_has_nothing_to_archive_or_prune(backend: Backend) -> None:
    assert list(backend.archive(10**18)) == list(backend.prune(10**18)) == list(backend.archived()) == []


def test_what_is_archived_is_found_by_its_id_as_before_and_listed_no_more(backend: Backend) -> None:
    id = backend.create("default", make(request_stored=True, prompt="é\n\0"), b"please\r\n").id
    claim(backend, id)
    note(backend, id, "half-way")
    respond(backend, id, "t", body="fine\r\n🦊")
    before = everything(backend, id)
    assert moved(backend) == 1
    assert everything(backend, id) == before
    assert (backend.finished(id), backend.last_event(id)) == (True, before.events[-1])
    assert listed(backend) == list(backend.scan(active_only=True)) == []
    assert list(backend.archived()) == [before]
    backend.confirm(id)
    assert moved(backend) == 0


def test_only_what_is_answered_and_old_enough_is_moved(backend: Backend, clock: Clock) -> None:
    old = answered(backend)
    clock.advance(86_400)
    at = clock.moment.wall
    exactly = answered(backend)
    clock.advance(1)
    new, queued, held = answered(backend), submit(backend), submit(backend)
    claim(backend, held)
    assert moved(backend, at) == 1
    assert shelved(backend) == [old]
    assert listed(backend) == sorted([exactly, new, queued, held])
    assert moved(backend) == 2
    assert listed(backend) == sorted([queued, held])


def test_every_way_of_ending_is_archived(backend: Backend) -> None:
    failed, cancelled, never_claimed = submit(backend), submit(backend), submit(backend)
    respond(backend, failed, None, FAILED)
    cancel(backend, cancelled, by="ann", reason="")
    respond(backend, never_claimed)
    assert moved(backend) == 3
    states = [backend.read(id).state for id in (failed, cancelled, never_claimed)]
    assert states == ["failed", "cancelled", "completed"]


def test_one_lane_can_be_archived_alone_and_looked_at_alone(backend: Backend) -> None:
    one, other = answered(backend, "a/b é"), answered(backend, "default")
    assert moved(backend, lane="a/b é") == 1
    assert (shelved(backend), listed(backend)) == ([one], [other])
    assert moved(backend) == 1
    assert (shelved(backend, lane="default"), shelved(backend, lane="nothing")) == ([other], [])


def test_a_dry_run_tells_the_same_and_moves_nothing(backend: Backend) -> None:
    ids = [answered(backend) for _ in range(3)]
    assert moved(backend, dry_run=True) == moved(backend, dry_run=True) == 3
    assert (listed(backend), shelved(backend)) == (sorted(ids), [])


def test_each_task_is_told_in_the_month_of_its_answer_and_by_lane_and_state(backend: Backend, clock: Clock) -> None:
    first = answered(backend)
    clock.advance(30 * 86_400)
    second, third = answered(backend), submit(backend, "other")
    respond(backend, third, None, FAILED)
    steps = list(backend.archive(clock.moment.wall + 1))
    told: dict[tuple[str, str, str], int] = {}
    for step in steps:
        for lane, states in step.counts.items():
            for state, count in states.items():
                told[step.month, lane, state] = told.get((step.month, lane, state), 0) + count
    assert told == {
        ("2026-09", "default", "completed"): 1,
        ("2026-10", "default", "completed"): 1,
        ("2026-10", "other", "failed"): 1,
    }
    assert shelved(backend) == [first, *sorted([second, third])]


def test_the_answer_sent_again_is_confirmed_another_is_refused_and_so_is_every_change(backend: Backend) -> None:
    id = answered(backend)
    moved(backend)
    assert respond(backend, id, "t").state == "completed"
    with pytest.raises(AlreadyAnswered):
        respond(backend, id, "t", body="another")
    for change in (lambda: claim(backend, id), lambda: release(backend, id), lambda: note(backend, id, "late")):
        with pytest.raises(Refused):
            change()
    assert len(list(backend.events(id))) == 3


def test_a_key_holds_while_its_task_is_archived_and_no_longer(backend: Backend, clock: Clock) -> None:
    def keyed() -> str:
        return backend.create("default", make(idempotency_key="k"), None, "k").id

    id = keyed()
    respond(backend, id)
    moved(backend)
    assert keyed() == id
    clock.advance(100 * 86_400)
    assert sum(step.tasks for step in backend.prune(clock.moment.wall)) == 1
    again = keyed()
    assert backend.read(again).state == "queued"
    assert (keyed(), listed(backend)) == (again, [again])


def test_months_that_were_over_are_pruned_whole_and_no_others(backend: Backend, clock: Clock) -> None:
    old = answered(backend)
    clock.advance(20 * 86_400)
    new = answered(backend)
    moved(backend)
    end_of_september = parse_iso("2026-10-01T00:00:00Z")
    assert list(backend.prune(end_of_september - 1)) == []
    steps = list(backend.prune(end_of_september, dry_run=True))
    assert [(step.month, step.tasks) for step in steps] == [("2026-09", 1)]
    assert backend.read(old).state == "completed"
    assert [(step.month, step.tasks) for step in backend.prune(end_of_september)] == [("2026-09", 1)]
    with pytest.raises(NotFound):
        backend.read(old)
    assert shelved(backend) == [new]
    assert list(backend.prune(end_of_september + 365 * DAY)) != []
    assert shelved(backend) == []


def test_what_is_archived_hinders_no_new_work(backend: Backend, queue: QueueService) -> None:
    done = [answered(backend) for _ in range(3)]
    moved(backend)
    id = submit(backend)
    taken = queue.claim_next("default")
    assert taken is not None and taken.id == id
    assert backend.read(id).task.sequence > backend.read(done[-1]).task.sequence


def test_several_archives_one_after_the_other_keep_everything_findable(backend: Backend, clock: Clock) -> None:
    ids = []
    for _ in range(4):
        ids += [answered(backend) for _ in range(3)]
        moved(backend)
        clock.advance(15 * 86_400)
    assert sorted(shelved(backend)) == sorted(ids)
    for id in ids:
        assert backend.read(id).id == id
    for unknown in ("nothing", ids[0] + "x", "0", "z", ids[5][:-1]):
        with pytest.raises(NotFound):
            backend.read(unknown)


def test_an_import_of_what_has_been_archived_since_brings_nothing_back(backend: Backend) -> None:
    ids = [answered(backend), submit(backend)]
    lines = [*transfer.export(backend, damaged=pytest.fail)]
    assert moved(backend) == 1
    assert transfer.restore(backend, lines) == 2
    assert ([one.id for one in backend.archived()], listed(backend)) == ([ids[0]], [ids[1]])
