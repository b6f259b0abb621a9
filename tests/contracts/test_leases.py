"""Claims whose lease runs out: offered again in their old place, to whom they are for, and not a moment too early."""

from __future__ import annotations

import pytest

from agent_lanes.core.match import routes_for
from agent_lanes.core.placement import timer_now
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, renew, respond, submit
from contracts.test_finding import offered, taken


@pytest.mark.parametrize("vendor", ["codex", None])
def test_a_lease_that_ran_out_is_offered_again_in_its_old_place(
    backend: Backend, queue: QueueService, clock: Clock, vendor: str | None
) -> None:
    first, second, third = (submit(backend, vendor="codex") for _ in range(3))
    claim(backend, second, "a", lease_seconds=10)
    assert offered(backend, vendor) == [first, third]
    clock.advance(9.999999)
    assert offered(backend, vendor) == [first, third]
    clock.advance(0.000001)
    assert list(backend.candidates("default", routes_for(vendor))) == [first, second, third]  # nobody promoted it yet
    assert offered(backend, vendor) == [first, second, third]
    assert [taken(queue, vendor) for _ in range(4)] == [first, second, third, None]
    assert backend.read(second).epoch == 2


def test_a_lease_that_ran_out_is_not_offered_to_another_vendor(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    claude = submit(backend, vendor="claude")
    claim(backend, claude, lease_seconds=10)
    clock.advance(10)
    assert list(backend.candidates("default", routes_for("codex"))) == []
    assert taken(queue, "codex") is None
    assert queue.peek_next("default", vendor="codex") is None
    assert taken(queue, "claude") == claude


def test_a_lease_that_runs_out_between_two_looks_is_not_taken_by_another_vendor(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    """claim_next lists what has run out, then asks for candidates: a lease may end in between."""
    claude = submit(backend, vendor="claude")
    claim(backend, claude, lease_seconds=10)

    class Late(QueueService):
        def __init__(self) -> None:
            super().__init__(LatePromotion(backend, clock))  # type: ignore[arg-type]

    assert Late().claim_next("default", vendor="codex") is None
    assert backend.read(claude).epoch == 1


class LatePromotion:
    """A backend on which the lease runs out right after `promote`."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend, self._clock = backend, clock

    def promote(self, lane: str) -> None:
        self._backend.promote(lane)
        self._clock.advance(10)

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)


def test_a_lease_ends_by_the_clock_of_the_boot_not_by_the_wall(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    claim(backend, id, lease_seconds=10)
    clock.moment = clock.moment.replace(wall=clock.moment.wall + 10**12)
    assert offered(backend) == []
    clock.moment = clock.moment.replace(wall=0, boottime=clock.moment.boottime + 10_000_000)
    assert offered(backend) == [id]


def test_a_renewed_lease_is_not_offered_when_the_first_would_have_run_out(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id = submit(backend)
    claim(backend, id, lease_seconds=10)
    clock.advance(5)
    renew(backend, id, lease_seconds=10)
    clock.advance(5)
    assert taken(queue) is None
    clock.advance(5)
    assert taken(queue) == id


def test_a_holder_who_renews_after_the_lease_ran_out_has_the_task_again(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id = submit(backend)
    claim(backend, id, lease_seconds=10)
    clock.advance(10)
    assert offered(backend) == [id]
    renew(backend, id, lease_seconds=10)
    assert taken(queue) is None
    clock.advance(10)
    assert taken(queue) == id


def test_next_due_is_when_the_next_lease_of_the_lane_runs_out(backend: Backend, clock: Clock) -> None:
    ids = [submit(backend) for _ in range(3)]
    elsewhere = submit(backend, "elsewhere")
    start = timer_now(clock())
    assert backend.next_due("default") is None
    for id, seconds in zip(ids, (300, 100, 200), strict=True):
        claim(backend, id, lease_seconds=seconds)
    claim(backend, elsewhere, lease_seconds=1)
    assert backend.next_due("default") == start + 100_000_000
    respond(backend, ids[1], "t")
    assert backend.next_due("default") == start + 200_000_000
    renew(backend, ids[2], lease_seconds=400)
    assert backend.next_due("default") == start + 300_000_000
    clock.advance(300)
    assert backend.next_due("default") == start + 400_000_000
    assert backend.next_due("elsewhere") is None
