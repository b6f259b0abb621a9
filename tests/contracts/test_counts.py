"""ports.Counts: how a lane stands, and what it has done."""

from __future__ import annotations

from agent_lanes.core.stats import Standing
from agent_lanes.core.times import SECOND
from agent_lanes.ports import Backend
from agent_lanes.services import control, stats
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, park, release, respond, submit

NONE = {"submitted": 0, "completed": 0, "failed": 0, "cancelled": 0}


def test_a_lane_that_nobody_used_has_nothing(backend: Backend) -> None:
    assert backend.standing("default") == Standing(lane="default")
    assert backend.tally("default") == NONE
    assert stats.of_all(backend) == []


def test_each_open_task_is_counted_where_it_stands(backend: Backend, clock: Clock) -> None:
    for _ in range(3):
        submit(backend)
    first = backend.now().wall
    claim(backend, submit(backend))
    park(backend, submit(backend))
    submit(backend, not_before=clock().wall + 50 * SECOND)
    submit(backend, depends_on=(submit(backend, "other"),))
    submit(backend, vendor="codex", priority=2)
    wanted = {"ready": 4, "claimed": 1, "delayed": 1, "blocked": 1, "on_hold": 1, "oldest_ready_at": first}
    assert backend.standing("default") == Standing(lane="default", **wanted)
    assert backend.standing("other").ready == 1


def test_what_comes_up_is_ready_also_before_anybody_looked(backend: Backend, clock: Clock) -> None:
    early = clock().wall
    claim(backend, submit(backend), lease_seconds=10)
    submit(backend, not_before=clock().wall + 10 * SECOND)
    clock.advance(11)
    assert backend.standing("default") == Standing(lane="default", ready=2, oldest_ready_at=early)
    backend.promote("default")
    assert backend.standing("default") == Standing(lane="default", ready=2, oldest_ready_at=early)


def test_the_oldest_of_all_priorities_and_vendors_tells_how_long_the_lane_lets_wait(
    backend: Backend, clock: Clock
) -> None:
    submit(backend, vendor="codex", priority=9)
    clock.advance(60)
    submit(backend, priority=0)
    assert stats.of_lane(backend, "default")["oldest_ready_seconds"] == 60
    taken = QueueService(backend).claim_next("default", vendor="codex")
    assert taken is not None
    assert stats.of_lane(backend, "default")["oldest_ready_seconds"] is not None


def test_what_was_submitted_and_how_it_ended_is_counted_ever_and_in_the_last_hour_and_day(
    backend: Backend, clock: Clock
) -> None:
    respond(backend, submit(backend))
    clock.advance(2 * 3600)
    respond(backend, submit(backend), status="failed")
    control.cancel(backend, submit(backend), by="lead")
    submit(backend, "other")
    clock.advance(60)
    done = stats.of_lane(backend, "default")
    assert done["ever"] == done["last_day"] == {"submitted": 3, "completed": 1, "failed": 1, "cancelled": 1}
    assert done["last_hour"] == {"submitted": 2, "completed": 0, "failed": 1, "cancelled": 1}
    clock.advance(24 * 3600)
    assert stats.of_lane(backend, "default")["last_day"] == NONE
    assert [lane["lane"] for lane in stats.of_all(backend)] == ["default", "other"]


def test_a_release_and_a_second_claim_count_as_nothing(backend: Backend) -> None:
    id = submit(backend)
    for _ in range(2):
        claim(backend, id)
        release(backend, id)
    assert backend.tally("default") == {**NONE, "submitted": 1}
