"""What a store can name cheaply: ids, lanes, vendors."""

from __future__ import annotations

from agent_lanes.ports import Backend
from contracts.stores import Clock, respond, submit


def test_ids_are_those_of_all_tasks_sorted_without_the_archived_ones(backend: Backend, clock: Clock) -> None:
    assert backend.ids() == []
    done = submit(backend)
    respond(backend, done)
    clock.advance(100)
    others = [submit(backend, lane) for lane in ("b", "a")]
    assert backend.ids() == sorted([done, *others])
    list(backend.archive(clock().wall))
    assert backend.ids() == sorted(others)


def test_lanes_and_vendors_are_those_of_tasks(backend: Backend) -> None:
    assert (backend.lanes(), backend.vendors()) == ([], [])
    submit(backend, "two words/odd", "codex")
    submit(backend, ".dot")
    assert backend.lanes() == [".dot", "two words/odd"]
    assert backend.vendors() == ["any", "codex"]
