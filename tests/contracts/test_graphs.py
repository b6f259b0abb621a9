"""Submissions that name each other, on every backend."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from agent_lanes.core.terms import Terms
from agent_lanes.errors import AgentLanesError, BadUsage, Refused
from agent_lanes.ports import Backend
from agent_lanes.services.batches import Outcome
from agent_lanes.services.graphs import Stream
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from contracts.stores import submit
from contracts.test_finding import offered

Wanted = Submission | AgentLanesError


def one(name: str | None, *depends_on: str, key: str | None = None, lane: str = "default", **terms: Any) -> Submission:
    return Submission(
        lane=lane, workspace_id="w", workspace_root="/", base="/", prompt="p", metadata={}, name=name,
        idempotency_key=key, terms=Terms(depends_on=depends_on, **terms),
    )  # fmt: skip


def ids(outcomes: list[Outcome]) -> list[str]:
    assert all(outcome.task is not None for outcome in outcomes), [outcome.error for outcome in outcomes]
    return [outcome.task.id for outcome in outcomes if outcome.task is not None]


def graph(backend: Backend, outcomes: list[Outcome]) -> list[tuple[int, ...]]:
    """For each task the places of those that it depends on."""
    found = ids(outcomes)
    return [tuple(map(found.index, backend.read(id).task.depends_on)) for id in found]


def errors(outcomes: list[Outcome]) -> list[str | None]:
    return [None if outcome.error is None else outcome.error.message for outcome in outcomes]


def test_names_before_and_behind_become_ids_and_the_order_stays(backend: Backend, queue: QueueService) -> None:
    found = queue.submit_many([one("join", "@a", "@b"), one("a"), one("b", "@a"), one(None, "@join")])
    assert graph(backend, found) == [(1, 2), (), (1,), (0,)]
    assert all(outcome.new for outcome in found)
    assert offered(backend) == [ids(found)[1]]


def test_ids_and_keys_may_stand_beside_names(backend: Backend, queue: QueueService) -> None:
    there = submit(backend)
    kept = queue.submit(one(None, key="kept"))[0].id
    found = queue.submit_many([one("a", key="k"), one(None, "@a", there, "key:kept", "key:k")])
    assert backend.read(ids(found)[1]).task.depends_on == (ids(found)[0], there, kept)


@pytest.mark.parametrize("seed", range(3))
def test_any_graph_in_any_order_and_any_pieces_is_stored_as_it_is(backend: Backend, seed: int) -> None:
    rng = random.Random(seed)
    count = 700
    edges = {number: rng.sample(range(number), min(number, rng.choice((0, 1, 1, 3)))) for number in range(count)}
    order = list(range(count))
    rng.shuffle(order)
    wanted = [one(str(number), *(f"@{before}" for before in edges[number])) for number in order]
    stream, found = Stream(backend), list[Outcome]()
    while wanted:
        size = rng.choice((1, 10, 300))
        found += stream.add(wanted[:size])
        wanted = wanted[size:]
    found += stream.close()
    places = {number: place for place, number in enumerate(order)}
    assert graph(backend, found) == [tuple(places[before] for before in edges[number]) for number in order]


def test_a_chain_longer_than_a_commit_goes_through_backwards(backend: Backend, queue: QueueService) -> None:
    count = 1100
    found = queue.submit_many([one("0"), *(one(str(n), f"@{n - 1}") for n in reversed(range(1, count)))])
    assert len(set(ids(found))) == count
    assert offered(backend) == [ids(found)[0]]


def test_a_cycle_is_refused_and_named_and_all_else_is_submitted(backend: Backend, queue: QueueService) -> None:
    found = queue.submit_many(
        [one("good"), one("a", "@good", "@c"), one("b", "@a"), one("c", "@b"), one("d", "@c"), one("self", "@self")]
    )
    told = errors(found)
    assert told[0] is None
    assert [line for line in told if line and "cycle" in line] == told[1:4] + told[5:]
    assert "@a -> @c -> @b -> @a" in str(told[1])
    assert told[4] == "depends_on: @c was not submitted"
    assert told[5] == "depends_on: a cycle: @self -> @self"
    assert [one.id for one in backend.scan() if not isinstance(one, Exception)] == [found[0].task.id]  # type: ignore[union-attr]


def test_circles_beside_each_other_and_tasks_without_names_are_told_apart(queue: QueueService) -> None:
    wanted = [one(None, "@None"), one("None", "@x"), one("x", "@None", "@y"), one("y", "@y"), one(None, "@y")]
    told = errors(queue.submit_many(wanted))
    assert told == [
        "depends_on: @None was not submitted",
        "depends_on: a cycle: @None -> @x -> @None",
        "depends_on: a cycle: @None -> @x -> @None",
        "depends_on: a cycle: @y -> @y",
        "depends_on: @y was not submitted",
    ]


def test_what_is_too_far_behind_is_refused_and_nothing_stays_held(backend: Backend) -> None:
    stream = Stream(backend, most_held=2)
    assert stream.add([one("a", "@z"), one("b", "@z"), one("c", "@z"), one("d", "@c")]) == []
    told = errors([*stream.add([one("z")]), *stream.close()])
    assert told[:2] == [None, None] and "too far behind" in str(told[2])
    assert told[3:] == ["depends_on: @c was not submitted", None]
    assert (stream.held_bytes, stream.held, stream.waiting) == (0, {}, {})


def test_what_depends_on_a_refused_one_is_refused_and_so_on(backend: Backend, queue: QueueService) -> None:
    found = queue.submit_many(
        [one("late", "@bad"), one("bad", lane=" "), one("a", "@bad"), one("b", "@a"), one("good"), one("c", "@nobody")]
    )
    told = errors(found)
    assert told[0] == told[2] == "depends_on: @bad was not submitted"
    assert told[3] == "depends_on: @a was not submitted"
    assert told[4] is None and "@nobody" in str(told[5])
    assert isinstance(found[5].error, BadUsage) and isinstance(found[3].error, Refused)
    assert not any(outcome.store_failed for outcome in found)


def test_a_name_is_given_once_and_means_the_first(backend: Backend, queue: QueueService) -> None:
    found = queue.submit_many([one("a"), one("a"), one(None, "@a")])
    assert "'a'" in str(errors(found)[1])
    assert backend.read(found[2].task.id).task.depends_on == (found[0].task.id,)  # type: ignore[union-attr]


def test_names_hold_within_their_stream_alone(queue: QueueService) -> None:
    queue.submit_many([one("a")])
    assert "@a" in str(errors(queue.submit_many([one(None, "@a")]))[0])
    with pytest.raises(BadUsage, match="@a"):
        queue.submit(one(None, "@a"))


def test_with_keys_the_same_stream_again_gives_the_same_tasks(backend: Backend, queue: QueueService) -> None:
    def stream() -> list[Submission]:
        return [one("b", "@a", key="2"), one("a", key="1"), one("c", "@b", "@a", key="3")]

    first = queue.submit_many(stream()[:2])
    again = queue.submit_many(stream())
    assert ids(again)[:2] == ids(first)
    assert [outcome.new for outcome in again] == [False, False, True]
    assert graph(backend, again) == [(1,), (), (0, 1)]
    assert ids(queue.submit_many(stream())) == ids(again)


def test_what_a_key_was_used_for_otherwise_takes_its_dependents_with_it(queue: QueueService) -> None:
    queue.submit(one(None, key="k", lane="other"))
    found = queue.submit_many([one("a", key="k"), one("b", "@a")])
    assert "something else" in str(errors(found)[0])
    assert errors(found)[1] == "depends_on: @a was not submitted"


def test_an_open_task_with_the_unique_key_stands_for_the_one_that_was_wanted(
    backend: Backend, queue: QueueService
) -> None:
    there = queue.submit(one(None, unique_key="u"))[0].id
    found = queue.submit_many([one("a", unique_key="u"), one("b", "@a"), one("c", unique_key="v"), one("d", "@e"),
                               one("e", unique_key="v")])  # fmt: skip
    assert ids(found)[0] == there and not found[0].new
    assert backend.read(ids(found)[1]).task.depends_on == (there,)
    assert ids(found)[2] == ids(found)[4]
    assert backend.read(ids(found)[3]).task.depends_on == (ids(found)[2],)


def test_what_is_told_comes_in_order_as_soon_as_it_is_known(backend: Backend) -> None:
    stream = Stream(backend)
    assert [outcome.new for outcome in stream.add([one("a")])] == [True]
    assert stream.add([one("c", "@b"), one(None, "@a")]) == []
    found = stream.add([BadUsage("no"), one("b")])
    assert [outcome.task is not None for outcome in found] == [True, True, False, True]
    assert stream.close() == []


def test_every_small_graph_is_stored_or_refused_whole(backend: Backend, queue: QueueService) -> None:
    pairs = list(itertools.permutations("abc", 2))
    for chosen in itertools.chain.from_iterable(itertools.combinations(pairs, size) for size in (2, 3)):
        wanted = [one(name, *(f"@{to}" for frm, to in chosen if frm == name)) for name in "abc"]
        found = queue.submit_many(wanted)
        for name, outcome in zip("abc", found, strict=True):
            needs = ["abc".index(to) for frm, to in chosen if frm == name]
            if outcome.task is not None:
                assert list(outcome.task.depends_on) == [found[need].task.id for need in needs]  # type: ignore[union-attr]
            else:
                assert any(found[need].task is None for need in needs)
