"""Tasks that wait for others: offered when all have completed, ended when one has not, never forgotten."""

from __future__ import annotations

import itertools

import pytest

from agent_lanes.core.task import COMPLETED, DEPENDENCY, FAILED
from agent_lanes.errors import Refused
from agent_lanes.ports import Backend
from agent_lanes.services import control, retries, transfer, waiting
from agent_lanes.services.looks import Looks
from agent_lanes.services.queue import QueueService
from contracts.stores import Clock, in_threads, note, respond, submit
from contracts.test_finding import offered, taken


def test_a_task_is_offered_once_all_that_it_depends_on_have_completed(backend: Backend, queue: QueueService) -> None:
    first, second = submit(backend, "a"), submit(backend, "b")
    id = submit(backend, depends_on=(first, second))
    other = submit(backend)
    assert offered(backend) == [other]
    with pytest.raises(Refused, match="waits for"):
        queue.claim(id)
    queue.respond(first, "done")
    assert (offered(backend), backend.read(id).open_dependencies) == ([other], (second,))
    assert taken(queue) == other
    assert taken(queue) is None
    queue.respond(second, "done")
    assert (offered(backend), taken(queue)) == ([id], id)


def test_what_has_completed_before_the_submit_holds_nothing_up(backend: Backend, queue: QueueService) -> None:
    first = submit(backend)
    queue.respond(first, "done")
    assert taken(queue) is None
    id = submit(backend, depends_on=(first,))
    assert taken(queue) == id


@pytest.mark.parametrize("how", ["failed", "cancelled", "exhausted"])
def test_when_one_does_not_complete_those_that_depend_on_it_fail_and_so_on(
    backend: Backend, queue: QueueService, how: str
) -> None:
    chain = [submit(backend, max_attempts=1)]
    for _ in range(40):
        chain.append(submit(backend, "later", depends_on=(chain[-1],)))
    if how == "failed":
        queue.respond(chain[0], "no", status=FAILED)
    elif how == "cancelled":
        control.cancel(backend, chain[0])
    else:
        held = queue.claim_next("default")
        assert held is not None and held.claim is not None
        control.fail_attempt(backend, held.id, held.claim.token, "boom")
    for before, id in itertools.pairwise(chain):
        found = backend.read(id)
        assert found.response is not None
        assert (found.state, found.response.cause) == (FAILED, DEPENDENCY)
        assert before in found.response.body
    assert offered(backend, lane="later") == []


def test_one_that_runs_whatever_becomes_of_the_others_waits_for_all_of_them(
    backend: Backend, queue: QueueService
) -> None:
    first, second = submit(backend, "a"), submit(backend, "b")
    id = submit(backend, depends_on=(first, second), on_failure="run")
    queue.respond(first, "no", status=FAILED)
    assert (backend.read(id).state, offered(backend)) == ("queued", [])
    queue.respond(second, "yes")
    assert taken(queue) == id


def test_a_blocked_task_is_no_answer_to_a_wait_until_it_is_ended(backend: Backend, queue: QueueService) -> None:
    first = submit(backend)
    id = submit(backend, depends_on=(first,))
    assert waiting.for_answer(backend, id, timeout_seconds=0) is None
    queue.respond(first, "no", status=FAILED)
    found = waiting.for_answer(backend, id, timeout_seconds=0)
    assert found is not None and found.response is not None and found.response.cause == DEPENDENCY


def test_a_blocked_task_may_be_cancelled_held_and_noted(backend: Backend, queue: QueueService) -> None:
    first = submit(backend)
    id, other = (submit(backend, "later", depends_on=(first,)) for _ in range(2))
    note(backend, id, "still waiting")
    control.hold(backend, id)
    control.cancel(backend, other)
    queue.respond(first, "done")
    assert offered(backend, lane="later") == []
    control.resume(backend, id)
    assert offered(backend, lane="later") == [id]


def test_a_blocked_task_is_listed_as_active(backend: Backend) -> None:
    first = submit(backend)
    id = submit(backend, depends_on=(first,))
    assert {one.id for one in backend.scan(active_only=True) if not isinstance(one, Exception)} == {first, id}


def test_a_delay_goes_on_after_the_last_dependency(backend: Backend, queue: QueueService, clock: Clock) -> None:
    first = submit(backend)
    id = submit(backend, depends_on=(first,), not_before=clock.moment.wall + 10_000_000)
    queue.respond(first, "done")
    assert taken(queue) is None
    clock.advance(10)
    assert taken(queue) == id


def test_nobody_is_forgotten_when_answers_and_submits_race(backend: Backend, queue: QueueService) -> None:
    firsts = [submit(backend, "a") for _ in range(10)]

    def race(number: int) -> object:
        if number % 2:
            return queue.respond(firsts[number // 2], "done")[0].id
        return submit(backend, "b", depends_on=(firsts[number // 2],))

    found = in_threads(20, race)
    assert not [one for one in found if isinstance(one, Exception)]
    assert sorted(offered(backend, lane="b")) == sorted(str(id) for id in found[::2])
    assert all(backend.read(id).state == COMPLETED for id in firsts)


@pytest.mark.parametrize("turned_round", [False, True])
def test_what_waits_for_others_waits_on_in_a_store_that_it_was_moved_to(
    backend: Backend, empty: Backend, turned_round: bool
) -> None:
    first = submit(backend)
    second = submit(backend, depends_on=(first,))
    third = submit(backend, depends_on=(second,))
    head, *tasks, end = transfer.export(backend, lambda wrong: None)
    transfer.restore(empty, [head, *(reversed(tasks) if turned_round else tasks), end])
    for id in (first, second, third):
        assert offered(empty) == [id]
        respond(empty, id)
    assert offered(empty) == []


def test_a_task_that_failed_for_another_names_that_one_and_its_retry_waits_for_the_other_ones(
    backend: Backend, queue: QueueService
) -> None:
    first = submit(backend, max_attempts=1)
    second = submit(backend, "later", depends_on=(first,))
    third = submit(backend, "later", depends_on=(second,))
    queue.respond(first, "no", status=FAILED)

    def advice(id: str) -> str:
        return str(Looks(backend).status(backend.read(id))["next_action"])

    for id in (second, third):  # of a chain, the one at its head
        assert advice(id).index(f"agent-lanes retry {first}`") < advice(id).index(f"agent-lanes retry {id}`")
    in_vain = retries.again(backend, second)[0].id
    assert waiting.for_answer(backend, in_vain, timeout_seconds=0) is not None
    assert f"agent-lanes retry {first}`" in advice(in_vain)
    again = retries.again(backend, first)[0].id
    assert f"agent-lanes retry {in_vain}`" in advice(in_vain) and first not in advice(in_vain).partition(";")[2]
    after = retries.again(backend, in_vain)[0]
    assert (after.depends_on, backend.read(after.id).open_dependencies) == ((again,), (again,))
    queue.respond(again, "yes")
    assert offered(backend, lane="later") == [after.id]
    queue.respond(after.id, "yes")
    assert retries.again(backend, third)[0].depends_on == (after.id,)
