"""An agent at work: while it runs, a lease that has run out is taken over by nobody, up to the time that was stated."""

from __future__ import annotations

import pytest

from agent_lanes.errors import Busy, LostClaim, NotFound, Refused
from agent_lanes.ports import Backend
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, release, renew, respond, submit
from contracts.test_finding import offered


def expired_claim(backend: Backend, clock: Clock, limit_seconds: float = 1000) -> tuple[str, object]:
    """A task whose agent runs on, under a lease that has run out."""
    id = submit(backend)
    claim(backend, id, "a", lease_seconds=10)
    lock = backend.begin_run(id, "a", mark="m", limit_seconds=limit_seconds)
    clock.advance(11)
    return id, lock


def test_a_task_whose_agent_still_runs_is_not_taken_over(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id, lock = expired_claim(backend, clock)
    assert offered(backend) == []
    assert queue.claim_next("default") is None
    with pytest.raises(Refused, match="its agent still runs"):
        queue.claim(id)
    lock.end()  # type: ignore[attr-defined]
    assert offered(backend) == [id]
    taken = queue.claim_next("default")
    assert taken is not None and taken.id == id and taken.epoch == 2


def test_a_run_that_takes_longer_than_it_may_protects_no_longer(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id, lock = expired_claim(backend, clock, limit_seconds=20)
    assert queue.claim_next("default") is None
    clock.advance(10)
    taken = queue.claim_next("default")
    assert taken is not None and taken.id == id and taken.claim is not None
    with pytest.raises(Busy):  # two agents never: the new holder has to end the old one first
        backend.begin_run(id, taken.claim.token, mark="n", limit_seconds=20)
    found = backend.running(id)
    assert found is not None and (found.mark, found.epoch) == ("m", 1)
    lock.end()  # type: ignore[attr-defined]
    backend.begin_run(id, taken.claim.token, mark="n", limit_seconds=20).end()


def test_a_run_of_a_former_claim_does_not_protect_the_present_one(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id, _ = expired_claim(backend, clock, limit_seconds=20)
    clock.advance(10)
    taken = queue.claim_next("default", lease_seconds=10)
    assert taken is not None
    clock.advance(11)
    assert offered(backend) == [id]


def test_the_holder_goes_on_to_renew_and_respond(backend: Backend, clock: Clock) -> None:
    id, _ = expired_claim(backend, clock)
    renew(backend, id, "a", lease_seconds=10)
    clock.advance(11)
    respond(backend, id, "a")
    assert backend.read(id).state == "completed"


def test_what_its_holder_releases_is_offered_though_the_agent_may_still_run(backend: Backend, clock: Clock) -> None:
    id, _ = expired_claim(backend, clock)
    release(backend, id, "a")
    assert offered(backend) == [id]


def test_the_last_attempt_is_not_over_while_its_agent_runs(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id = submit(backend, max_attempts=1)
    claim(backend, id, "a", lease_seconds=10)
    lock = backend.begin_run(id, "a", mark="m", limit_seconds=1000)
    clock.advance(11)
    assert queue.claim_next("default") is None
    assert backend.read(id).state == "claimed"
    lock.end()
    assert queue.claim_next("default") is None
    assert backend.read(id).state == "failed"


def test_only_the_holder_begins_a_run(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    with pytest.raises(Refused):
        backend.begin_run(id, "a", mark="m", limit_seconds=10)
    claim(backend, id, "a")
    with pytest.raises(LostClaim):
        backend.begin_run(id, "b", mark="m", limit_seconds=10)
    with pytest.raises(NotFound):
        backend.begin_run("nope", "a", mark="m", limit_seconds=10)
    assert backend.running(id) is None
    lock = backend.begin_run(id, "a", mark="m", limit_seconds=10)
    lock.end()
    lock.end()
    assert backend.running(id) is None


def test_an_answer_is_kept_as_it_came(backend: Backend) -> None:
    id = submit(backend)
    path = backend.keep_answer(id, b"\xff\xfe")
    assert path.endswith(f"{id}/answer.raw")
