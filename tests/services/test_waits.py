"""Blocking waits: when they look, how long they mean to sleep, when they give up. Their watches sleep when told to."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from contracts.stores import Clock

from agent_lanes.core.task import Snapshot
from agent_lanes.errors import BadUsage, NotFound
from agent_lanes.ports import Backend
from agent_lanes.services import waiting
from agent_lanes.services.queue import QueueService
from services.conftest import Submit

LONG = 1000.0


class Watched:
    """A backend whose watches note how long they are to sleep, and what happens at which sleep.

    They do not sleep, unless `sleeps`: then nothing wakes them.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.slept: list[float] = []
        self.set = 0
        self.at: dict[int, Any] = {}
        self.sleeps = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def watch_task(self, id: str) -> Watched:
        self.set += 1
        return self

    def watch_lane(self, lane: str) -> Watched:
        self.set += 1
        return self

    def wait(self, timeout_seconds: float) -> bool:
        self.slept.append(timeout_seconds)
        if self.sleeps:
            threading.Event().wait(timeout_seconds)
        self.at.get(len(self.slept), lambda: None)()
        return not self.sleeps

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def watched(queue: QueueService) -> Watched:
    """The backend of the queue, watched."""
    return Watched(queue.backend)


def test_a_wait_gives_up_when_its_time_is_over(watched: Any, submit: Submit) -> None:
    watched.sleeps = True
    id = submit().id
    assert waiting.for_answer(watched, id, timeout_seconds=0.02) is None
    assert max(watched.slept, default=0) <= 0.021


def test_a_wait_never_means_to_sleep_past_its_slow_re_check(watched: Any, queue: QueueService, submit: Submit) -> None:
    """A lost wake-up costs at most that."""
    id = submit().id
    watched.at[3] = lambda: queue.respond(id, "fine")
    assert waiting.for_answer(watched, id, timeout_seconds=LONG) == queue.read(id)
    assert watched.slept == [waiting.RECHECK_SECONDS] * 3


def test_a_wake_up_for_nothing_costs_a_look(watched: Any, queue: QueueService, submit: Submit) -> None:
    id = submit().id
    watched.at[50] = lambda: queue.respond(id, "fine")
    assert waiting.for_answer(watched, id, timeout_seconds=LONG) == queue.read(id)
    assert (watched.set, len(watched.slept)) == (1, 50)


def test_what_came_between_the_first_look_and_the_watch_is_found_without_a_sleep(
    watched: Any, queue: QueueService, submit: Submit
) -> None:
    id = submit().id
    setting = watched.watch_task

    def answered_meanwhile(task: str) -> Watched:
        queue.respond(id, "fine")
        return setting(task)  # type: ignore[no-any-return]

    watched.watch_task = answered_meanwhile
    assert waiting.for_answer(watched, id, timeout_seconds=LONG) == queue.read(id)
    assert watched.slept == []


def test_no_watch_is_set_for_what_is_there_or_for_no_time(watched: Any, queue: QueueService, submit: Submit) -> None:
    id = submit().id
    assert waiting.for_answer(watched, id, timeout_seconds=0) is None
    queue.respond(id, "fine")
    assert waiting.for_answer(watched, id, timeout_seconds=LONG) == queue.read(id)
    assert (watched.set, watched.slept) == (0, [])


def test_heartbeats_come_with_the_task_as_it_stands(watched: Any, queue: QueueService, submit: Submit) -> None:
    watched.sleeps = True
    id, beats = submit().id, list[str]()

    def beat(snapshot: Snapshot) -> None:
        beats.append(snapshot.state)
        if len(beats) == 2:
            queue.claim(id)
        if len(beats) == 4:
            claim = queue.read(id).claim
            assert claim is not None
            queue.respond(id, "fine", token=claim.token)

    found = waiting.for_answer(watched, id, timeout_seconds=LONG, heartbeat_seconds=0.002, beat=beat)
    assert found == queue.read(id)
    assert beats == ["queued", "queued", "claimed", "claimed"]
    assert max(watched.slept) <= 0.0021


def test_a_heartbeat_of_zero_is_none(watched: Any, queue: QueueService, submit: Submit) -> None:
    id = submit().id
    watched.at[5] = lambda: queue.respond(id, "fine")

    def beat(snapshot: Snapshot) -> None:
        raise AssertionError

    waiting.for_answer(watched, id, timeout_seconds=LONG, heartbeat_seconds=0, beat=beat)
    assert watched.slept == [waiting.RECHECK_SECONDS] * 5


def test_a_wait_for_work_means_to_sleep_until_the_lease_that_runs_out_first(
    watched: Any, queue: QueueService, submit: Submit, clock: Clock
) -> None:
    ids = [submit().id for _ in range(2)]
    queue.claim(ids[0], lease_seconds=12)
    queue.claim(ids[1], lease_seconds=7)
    watched.at[1] = lambda: clock.advance(7)
    found = waiting.for_work(watched, "default", lambda: queue.claim_next("default"), timeout_seconds=LONG)
    assert found is not None
    assert (found.id, watched.slept) == (ids[1], [7])


def test_a_lease_that_ends_this_very_moment_is_not_slept_for_zero_seconds(
    watched: Any, queue: QueueService, submit: Submit, clock: Clock
) -> None:
    """Or the wait would spin."""
    queue.claim(submit().id, lease_seconds=10)
    clock.advance(9.999999)
    watched.at[1] = lambda: clock.advance(1)
    assert waiting.for_work(watched, "default", lambda: queue.claim_next("default"), timeout_seconds=LONG) is not None
    assert watched.slept == [waiting.LEAST_SLEEP_SECONDS]


def test_a_wait_for_an_unknown_task_is_refused_at_once(watched: Any) -> None:
    with pytest.raises(NotFound):
        waiting.for_answer(watched, "nothing", timeout_seconds=LONG)
    assert (watched.set, watched.slept) == (0, [])


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf, 366 * 86_400 + 1, "5", None, True], ids=repr)
def test_a_time_that_makes_no_sense_is_refused_by_its_name(seconds: Any) -> None:
    with pytest.raises(BadUsage, match=r"^--timeout: "):
        waiting.timeout("--timeout", seconds)


@pytest.mark.parametrize("seconds", [0, 0.5, 21_600, 366 * 86_400])
def test_any_other_time_is_accepted(seconds: float) -> None:
    assert waiting.timeout("--timeout", seconds) == seconds
