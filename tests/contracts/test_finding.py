"""ports.Finder: what may be claimed next, in which order, and when the next lease runs out."""

from __future__ import annotations

import pytest

from agent_lanes.core.digest import sha256
from agent_lanes.core.match import routes_for
from agent_lanes.core.task import CLAIMED, Snapshot
from agent_lanes.errors import RequestChanged
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, in_threads, make, park, release, respond, submit


def offered(backend: Backend, vendor: str | None = None, lane: str = "default") -> list[str]:
    """What a dispatcher of that vendor may claim, in order."""
    backend.promote(lane)
    return list(backend.candidates(lane, routes_for(vendor)))


def taken(queue: QueueService, vendor: str | None = None, **options: object) -> str | None:
    """The id that claim_next gives."""
    found = queue.claim_next("default", vendor=vendor, **options)  # type: ignore[arg-type]
    return None if found is None else found.id


def test_an_empty_store_offers_nothing(backend: Backend) -> None:
    assert offered(backend) == []
    assert (backend.depth("default"), backend.next_due("default")) == (0, None)
    assert not backend.ever_submitted("default")
    backend.settle("20261121T023929158949Z-nothing-000000000000")


def test_first_in_is_first_out(backend: Backend, queue: QueueService) -> None:
    ids = [submit(backend) for _ in range(5)]
    assert offered(backend) == ids
    assert [taken(queue) for _ in range(6)] == [*ids, None]


