"""Holds of lanes and vendors, on every backend."""

from __future__ import annotations

import threading

import pytest

from agent_lanes.core.holds import Hold
from agent_lanes.core.times import SECOND
from agent_lanes.errors import BadUsage, Refused
from agent_lanes.ports import Backend
from agent_lanes.services import control, holds, transfer, waiting
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, submit


def taken(queue: QueueService, lane: str = "default", vendor: str | None = None) -> str | None:
    """The id of the task that is claimed next."""
    found = queue.claim_next(lane, vendor=vendor)
    return None if found is None else found.id


def test_nothing_of_a_held_lane_is_taken_until_it_is_resumed(backend: Backend, queue: QueueService) -> None:
    id, other = submit(backend, "default"), submit(backend, "other")
    held, repeated = holds.hold(backend, "default", None, reason="the API is down", by="ann")
    assert (held.reason, held.by, repeated) == ("the API is down", "ann", False)
    assert (queue.claim_next("default"), queue.peek_next("default")) == (None, None)
    with pytest.raises(Refused, match="lane default is on hold: the API is down") as refused:
        queue.claim(id)
    assert refused.value.hint == "let it go on with: agent-lanes resume --lane default"
    assert taken(queue, "other") == other
    view = queue.status(backend.read(id))
    assert (view["offered"], view["state"]) == (False, "queued")
    assert queue.idle("default")[0] == "on_hold"
    holds.resume(backend, "default", None)
    assert (taken(queue), backend.holds()) == (id, ())


def test_a_held_vendor_hinders_nobody_else(backend: Backend, queue: QueueService) -> None:
    codex, claude, anybody = submit(backend, vendor="codex"), submit(backend, vendor="claude"), submit(backend)
    elsewhere = submit(backend, "elsewhere", vendor="codex")
    holds.hold(backend, None, "codex")
    assert queue.claim_next("default", vendor="codex") is None
    assert queue.claim_next("elsewhere") is None and queue.idle("elsewhere")[0] == "on_hold"
    with pytest.raises(Refused, match="vendor codex is on hold"):
        queue.claim(codex)
    assert [taken(queue), taken(queue), taken(queue)] == [claude, anybody, None]
    holds.resume(backend, None, "codex")
    assert taken(queue, vendor="codex") == codex and taken(queue, "elsewhere") == elsewhere


def test_a_vendor_is_held_on_one_lane(backend: Backend, queue: QueueService) -> None:
    submit(backend, vendor="codex")
    other = submit(backend, "other", vendor="codex")
    holds.hold(backend, "default", "codex")
    assert queue.claim_next("default", vendor="codex") is None
    assert taken(queue, "other", vendor="codex") == other


def test_a_hold_ends_by_itself_at_its_time(backend: Backend, queue: QueueService, clock: Clock) -> None:
    id = submit(backend)
    holds.hold(backend, "default", None, until=clock().wall + 10 * SECOND)
    clock.advance(9.999999)
    assert queue.claim_next("default") is None
    clock.advance(0.000001)
    assert taken(queue) == id and queue.holds() == []


def test_who_holds_a_task_of_a_held_lane_goes_on(backend: Backend, queue: QueueService) -> None:
    submit(backend)
    held = queue.claim_next("default", request_id="r")
    assert held is not None and held.claim is not None
    holds.hold(backend, "default", None)
    again = queue.claim_next("default", request_id="r")
    assert again is not None and again.id == held.id and queue.claim(held.id, request_id="r").id == held.id
    queue.renew(held.id, held.claim.token)
    assert queue.respond(held.id, "done", token=held.claim.token)[0].state == "completed"


def test_the_same_hold_is_confirmed_another_replaces_it_and_what_is_not_held_is_not_resumed(backend: Backend) -> None:
    assert not holds.hold(backend, "default", None, reason="a")[1]
    assert holds.hold(backend, "default", None, reason="a")[1]
    assert not holds.hold(backend, "default", None, reason="b")[1]
    assert [hold.reason for hold in backend.holds()] == ["b"]
    with pytest.raises(Refused, match="cannot resume vendor codex; it is not on hold") as refused:
        holds.resume(backend, None, "codex")
    assert refused.value.hint == "on hold are: lane default"


@pytest.mark.parametrize(("lane", "vendor"), [(None, None), ("", None), ("a\n", None), (None, "any"), (None, " ")])
def test_what_names_nothing_is_not_held(backend: Backend, lane: str | None, vendor: str | None) -> None:
    for change in (holds.hold, holds.resume):
        with pytest.raises(BadUsage):
            change(backend, lane, vendor)
    assert backend.holds() == ()


def test_names_that_look_like_files_are_held_like_all_others(backend: Backend, queue: QueueService) -> None:
    for lane in ("@", "_", "..", "a/b", "ä" * 33):
        id = submit(backend, lane)
        holds.hold(backend, lane, None)
        assert queue.claim_next(lane) is None
        holds.resume(backend, lane, None)
        assert taken(queue, lane) == id


@pytest.mark.parametrize(("lane", "vendor"), [("default", None), (None, "codex"), ("default", "codex")])
def test_a_blocked_wait_wakes_when_it_is_resumed(
    backend: Backend, queue: QueueService, lane: str | None, vendor: str | None
) -> None:
    id = submit(backend, vendor="codex")
    holds.hold(backend, lane, vendor)
    found: list[object] = []
    waiter = threading.Thread(
        target=lambda: found.append(
            waiting.for_work(backend, "default", lambda: queue.peek_next("default"), timeout_seconds=15)
        )
    )
    waiter.start()
    while not waiter.is_alive():
        pass
    holds.resume(backend, lane, vendor)
    waiter.join(30)
    assert [getattr(one, "id", None) for one in found] == [id]


def test_holds_are_exported_and_imported(backend: Backend, empty: Backend) -> None:
    control.hold(backend, submit(backend))
    holds.hold(backend, "default", "codex", reason="r")
    holds.hold(backend, None, "claude", until=backend.now().wall + SECOND)
    stream = list(transfer.export(backend, lambda wrong: None))
    assert transfer.restore(empty, stream) == 1
    assert empty.holds() == backend.holds() != ()


def test_of_several_holds_the_one_that_ends_last_is_told(backend: Backend, queue: QueueService) -> None:
    submit(backend, vendor="codex")
    holds.hold(backend, "default", None, until=backend.now().wall + SECOND)
    holds.hold(backend, None, "codex", reason="for good")
    hold = queue.hold_on("default", "codex")
    assert isinstance(hold, Hold) and hold.reason == "for good"


def test_a_second_hold_keeps_what_it_does_not_state(backend: Backend, clock: Clock) -> None:
    until = clock.moment.wall + 60 * SECOND
    holds.hold(backend, "default", None, until=until, reason="the API is down")
    again, repeated = holds.hold(backend, "default", None, reason="still down")
    assert (again.until, again.reason, repeated) == (until, "still down", False)
    assert holds.hold(backend, "default", None, until=until + 1)[0].reason == "still down"
    id = submit(backend, "other")
    control.hold(backend, id, until=until, reason="wait")
    after, _ = control.hold(backend, id, reason="wait longer")
    assert after.claim is not None and (after.claim.hold_until, after.claim.reason) == (until, "wait longer")
    assert control.hold(backend, id)[1], "nothing else is stated"
    clock.advance(61)
    assert holds.hold(backend, "default", None)[0].until is None, "one that is over is none"
    after, _ = control.hold(backend, id)
    assert after.claim is not None and (after.claim.hold_until, after.claim.reason) == (None, "")
