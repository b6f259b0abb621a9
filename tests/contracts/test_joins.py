"""Waiting for several tasks at once."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from agent_lanes.core.task import CANCELLED, FAILED
from agent_lanes.errors import BadUsage, NotFound
from agent_lanes.ports import Backend
from agent_lanes.services import control, joins
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, claim, respond, submit
from contracts.test_waiting import LONG, in_background, woken_by


def answered_from(clock: Clock, backend: Backend, *ids: str) -> None:
    for id in ids:
        clock.advance(1)
        respond(backend, id)


def test_an_answer_to_any_of_them_wakes_a_watch_on_many(backend: Backend) -> None:
    ids = [submit(backend) for _ in range(4)]
    for one in (ids[3], ids[0]):
        watch = backend.watch_tasks(ids)
        assert woken_by(watch, partial(respond, backend, one), partial(backend.finished, one))


def test_a_wait_for_all_ends_with_the_last_and_tells_in_which_order(backend: Backend, clock: Clock) -> None:
    ids = [submit(backend) for _ in range(3)]
    respond(backend, ids[1])
    blocked = threading.Event()
    result = in_background(
        lambda: joins.until(
            backend, ids, enough=3, timeout_seconds=LONG, heartbeat_seconds=0.001, beat=lambda so_far: blocked.set()
        )
    )
    assert blocked.wait(LONG)
    answered_from(clock, backend, ids[2], ids[0])
    joined = result()
    assert isinstance(joined, joins.Joined)
    assert ([one.id for one in joined.ended], joined.open) == ([ids[1], ids[2], ids[0]], ())
    assert [one.id for one in joined.in_order(ids)] == ids


def test_a_wait_for_any_ends_with_the_first_and_names_the_open_ones(backend: Backend) -> None:
    ids = [submit(backend) for _ in range(3)]
    blocked = threading.Event()
    result = in_background(
        lambda: joins.until(
            backend, ids, enough=1, timeout_seconds=LONG, heartbeat_seconds=0.001, beat=lambda so_far: blocked.set()
        )
    )
    assert blocked.wait(LONG)
    respond(backend, ids[1])
    joined = result()
    assert isinstance(joined, joins.Joined)
    assert ([one.id for one in joined.ended], joined.open) == ([ids[1]], (ids[0], ids[2]))


def test_what_has_ended_is_told_at_once_the_earlier_first(backend: Backend, clock: Clock) -> None:
    ids = [submit(backend) for _ in range(3)]
    answered_from(clock, backend, ids[2], ids[0])
    joined = joins.until(backend, ids, enough=2, timeout_seconds=0)
    assert ([one.id for one in joined.ended], joined.open) == ([ids[2], ids[0]], (ids[1],))


def test_a_wait_whose_time_is_over_tells_how_they_stand(backend: Backend) -> None:
    ids = [submit(backend) for _ in range(2)]
    respond(backend, ids[0])
    joined = joins.until(backend, ids, enough=2, timeout_seconds=0.01)
    assert ([one.id for one in joined.ended], joined.open) == ([ids[0]], (ids[1],))


def test_it_ends_what_the_queue_itself_must_end(backend: Backend, clock: Clock) -> None:
    over = submit(backend, expires_at=clock.moment.wall + 1_000_000)
    last = submit(backend, max_attempts=1)
    claim(backend, last, lease_seconds=1)
    clock.advance(2)
    joined = joins.until(backend, [over, last], enough=2, timeout_seconds=0)
    assert {one.state for one in joined.ended} == {FAILED}


def test_the_exit_code_is_that_of_the_worst(backend: Backend, queue: QueueService) -> None:
    good, bad, stopped = (submit(backend) for _ in range(3))
    respond(backend, good)
    respond(backend, bad, status=FAILED)
    control.cancel(backend, stopped)
    assert queue.read(stopped).state == CANCELLED
    found = {id: backend.read(id) for id in (good, bad, stopped)}
    assert joins.exit_code([found[good]]) == 0
    assert joins.exit_code([found[good], found[stopped]]) == 9
    assert joins.exit_code([found[stopped], found[bad], found[good]]) == 8


def test_one_that_is_named_twice_is_one_and_one_that_is_not_there_is_named(backend: Backend) -> None:
    id = submit(backend)
    respond(backend, id)
    assert len(joins.until(backend, [id, id], enough=1, timeout_seconds=0).ended) == 1
    with pytest.raises(NotFound, match="nobody"):
        joins.until(backend, [id, "nobody"], enough=1, timeout_seconds=0)
    with pytest.raises(BadUsage):
        joins.until(backend, [], enough=0, timeout_seconds=0)
    with pytest.raises(BadUsage, match="--first"):
        joins.count("--first", 3, [id, "b"])