def test_the_order_does_not_depend_on_the_clock(backend: Backend, queue: QueueService, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        ids.append(submit(backend))
        clock.advance(-3600)
    assert [taken(queue) for _ in range(3)] == ids


def test_more_tasks_than_a_bucket_holds_keep_their_order_and_tidying_loses_none(backend: Backend) -> None:
    ids = [submit(backend) for _ in range(515)]
    assert offered(backend) == ids
    assert backend.depth("default") == 515
    for id in ids[:511]:
        respond(backend, id)
    for _ in range(2):
        assert list(backend.candidates("default", None, tidy=True)) == ids[511:]
    again = submit(backend)
    assert offered(backend) == [*ids[511:], again]


def test_a_task_that_was_released_keeps_its_place(backend: Backend) -> None:
    ids = [submit(backend) for _ in range(3)]
    claim(backend, ids[0])
    assert offered(backend) == ids[1:]
    release(backend, ids[0])
    assert offered(backend) == ids


def test_lanes_do_not_mix(backend: Backend, queue: QueueService) -> None:
    for lane in ("default", "..", "a/b", "a%2Fb", ".hidden", "é", "Default"):
        id = submit(backend, lane)
        assert offered(backend, lane=lane) == [id]
        assert backend.depth(lane) == 1
        assert backend.ever_submitted(lane)
    assert not backend.ever_submitted("none")
    found = queue.claim_next("a/b")
    assert found is not None
    assert found.task.lane == "a/b"


def test_h1_a_task_for_one_vendor_never_hides_another_s(backend: Backend, queue: QueueService) -> None:
    claude = [submit(backend, vendor="claude") for _ in range(3)]
    codex = submit(backend, vendor="codex")
    assert taken(queue, "codex") == codex
    assert taken(queue, "codex") is None
    assert [taken(queue, "claude") for _ in range(4)] == [*claude, None]


def test_a_dispatcher_sees_its_own_tasks_and_those_for_any_in_one_order(backend: Backend) -> None:
    mixed = [submit(backend, vendor=vendor) for vendor in (None, "codex", "claude", "any", "codex", None)]
    assert offered(backend, "codex") == [mixed[0], mixed[1], mixed[3], mixed[4], mixed[5]]
    assert offered(backend, "claude") == [mixed[0], mixed[2], mixed[3], mixed[5]]
    assert offered(backend, "gemini") == [mixed[0], mixed[3], mixed[5]]
    assert offered(backend, None) == mixed


def test_vendors_may_have_any_name(backend: Backend) -> None:
    ids = {vendor: submit(backend, vendor=vendor) for vendor in (".sequence", "..", "a/b", "a%2Fb", "é", "Codex")}
    for vendor, id in ids.items():
        assert offered(backend, vendor) == [id]


def test_peeking_shows_what_claiming_would_take_and_takes_nothing(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    first, second, third = submit(backend), submit(backend), submit(backend)
    claim(backend, second, lease_seconds=10)
    claim(backend, first, lease_seconds=20)
    for expected, wait in ((third, 10), (second, 10), (first, 0)):
        peeked = queue.peek_next("default")
        assert isinstance(peeked, Snapshot)
        assert peeked == backend.read(expected)
        clock.advance(wait)
    assert [taken(queue) for _ in range(4)] == [first, second, third, None]
    assert queue.peek_next("default") is None


def test_what_is_answered_is_not_offered(backend: Backend, queue: QueueService, clock: Clock) -> None:
    queued, claimed, expired = (submit(backend) for _ in range(3))
    claim(backend, claimed, lease_seconds=10)
    claim(backend, expired, lease_seconds=10)
    respond(backend, queued)
    respond(backend, claimed, "t")
    clock.advance(10)
    respond(backend, expired, "t")
    assert taken(queue) is None
    assert (offered(backend), backend.depth("default"), backend.next_due("default")) == ([], 0, None)
    assert backend.ever_submitted("default")


def test_a_parked_task_is_not_offered_until_it_is_claimed_by_its_id(backend: Backend, queue: QueueService) -> None:
    parked, next_one = submit(backend), submit(backend)
    park(backend, parked)
    assert offered(backend) == [next_one]
    assert queue.peek_next("default") == backend.read(next_one)
    assert [taken(queue), taken(queue)] == [next_one, None]
    claim(backend, parked)
    release(backend, parked)
    assert taken(queue) == parked


def test_a_task_whose_request_changed_is_parked_and_the_next_is_taken(
    backend: Backend, queue: QueueService, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request = tmp_path_factory.mktemp("work") / "request.md"
    request.write_text("read this")
    hashed = sha256(request.read_bytes())
    changed = submit(backend, request_path=str(request), request_sha256=hashed)
    next_one = submit(backend)
    request.write_text("read that")
    assert [taken(queue), taken(queue)] == [next_one, None]
    assert backend.read(changed).parked
    with pytest.raises(RequestChanged, match="has changed since it was submitted"):
        queue.claim(changed)
    request.write_text("read this")
    assert queue.claim(changed).state == CLAIMED


def test_a_filter_skips_what_it_does_not_match_and_keeps_the_order(backend: Backend, queue: QueueService) -> None:
    small, large, listed = (
        submit(backend, metadata=metadata) for metadata in ({"size": "s"}, {"size": "l"}, {"size": ["m", "l"]})
    )
    peeked = queue.peek_next("default", match={"size": "l"})
    assert peeked is not None
    assert peeked.id == large
    assert [taken(queue, match={"size": "l"}) for _ in range(3)] == [large, listed, None]
    assert taken(queue) == small


def test_settling_a_task_that_may_be_claimed_keeps_it_offered(backend: Backend, clock: Clock) -> None:
    queued, expired, live = (submit(backend) for _ in range(3))
    claim(backend, expired, lease_seconds=1)
    claim(backend, live, lease_seconds=100)
    clock.advance(1)
    for id in (queued, expired, live):
        backend.settle(id)
    assert offered(backend) == [queued, expired]


def test_a_drained_lane_can_be_filled_again(backend: Backend, queue: QueueService) -> None:
    for _ in range(3):
        id = submit(backend)
        assert taken(queue) == id
        respond(backend, id, queue.read(id).claim.token)  # type: ignore[union-attr]
        assert taken(queue) is None


def test_many_who_drain_a_lane_get_each_task_once(backend: Backend, queue: QueueService) -> None:
    ids = [submit(backend) for _ in range(40)]

    def drain(number: int) -> list[str]:
        got: list[str] = []
        while (id := taken(queue, owner=f"o{number}")) is not None:
            got.append(id)
        return got

    results = in_threads(4, drain)
    got = [id for result in results if isinstance(result, list) for id in result]
    while (left := taken(queue)) is not None:  # one that was locked by a rival at the last look
        got.append(left)
    assert sorted(got) == sorted(ids)
    assert all(backend.read(id).epoch == 1 for id in ids)


def test_sequence_counts_within_a_lane(backend: Backend) -> None:
    first = [backend.create("one", make("one")).sequence for _ in range(2)]
    other = backend.create("other", make("other")).sequence
    assert [*first, other] == [1, 2, 1]
