"""The attempts of a task, told from its history."""

from __future__ import annotations

from typing import Any

from agent_lanes.core.attempts import history
from agent_lanes.core.task import Event, Response
from agent_lanes.core.times import SECOND, iso


def event(type: str, at: int, **data: Any) -> Event:
    epoch = data.pop("epoch", 0)
    return Event(type=type, message=data.pop("message", ""), created_at=at * SECOND, data=data, epoch=epoch)


def claimed(at: int, number: int) -> Event:
    return event("claimed", at, owner=f"worker {number}", attempt=number, epoch=number)


def ends(*events: Event, response: Response | None = None) -> list[tuple[Any, ...]]:
    parts = ("owner", "ended_at", "outcome", "reason", "metadata")
    return [tuple(one[part] for part in parts) for one in history(events, response)]


def test_each_claim_is_an_attempt_and_the_last_one_may_go_on() -> None:
    assert history([event("created", 0)], None) == []
    told = history([event("created", 0), claimed(1, 1), event("note", 2)], None)
    assert told == [
        {
            "attempt": 1, "epoch": 1, "owner": "worker 1", "claimed_at": iso(SECOND),
            "ended_at": None, "outcome": None, "reason": None, "metadata": {},
        }
    ]  # fmt: skip


def test_a_failed_attempt_keeps_its_reason_and_what_was_noted_with_it() -> None:
    failed = event("attempt_failed", 5, attempt=1, owner="worker 1", reason="boom", not_before="x", tokens_out=7)
    assert ends(claimed(1, 1), failed) == [("worker 1", iso(5 * SECOND), "failed", "boom", {"tokens_out": 7})]


def test_releases_leases_that_ran_out_and_cancels_end_attempts_too() -> None:
    told = ends(
        claimed(1, 1), event("released", 2, reason="not mine"), claimed(3, 2), claimed(4, 3), event("parked", 5),
        claimed(6, 4), event("cancelled", 7, reason="no more"),
    )  # fmt: skip
    assert [(one[2], one[3]) for one in told] == [
        ("released", "not mine"), ("lease_expired", None), ("lease_expired", None), ("cancelled", "no more"),
    ]  # fmt: skip


def test_the_answer_ends_the_last_attempt_and_its_metadata_is_its_own() -> None:
    response = Response(task_id="i", reviewer="r", status="completed", body="", created_at=0, metadata={"cost": 1})
    told = ends(claimed(1, 1), event("response", 2, status="completed"), response=response)
    assert told == [("worker 1", iso(2 * SECOND), "completed", None, {"cost": 1})]
    line = event("response", 2, status="failed", cause="attempts_exhausted", message="the lease ran out")
    assert ends(claimed(1, 1), line) == [("worker 1", iso(2 * SECOND), "lease_expired", "the lease ran out", {})]
