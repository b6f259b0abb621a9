"""ports.TaskStore: scan and events, a look at all tasks and at what became of one."""

from __future__ import annotations

from collections.abc import Callable

from agent_lanes.errors import Damaged
from agent_lanes.ports import Backend
from contracts.stores import Clock, claim, note, park, release, renew, respond, submit


def test_scan_shows_every_task_by_id(backend: Backend, clock: Clock) -> None:
    ids = []
    for lane in ("b", "a", "c"):
        ids.append(submit(backend, lane))
        clock.advance(1)
    respond(backend, ids[1])
    assert [found.id for found in backend.scan() if not isinstance(found, Damaged)] == ids
    assert list(backend.scan()) == [backend.read(id) for id in ids]


def test_scan_of_the_active_leaves_out_what_is_finished(backend: Backend, clock: Clock) -> None:
    ids = []
    for _ in range(5):
        ids.append(submit(backend))
        clock.advance(1)
    queued, claimed, expired, parked, finished = ids
    claim(backend, claimed, lease_seconds=1000)
    claim(backend, expired, lease_seconds=1)
    park(backend, parked)
    respond(backend, finished)
    clock.advance(1)
    assert [found.id for found in backend.scan(active_only=True)] == [queued, claimed, expired, parked]  # type: ignore[union-attr]


def test_scan_of_a_lane_shows_that_lane(backend: Backend) -> None:
    one, other = submit(backend, "one"), submit(backend, "other lane/é")
    assert [found.id for found in backend.scan(lane="one")] == [one]  # type: ignore[union-attr]
    assert [found.id for found in backend.scan(lane="other lane/é", active_only=True)] == [other]  # type: ignore[union-attr]
    assert list(backend.scan(lane="none")) == []


def test_the_history_has_a_line_for_each_change_numbered_from_one(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    steps: list[Callable[[], object]] = [
        lambda: claim(backend, id, "a"),
        lambda: renew(backend, id, "a"),
        lambda: note(backend, id, "é\n\0 half-done"),
        lambda: release(backend, id, "a"),
        lambda: park(backend, id),
        lambda: claim(backend, id, "b"),
        lambda: respond(backend, id, "b"),
    ]
    for step in steps:
        clock.advance(1)
        step()
        assert list(backend.events(id))[-1] == backend.last_event(id)
    events = list(backend.events(id))
    kinds = ["created", "claimed", "renewed", "note", "released", "parked", "claimed", "response"]
    assert [event.type for event in events] == kinds
    assert [event.number for event in events] == list(range(1, 9))
    assert [event.epoch for event in events] == [0, 1, 1, 1, 1, 1, 2, 2]
    assert [event.created_at for event in events] == sorted({event.created_at for event in events})
    assert events[3].message == "é\n\0 half-done"


def test_a_long_line_of_history_is_kept(backend: Backend) -> None:
    id = submit(backend)
    for message in ("x" * 60_000, "short", "y" * 5_000):
        note(backend, id, message)
        last = backend.last_event(id)
        assert last is not None
        assert last.message == message
    assert [event.number for event in backend.events(id)] == [1, 2, 3, 4]
