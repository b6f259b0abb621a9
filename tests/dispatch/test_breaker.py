"""What puts a vendor on hold: a usage limit, three failures in a row; and what ends that."""

from __future__ import annotations

import json
import sys

import pytest
from contracts.stores import Clock

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.core import ledger
from agent_lanes.core.holds import Hold
from agent_lanes.core.ledger import Entry
from agent_lanes.core.times import SECOND, parse_iso
from agent_lanes.dispatch.breaker import BREAK_SECONDS, BREAKER, USAGE_LIMIT, Breaker
from agent_lanes.dispatch.runner import Limits
from agent_lanes.dispatch.settings import Settings
from agent_lanes.services import holds
from agent_lanes.services.queue import QueueService
from dispatch.conftest import Scene


class Told:
    """A breaker over a memory store, told of attempts."""

    def __init__(self) -> None:
        self.clock, self.said = Clock(), list[str]()
        self.store = MemoryStore(now=self.clock)
        limits = Limits(run_seconds=1, output_bytes=1, memory_bytes=0)
        settings = Settings(owner="me", vendor="v", limits=limits)
        self.breaker = Breaker(QueueService(self.store), settings, self.said.append)
        self.count = 0

    def attempt(self, kind: str, reset_at: int | None = None) -> bool:
        self.count += 1
        self.store.enter(
            Entry(
                at=self.clock.moment.wall,
                task=f"t{self.count}",
                epoch=1,
                lane="l",
                vendor="v",
                thread="",
                source_agent="s",
                outcome=kind,
            )
        )
        return self.breaker.learn(kind, f"v failed: {kind}", reset_at)

    @property
    def hold(self) -> Hold | None:
        return next((one for one in self.store.holds() if one.stands(self.clock.moment)), None)

    @property
    def seconds(self) -> float:
        """How long the hold lasts from now on."""
        assert self.hold is not None and self.hold.until is not None
        return (self.hold.until - self.clock.moment.wall) / SECOND


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_third_failure_holds_the_vendor_everywhere_and_an_answer_lets_it_go_on(told: Told) -> None:
    assert [told.attempt(ledger.FAILED) for _ in range(3)] == [False, False, True]
    assert told.hold is not None and (told.hold.lane, told.hold.vendor, told.hold.by) == (None, "v", BREAKER)
    assert told.seconds == BREAK_SECONDS and "3 failures of v in a row" in told.hold.reason
    assert not told.attempt(ledger.ANSWERED)
    assert told.hold is None


def test_once_the_time_is_over_a_single_failure_holds_it_again(told: Told) -> None:
    for _ in range(3):
        told.attempt(ledger.NOT_LOGGED_IN)
    told.clock.advance(BREAK_SECONDS + 1)
    assert told.hold is None
    assert told.attempt(ledger.FAILED) and told.seconds == BREAK_SECONDS


def test_a_usage_limit_holds_until_its_reset_and_an_answer_does_not_end_that(told: Told) -> None:
    reset_at = told.clock.moment.wall + 7200 * SECOND
    assert told.attempt(ledger.USAGE_LIMIT, reset_at)
    assert told.hold is not None and told.hold.by == USAGE_LIMIT and told.seconds == 7200
    told.attempt(ledger.ANSWERED)
    assert told.seconds == 7200


def test_limits_that_do_not_say_when_they_end_double_up_to_an_hour(told: Told) -> None:
    lasting = []
    for _ in range(6):
        told.attempt(ledger.USAGE_LIMIT)
        told.attempt(ledger.USAGE_LIMIT)  # of another agent, at the same moment
        lasting.append(told.seconds)
        told.clock.advance(told.seconds + 1)
    assert lasting == [300, 600, 1200, 2400, 3600, 3600]
    told.attempt(ledger.ANSWERED)
    told.attempt(ledger.USAGE_LIMIT)
    assert told.seconds == 300


@pytest.mark.parametrize("until", [None, 60])
def test_a_hold_of_a_person_is_left_alone(told: Told, until: int | None) -> None:
    at = None if until is None else told.clock.moment.wall + until * SECOND
    holds.hold(told.store, None, "v", until=at, reason="on holiday")
    for _ in range(3):
        told.attempt(ledger.FAILED)
    told.attempt(ledger.USAGE_LIMIT)
    told.attempt(ledger.ANSWERED)
    assert told.hold is not None and told.hold.reason == "on holiday"


def test_a_vendor_that_fails_for_one_task_only_is_not_held(told: Told) -> None:
    for _ in range(4):
        told.count = 0
        assert not told.attempt(ledger.FAILED)
    assert told.hold is None


def test_dispatchers_of_several_lanes_count_together_and_status_says_so(scene: Scene) -> None:
    for number in range(3):
        lane = f"l{number}"
        scene.run("submit", "--lane", lane, "--prompt", "x", "--metadata", "required_vendor=mine")
        words = ("work", "--lane", lane, "--vendor", "mine", "--once", "--wait", "60")
        scene.run(*words, "--", sys.executable, "-c", "raise SystemExit(1)", env=scene.environment)
    (hold,) = json.loads(scene.run("status", "--all").out)["holds"]
    assert (hold["lane"], hold["vendor"], hold["by"]) == (None, "mine", BREAKER)
    assert "3 failures of mine in a row" in hold["reason"]


def test_after_two_failures_in_a_row_the_next_task_is_left_alone_for_the_pause(scene: Scene) -> None:
    ids = [scene.submit() for _ in range(3)]
    scene.work("fail", "1")
    scene.until(lambda: scene.status(ids[-1])["state"] == "failed", "the third is tried")
    (failed_at,) = (event["created_at"] for event in scene.events(ids[1]) if event["type"] == "response")
    (claimed_at,) = (event["created_at"] for event in scene.events(ids[2]) if event["type"] == "claimed")
    assert parse_iso(claimed_at) - parse_iso(failed_at) >= 2 * SECOND
