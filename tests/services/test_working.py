"""claim, renew, release, respond, event: what they accept, and what they say of the request."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import Clock

from agent_lanes.core.digest import sha256
from agent_lanes.core.task import CLAIMED, COMPLETED, FAILED, QUEUED
from agent_lanes.core.terms import LONGEST_LEASE_SECONDS, SHORTEST_LEASE_SECONDS
from agent_lanes.errors import AlreadyAnswered, BadData, BadUsage, LostClaim, NotFound, Refused, RequestChanged
from agent_lanes.services import bodies
from agent_lanes.services.queue import QueueService
from services.conftest import Submit


def token_of(queue: QueueService, id: str) -> str:
    claim = queue.read(id).claim
    assert claim is not None
    return claim.token


NO_LEASES = [0, -1, 0.09, math.nan, math.inf, -math.inf, LONGEST_LEASE_SECONDS + 1, 1e300, "60", True, [60]]
BODIES = ["", "\0", "a\r\nb\rc\n", "🦊 é", "x" * 1_000_000, "VERDICT: accept"]


@pytest.mark.parametrize("seconds", NO_LEASES, ids=repr)
def test_a_lease_that_makes_no_sense_is_refused_and_nothing_is_claimed(
    queue: QueueService, submit: Submit, seconds: Any
) -> None:
    id = submit().id
    for take in (
        lambda: queue.claim(id, lease_seconds=seconds),
        lambda: queue.claim_next("default", lease_seconds=seconds),
        lambda: queue.renew(id, "t", lease_seconds=seconds),
    ):
        with pytest.raises(BadUsage, match=r"^lease_seconds: "):
            take()
    assert queue.read(id).state == QUEUED


@pytest.mark.parametrize("seconds", [SHORTEST_LEASE_SECONDS, 1, 7200, 0.5, LONGEST_LEASE_SECONDS])
def test_a_lease_holds_for_exactly_as_long_as_it_was_asked_for(
    queue: QueueService, submit: Submit, clock: Clock, seconds: float
) -> None:
    id = submit().id
    claimed = queue.claim(id, lease_seconds=seconds)
    clock.advance(seconds - 0.000001)
    assert not claimed.lease_expired(clock())
    clock.advance(0.000001)
    assert claimed.lease_expired(clock())


@pytest.mark.parametrize("owner", ["", " a", "a\nb", "x" * 201, None, 7])
def test_an_owner_that_is_no_name_is_refused(queue: QueueService, submit: Submit, owner: Any) -> None:
    id = submit().id
    for take in (lambda: queue.claim(id, owner=owner), lambda: queue.claim_next("default", owner=owner)):
        with pytest.raises(BadUsage, match=r"^owner: "):
            take()


def test_each_claim_has_a_token_of_its_own(queue: QueueService, submit: Submit) -> None:
    tokens = set()
    id = submit().id
    for _ in range(5):
        queue.claim(id)
        tokens.add(token_of(queue, id))
        queue.release(id, token_of(queue, id))
    assert len(tokens) == 5


def test_a_request_that_changed_is_not_claimed_and_its_task_is_parked_until_it_is_back(
    queue: QueueService, submit: Submit, workspace: Path
) -> None:
    id = submit().id
    for content, what in ((b"other", "has changed"), (None, "is gone")):
        request = workspace / "request.md"
        request.write_bytes(content) if content is not None else request.unlink()
        with pytest.raises(RequestChanged, match=f"the request {what} since it was submitted"):
            queue.claim(id)
        assert queue.read(id).parked
        assert queue.claim_next("default") is None
    (workspace / "request.md").write_text("please")
    assert queue.claim(id).state == CLAIMED


def test_a_request_that_changed_does_not_take_the_task_from_its_holder(
    queue: QueueService, submit: Submit, workspace: Path
) -> None:
    id = submit().id
    token = queue.claim(id).claim.token  # type: ignore[union-attr]
    (workspace / "request.md").write_text("other")
    with pytest.raises(Refused, match="task is claimed by worker"):
        queue.claim(id)
    assert queue.read(id).state == CLAIMED
    assert queue.renew(id, token).state == CLAIMED


def test_completing_is_refused_when_the_request_changed_and_failing_records_it(
    queue: QueueService, submit: Submit, workspace: Path
) -> None:
    id = submit().id
    queue.claim(id)
    token = token_of(queue, id)
    (workspace / "request.md").write_text("other")
    with pytest.raises(RequestChanged, match="is not what was submitted"):
        queue.respond(id, "fine", token=token)
    after, repeated = queue.respond(id, "it changed", token=token, status=FAILED)
    assert after.response is not None
    assert (after.state, repeated, after.response.request_changed_before_response) == (FAILED, False, True)
    assert after.response.reviewed_request_sha256 == sha256(b"other")


def test_an_answer_to_another_version_than_expected_is_refused(queue: QueueService, submit: Submit) -> None:
    id = submit().id
    with pytest.raises(RequestChanged, match=f"it has SHA-256 {sha256(b'please')}"):
        queue.respond(id, "fine", expect_sha256=sha256(b"another version"))
    after, _ = queue.respond(id, "fine", expect_sha256=sha256(b"please"))
    assert after.response is not None
    assert after.response.reviewed_request_sha256 == sha256(b"please")


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"reviewer": ""}, "reviewer"),
        ({"reviewer": "a\nb"}, "reviewer"),
        ({"status": "cancelled"}, "status"),
        ({"status": "done"}, "status"),
        ({"verdict": "fine"}, "verdict"),
        ({"verdict": ""}, "verdict"),
        ({"blocking_count": -1}, "blocking_count"),
        ({"blocking_count": 1}, "blocking_count"),
        ({"blocking_count": 1, "verdict": "accept"}, "blocking_count"),
        ({"blocking_count": True}, "blocking_count"),
        ({"blocking_count": 1.0}, "blocking_count"),
        ({"blocking_count": "1"}, "blocking_count"),
        ({"nonblocking_count": 10**7}, "nonblocking_count"),
        ({"metadata": {"a": math.inf}}, "metadata.a"),
        ({"metadata": {"": 1}}, "metadata key"),
        ({"expect_sha256": "abc"}, "expect_sha256"),
        ({"expect_sha256": "A" * 64}, "expect_sha256"),
        ({"body": "\ud800"}, "body"),
        ({"body": "x" * (bodies.MAX_BODY_BYTES + 1)}, "body"),
    ],
    ids=lambda part: ascii(part)[:50],
)
def test_an_answer_with_a_wrong_field_is_refused_and_nothing_is_written(
    queue: QueueService, submit: Submit, details: dict[str, Any], field: str
) -> None:
    id = submit().id
    with pytest.raises((BadUsage, BadData), match=f"^{field}: "):
        queue.respond(id, **{"body": "fine", **details})
    assert queue.read(id).response is None


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body)[:20])
def test_any_other_body_is_kept_byte_for_byte(queue: QueueService, submit: Submit, body: str) -> None:
    id = submit().id
    after, _ = queue.respond(id, body)
    assert after.response is not None
    assert queue.read(id).response == after.response
    assert after.response.body == body


def test_an_answer_carries_what_the_reviewer_said(queue: QueueService, submit: Submit) -> None:
    id = submit().id
    after, _ = queue.respond(
        id,
        "no",
        reviewer="ann",
        verdict="needs-revision",
        blocking_count=2,
        nonblocking_count=0,
        follow_up_required=True,
        metadata={"tokens_in": 7},
    )
    given = after.response
    assert given is not None
    assert (given.reviewer, given.verdict, given.blocking_count, given.nonblocking_count) == (
        "ann",
        "needs-revision",
        2,
        0,
    )
    assert (given.follow_up_required, given.metadata, given.epoch) == (True, {"tokens_in": 7}, 0)


def test_the_same_answer_again_is_confirmed_and_another_refused(queue: QueueService, submit: Submit) -> None:
    id = submit().id
    queue.claim(id)
    token = token_of(queue, id)
    assert queue.respond(id, "fine", token=token)[1] is False
    assert queue.respond(id, "fine", token=token)[1] is True
    with pytest.raises(AlreadyAnswered):
        queue.respond(id, "other", token=token)
    with pytest.raises(AlreadyAnswered):
        queue.respond(id, "fine", token="stolen")


def test_the_same_answer_again_is_confirmed_also_when_the_request_has_changed_since(
    queue: QueueService, submit: Submit, workspace: Path
) -> None:
    id = submit().id
    queue.respond(id, "fine")
    (workspace / "request.md").unlink()
    assert queue.respond(id, "fine")[1] is True


@pytest.mark.parametrize("token", ["", "wrong", "\ud800", "x" * 10_000])
def test_a_token_that_is_not_that_of_the_claim_is_refused_by_everything(
    queue: QueueService, submit: Submit, token: str
) -> None:
    id = submit().id
    queue.claim(id)
    before = queue.read(id)
    for use in (
        lambda: queue.renew(id, token),
        lambda: queue.release(id, token),
        lambda: queue.respond(id, "b", token=token),
    ):
        with pytest.raises(LostClaim):
            use()
    assert queue.read(id) == before


def test_an_event_is_kept_with_its_type_message_and_data(queue: QueueService, submit: Submit) -> None:
    id = submit().id
    queue.event(id, type="headless_started", message="run 1", data={"pid": 7})
    event = list(queue.events(id))[-1]
    assert (event.type, event.message, event.data, event.number) == ("headless_started", "run 1", {"pid": 7}, 2)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"type": ""}, "type"),
        ({"type": "a\nb"}, "type"),
        ({"message": "\ud800"}, "message"),
        ({"message": "x" * 65_537}, "message"),
        ({"data": {"a": math.nan}}, "data.a"),
        ({"data": {"a\0": 1}}, "data key"),
    ],
    ids=lambda part: ascii(part)[:40],
)
def test_an_event_with_a_wrong_field_is_refused_and_not_written(
    queue: QueueService, submit: Submit, options: dict[str, Any], field: str
) -> None:
    id = submit().id
    with pytest.raises((BadUsage, BadData), match=f"^{field}: "):
        queue.event(id, **options)
    assert len(list(queue.events(id))) == 1


def test_a_reason_of_a_release_has_a_limit(queue: QueueService, submit: Submit) -> None:
    id = submit().id
    queue.claim(id)
    with pytest.raises(BadData, match=r"^reason: "):
        queue.release(id, token_of(queue, id), reason="x" * 65_537)
    queue.release(id, token_of(queue, id), reason="lunch")
    claim = queue.read(id).claim
    assert claim is not None
    assert claim.reason == "lunch"


@pytest.mark.parametrize("lane", ["", "a\nb", None])
def test_a_lane_that_is_no_name_is_refused_by_every_look(queue: QueueService, lane: Any) -> None:
    for look in (lambda: queue.claim_next(lane), lambda: queue.peek_next(lane)):
        with pytest.raises(BadUsage, match=r"^lane: "):
            look()
    if lane is not None:
        with pytest.raises(BadUsage, match=r"^lane: "):
            queue.statuses(lane=lane)


def test_a_vendor_that_is_no_name_is_refused(queue: QueueService) -> None:
    for look in (lambda: queue.claim_next("l", vendor=""), lambda: queue.peek_next("l", vendor="a\nb")):
        with pytest.raises(BadUsage, match=r"^vendor: "):
            look()


def test_statuses_tell_of_every_task_of_a_lane(queue: QueueService, submit: Submit, clock: Clock) -> None:
    first = submit().id
    clock.advance(1)
    other = submit(lane="other").id
    queue.respond(first, "b")
    assert [(view["id"], view["state"]) for view in queue.statuses()[0]] == [(first, COMPLETED), (other, QUEUED)]
    assert [view["id"] for view in queue.statuses(lane="other")[0]] == [other]
    assert [view["id"] for view in queue.statuses(active_only=True)[0]] == [other]
    assert (queue.depth("default"), queue.depth("other")) == (0, 1)


def test_an_unknown_task_is_not_found(queue: QueueService) -> None:
    for use in (
        lambda: queue.read("nothing"),
        lambda: queue.claim("nothing"),
        lambda: queue.renew("nothing", "t"),
        lambda: queue.release("nothing", "t"),
        lambda: queue.respond("nothing", "b"),
        lambda: queue.event("nothing"),
        lambda: list(queue.events("nothing")),
    ):
        with pytest.raises(NotFound, match="unknown task: nothing"):
            use()
