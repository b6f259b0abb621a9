"""Attempts, deadlines, delays and priorities: what the queue carries so that no dispatcher has to."""

from __future__ import annotations

import pytest

from agent_lanes.core.control import backoff_seconds
from agent_lanes.core.task import EXHAUSTED, EXPIRED, FAILED, QUEUED
from agent_lanes.core.times import SECOND
from agent_lanes.errors import Cancelled, LostClaim, Refused
from agent_lanes.ports import Backend
from agent_lanes.services import control, retries, waiting
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, submit
from contracts.test_finding import offered, taken


def attempt(queue: QueueService, reason: str = "boom", **options: object) -> str:
    """Claim the next task, and let that attempt fail."""
    held = queue.claim_next("default")
    assert held is not None and held.claim is not None
    control.fail_attempt(queue.backend, held.id, held.claim.token, reason, **options)  # type: ignore[arg-type]
    return held.id


def test_a_failed_attempt_is_offered_again_after_its_pause_until_the_attempts_are_used_up(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id = submit(backend, max_attempts=3)
    for _ in range(2):
        assert attempt(queue, retry_in_seconds=10) == id
        clock.advance(9.999999)
        assert (taken(queue), offered(backend)) == (None, [])
        clock.advance(0.000001)
        assert offered(backend) == [id]
    attempt(queue, "for the third time")
    answered = backend.read(id)
    assert answered.response is not None
    assert (answered.state, answered.response.cause, answered.attempts) == (FAILED, EXHAUSTED, 3)
    assert answered.response.failure_reason == "attempts exhausted (3 of 3): for the third time"
    assert [event.type for event in backend.events(id)].count("attempt_failed") == 3
    assert (offered(backend), taken(queue)) == ([], None)


def test_pauses_double_and_half_of_each_is_chance() -> None:
    assert [backoff_seconds(10, attempts, 0) for attempts in (1, 2, 3)] == [5, 10, 20]
    assert [backoff_seconds(10, attempts, 1) for attempts in (1, 2, 3)] == [10, 20, 40]
    assert backoff_seconds(10, 100_000, 1) == 3600


def test_the_same_failure_said_twice_counts_once(backend: Backend, queue: QueueService) -> None:
    id = submit(backend, max_attempts=1)
    held = queue.claim_next("default")
    assert held is not None and held.claim is not None
    for repeated in (False, True):
        after, again = control.fail_attempt(backend, id, held.claim.token, "boom")
        assert (after.state, again) == (FAILED, repeated)


def test_a_failure_of_an_attempt_that_goes_back_is_confirmed_when_repeated(
    backend: Backend, queue: QueueService
) -> None:
    id = submit(backend, max_attempts=2)
    held = queue.claim_next("default")
    assert held is not None and held.claim is not None
    for repeated in (False, True):
        after, again = control.fail_attempt(backend, id, held.claim.token, "boom")
        assert (after.state, after.attempts, again) == (QUEUED, 1, repeated)


def test_a_lease_that_runs_out_is_a_failed_attempt_and_a_release_is_none(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id = submit(backend, max_attempts=2)
    held = queue.claim_next("default", lease_seconds=10)
    assert held is not None and held.claim is not None
    queue.release(id, held.claim.token)
    assert backend.read(id).attempts == 0
    queue.claim_next("default", lease_seconds=10)
    clock.advance(10)
    held = queue.claim_next("default", lease_seconds=10)
    assert held is not None and (held.attempts, held.epoch) == (1, 3)
    clock.advance(10)
    assert taken(queue) is None
    response = backend.read(id).response
    assert response is not None and response.cause == EXHAUSTED


def test_without_a_limit_attempts_never_end(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id = submit(backend, max_attempts=None)
    for _ in range(10):
        held = queue.claim_next("default", lease_seconds=1)
        assert held is not None and held.id == id
        clock.advance(1)
    assert offered(backend) == [id]


def test_who_waits_is_told_when_the_last_lease_runs_out_though_nobody_claims(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id = submit(backend, max_attempts=1)
    queue.claim_next("default", lease_seconds=10)
    assert waiting.for_answer(backend, id, timeout_seconds=0) is None
    clock.advance(10)
    found = waiting.for_answer(backend, id, timeout_seconds=5)
    assert found is not None and found.response is not None and found.response.cause == EXHAUSTED


def test_the_holder_of_a_lapsed_last_attempt_may_still_answer_if_nobody_looked(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    id = submit(backend, max_attempts=1)
    held = queue.claim_next("default", lease_seconds=10)
    assert held is not None and held.claim is not None
    clock.advance(11)
    assert queue.respond(id, "late, but here", token=held.claim.token)[0].state == "completed"


def test_a_task_that_was_not_begun_in_time_has_failed_and_the_waiter_is_told(
    backend: Backend, queue: QueueService, clock: Clock
) -> None:
    claimed, waited = (submit(backend, expires_at=clock.moment.wall + 10 * SECOND) for _ in range(2))
    begun = submit(backend, expires_at=clock.moment.wall + 10 * SECOND)
    queue.claim(begun)
    clock.advance(10)
    assert taken(queue) is None
    with pytest.raises(Refused, match="task is failed"):
        queue.claim(claimed)
    found = waiting.for_answer(backend, waited, timeout_seconds=5)
    assert found is not None and found.response is not None and found.response.cause == EXPIRED
    assert backend.read(begun).state == "claimed"


def test_a_task_is_not_offered_before_its_time(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id = submit(backend, not_before=clock.moment.wall + 10 * SECOND)
    now = submit(backend)
    assert backend.next_due("default") == clock.moment.boottime + 10 * SECOND
    with pytest.raises(Refused, match="not offered before"):
        queue.claim(id)
    assert taken(queue) == now
    clock.advance(10)
    assert (queue.peek_next("default") or backend.read(now)).id == id
    assert taken(queue) == id


def test_the_more_urgent_goes_first_and_equals_in_their_order(backend: Backend, queue: QueueService) -> None:
    ids = {priority: [submit(backend, priority=priority) for _ in range(2)] for priority in (5, 9, 0)}
    assert offered(backend) == [*ids[0], *ids[5], *ids[9]]
    assert [taken(queue) for _ in range(6)] == [*ids[0], *ids[5], *ids[9]]


def test_a_cancelled_task_is_over_at_once_and_its_holder_is_told_to_stop(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    held = queue.claim_next("default")
    assert held is not None and held.claim is not None
    for repeated in (False, True):
        after, again = control.cancel(backend, id, by="eve", reason="no longer needed")
        assert (after.state, again) == ("cancelled", repeated)
    for stopped in (
        lambda token: queue.renew(id, token),
        lambda token: queue.respond(id, "an answer", token=token),
        lambda token: queue.release(id, token),
        lambda token: control.fail_attempt(backend, id, token, "boom"),
    ):
        with pytest.raises(Cancelled, match=r"cancelled by eve .*: no longer needed"):
            stopped(held.claim.token)
    assert queue.status(backend.read(id))["cancel_requested"] is True
    assert (offered(backend), taken(queue)) == ([], None)


def test_what_was_answered_is_not_cancelled(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    queue.respond(id, "done")
    with pytest.raises(Refused, match="answered"):
        control.cancel(backend, id)
    assert backend.read(id).state == "completed"


def test_a_task_on_hold_is_not_offered_until_it_is_resumed(backend: Backend, queue: QueueService) -> None:
    id, other = submit(backend), submit(backend)
    control.hold(backend, id, reason="not today")
    assert offered(backend) == [other]
    with pytest.raises(Refused, match="on hold"):
        queue.claim(id)
    control.resume(backend, id)
    assert [taken(queue), taken(queue)] == [id, other]
    assert backend.read(id).epoch == 1


def test_a_hold_with_an_end_ends_by_itself(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id = submit(backend)
    control.hold(backend, id, until=clock.moment.wall + 10 * SECOND)
    assert taken(queue) is None
    clock.advance(10)
    assert taken(queue) == id


def test_what_somebody_works_on_is_not_put_on_hold(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    queue.claim_next("default")
    with pytest.raises(Refused, match="claimed"):
        control.hold(backend, id)


def test_a_release_may_keep_a_task_back_for_a_while(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id = submit(backend)
    held = queue.claim_next("default")
    assert held is not None and held.claim is not None
    queue.release(id, held.claim.token, not_before=clock.moment.wall + 10 * SECOND)
    assert taken(queue) is None
    clock.advance(10)
    assert taken(queue) == id


def test_a_finished_task_is_done_again_as_a_new_one_that_names_it(backend: Backend, queue: QueueService) -> None:
    id = submit(backend, prompt="think", priority=3)
    with pytest.raises(Refused, match="cannot retry"):
        retries.again(backend, id)
    queue.respond(id, "no", status=FAILED)
    task, new = retries.again(backend, id)
    assert (task.retry_of, task.prompt, task.priority, new) == (id, "think", 3, True)
    assert offered(backend) == [task.id]
    assert list(backend.events(id))[-1].data == {"retried_as": task.id}


def test_who_has_released_a_task_is_not_told_that_the_attempt_had_failed(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    held = queue.claim_next("default")
    assert held is not None and held.claim is not None
    queue.release(id, held.claim.token)
    with pytest.raises(Refused):
        control.fail_attempt(backend, id, held.claim.token, "boom")
    assert backend.read(id).attempts == 0


def test_one_retry_of_a_task_is_open_at_a_time(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    queue.respond(id, "no", status=FAILED)
    first, _ = retries.again(backend, id)
    lines = [*backend.events(id)]
    again, new = retries.again(backend, id)
    assert (again.id, new, [*backend.events(id)]) == (first.id, False, lines)
    view = queue.status(backend.read(id))
    assert view["retried_as"] == first.id and f"agent-lanes wait {first.id}" in str(view["next_action"])
    queue.respond(first.id, "no", status=FAILED)
    second, new = retries.again(backend, id)
    assert new and second.id != first.id and queue.status(backend.read(id))["retried_as"] == second.id
    assert retries.again(backend, id)[0].id == second.id


def test_a_retry_of_which_nobody_was_told_is_found_again(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    queue.respond(id, "no", status=FAILED)
    task = backend.read(id).task
    key = f"retry 1 of {id}"  # as a kill leaves it between the new task and the line of history
    made = backend.create(
        task.lane,
        lambda birth: task.replace(id=birth.id or f"{id}-1", retry_of=id, idempotency_key=key),
        None,
        key,
    )
    queue.respond(made.id, "done")
    found, new = retries.again(backend, id)
    assert (found.id, new) == (made.id, False)
    assert list(backend.events(id))[-1].data == {"retried_as": made.id}
    assert retries.again(backend, id)[1]


def test_a_task_of_a_user_with_the_key_of_a_retry_is_none(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    queue.respond(id, "no", status=FAILED)
    key, task = f"retry 1 of {id}", backend.read(id).task
    other = backend.create(
        task.lane, lambda birth: task.replace(id=birth.id or f"{id}-1", idempotency_key=key), None, key
    )
    assert queue.status(backend.read(id))["retried_as"] is None
    made, new = retries.again(backend, id)
    assert (made.retry_of, new) == (id, True) and made.id != other.id
    assert retries.again(backend, id) == (made, False)
    assert queue.status(backend.read(id))["retried_as"] == made.id


def test_a_stranger_cannot_fail_an_attempt(backend: Backend, queue: QueueService) -> None:
    id = submit(backend)
    queue.claim_next("default")
    with pytest.raises(LostClaim):
        control.fail_attempt(backend, id, "0" * 32, "boom")
    assert backend.read(id).attempts == 0
