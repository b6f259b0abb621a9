"""Limits on how many tasks of a lane are claimed at once, on every backend."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from agent_lanes.core.rules import Lanes, Rules
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import BadUsage, Refused
from agent_lanes.ports import Backend
from agent_lanes.services import control, waiting
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from contracts.stores import Clock, in_threads, submit


def limited(backend: Backend, **rules: Any) -> QueueService:
    return QueueService(backend, lambda: Lanes(rules={"default": Rules(**rules)}))


def token(held: Snapshot | None) -> str:
    assert held is not None and held.claim is not None
    return held.claim.token


def test_no_more_than_the_limit_are_claimed_and_each_end_makes_room(backend: Backend, clock: Clock) -> None:
    queue = limited(backend, concurrency=2)
    ids = [submit(backend) for _ in range(6)]
    first, second = (queue.claim_next("default", lease_seconds=10) for _ in range(2))
    assert (queue.claim_next("default"), queue.peek_next("default")) == (None, None)
    assert queue.idle("default")[0] == "concurrency"
    with pytest.raises(Refused, match="lane default has 2 tasks claimed, and its concurrency is 2"):
        queue.claim(ids[5])
    queue.respond(ids[0], "done", token=token(first))
    third = queue.claim_next("default", lease_seconds=100)
    assert third is not None and third.id == ids[2] and queue.claim_next("default") is None
    queue.release(ids[2], token(third))
    assert token(queue.claim_next("default", lease_seconds=100)) and queue.claim_next("default") is None
    clock.advance(10)
    again = queue.claim_next("default", lease_seconds=100)
    assert again is not None and again.id == ids[1] and second is not None
    control.cancel(backend, ids[1])
    assert queue.claim(ids[5]).id == ids[5]


def test_a_renewed_lease_is_counted_once(backend: Backend, clock: Clock) -> None:
    queue = limited(backend, concurrency=2)
    for _ in range(3):
        submit(backend)
    held = queue.claim_next("default", lease_seconds=10)
    for _ in range(5):
        clock.advance(5)
        queue.renew(held.id if held else "", token(held), lease_seconds=10)
    assert queue.claim_next("default") is not None and queue.claim_next("default") is None


def test_tasks_with_the_same_value_are_limited_and_do_not_stand_in_the_way_of_others(backend: Backend) -> None:
    queue = limited(backend, concurrency_by={"project": 1})
    a1, a2 = (submit(backend, metadata={"project": "a"}) for _ in range(2))
    b = submit(backend, metadata={"project": ["b", "c"]})
    c = submit(backend, metadata={"project": "c"})
    nobody = [submit(backend) for _ in range(2)]
    taken = [queue.claim_next("default") for _ in range(6)]
    assert [one and one.id for one in taken] == [a1, b, *nobody, None, None]
    with pytest.raises(Refused, match="1 task with project c claimed"):
        queue.claim(c)
    queue.respond(a1, "done", token=token(taken[0]))
    found = queue.claim_next("default")
    assert found is not None and found.id == a2


def test_a_claimer_may_bring_a_limit_of_its_own(backend: Backend) -> None:
    queue = QueueService(backend)
    for _ in range(2):
        submit(backend)
    assert queue.claim_next("default", max_concurrency=1) is not None
    assert queue.claim_next("default", max_concurrency=1) is None
    assert queue.claim_next("default") is not None
    for wrong in (0, -1, 1.5, "2", True):
        with pytest.raises(BadUsage, match="max_concurrency"):
            queue.claim_next("default", max_concurrency=wrong)  # type: ignore[arg-type]


def test_other_lanes_have_room(backend: Backend) -> None:
    queue = limited(backend, concurrency=1)
    for lane in ("default", "default", "other", "other"):
        submit(backend, lane)
    assert queue.claim_next("default") is not None and queue.claim_next("default") is None
    assert queue.claim_next("other") is not None and queue.claim_next("other") is not None


def test_many_who_claim_at_once_never_exceed_the_limit(backend: Backend) -> None:
    queue = limited(backend, concurrency=3)
    for _ in range(12):
        submit(backend)
    taken = in_threads(8, lambda number: queue.claim_next("default", owner=f"o{number}"))
    assert not [one for one in taken if isinstance(one, Exception)]
    assert sum(one is not None for one in taken) == 3


@pytest.mark.parametrize("how", ["respond", "release", "fail", "cancel"])
def test_who_waits_for_room_is_woken_by_its_end(backend: Backend, how: str) -> None:
    queue = limited(backend, concurrency=1)
    for _ in range(2):
        submit(backend)
    held = queue.claim_next("default")
    assert held is not None
    found: list[Any] = []
    with backend.watch_lane("default") as watch:
        if how == "respond":
            queue.respond(held.id, "done", token=token(held))
        elif how == "release":
            queue.release(held.id, token(held), not_before=backend.now().wall + 10**12)
        elif how == "fail":
            control.fail_attempt(backend, held.id, token(held), "boom", retry_in_seconds=86_400)
        else:
            control.cancel(backend, held.id)
        assert watch.wait(10)
    waiter = threading.Thread(
        target=lambda: found.append(
            waiting.for_work(backend, "default", lambda: queue.claim_next("default"), timeout_seconds=10)
        )
    )
    waiter.start()
    waiter.join(20)
    assert found and found[0] is not None


def test_who_claims_without_the_config_is_bound_by_what_the_tasks_came_with(backend: Backend) -> None:
    with_config, without = limited(backend, concurrency=1), QueueService(backend)
    ids = [with_config.submit(asked())[0].id for _ in range(3)]
    first = without.claim_next("default")
    assert first is not None and first.claim is not None and first.claim.limited
    assert (without.claim_next("default"), without.peek_next("default")) == (None, None)
    assert without.idle("default")[0] == "concurrency"
    with pytest.raises(Refused, match="its concurrency is 1"):
        without.claim(ids[1])
    assert without.claim_next("default", max_concurrency=2) is not None
    lifted = limited(backend)
    assert lifted.claim_next("default") is not None, "a config that declares the lane says what holds now"


def test_of_limits_by_value_that_tasks_came_with_others_are_not_hindered(backend: Backend) -> None:
    with_config, without = limited(backend, concurrency_by={"project": 1}), QueueService(backend)
    ids = [with_config.submit(asked(project=name))[0].id for name in ("a", "a", "b")]
    taken = [without.claim_next("default") for _ in range(3)]
    assert [one.id if one else None for one in taken] == [ids[0], ids[2], None]


def asked(**metadata: str) -> Submission:
    return Submission(
        lane="default", workspace_id="w", workspace_root="/", base="/", prompt="x", metadata=dict(metadata)
    )
