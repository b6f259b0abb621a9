"""ports.TaskStore: create, read, update, scan, events."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent_lanes.core.names import MAX_ID
from agent_lanes.core.task import CLAIMED, COMPLETED, FAILED, QUEUED, Snapshot, Supporting, Task
from agent_lanes.core.times import Moment
from agent_lanes.core.transitions import Change
from agent_lanes.errors import AlreadyAnswered, BadUsage, LostClaim, NotFound, Refused
from agent_lanes.ports import Backend, Birth
from contracts.stores import Clock, claim, in_threads, make, note, park, release, renew, respond, submit

UNKNOWN = "20261121T023929158949Z-nothing-000000000000"


def looks(backend: Backend) -> tuple[Callable[[str], object], ...]:
    """Whatever takes an id; the last one is an update."""
    return (
        backend.read,
        backend.finished,
        lambda name: list(backend.events(name)),
        lambda name: note(backend, name, "m"),
    )


# --- create --------------------------------------------------------------------------------------------------


def test_what_was_created_is_read_again_whole(backend: Backend) -> None:
    everything = make(
        prompt="p\r\n\0é🦊",
        request_path="/w/request.md",
        request_sha256="a" * 64,
        response_path="/w/response.md",
        supporting_paths=(Supporting(path="/w/a", sha256="b" * 64),),
        worktree_path="/w",
        expected_branch="main",
        metadata={"required_vendor": "codex", "n": [1, 2.5, None, {"k": True}]},
    )
    task = backend.create("default", everything)
    assert backend.read(task.id) == Snapshot(task=task)
    assert backend.read(task.id).state == QUEUED


def test_a_birth_has_the_time_a_place_in_the_lane_and_chance_of_its_own(backend: Backend, clock: Clock) -> None:
    births: list[Birth] = []

    def noting(birth: Birth) -> Task:
        births.append(birth)
        return make()(birth)

    for _ in range(3):
        backend.create("default", noting)
    assert [birth.now for birth in births] == [clock()] * 3
    assert [birth.sequence for birth in births] == sorted({birth.sequence for birth in births})
    assert len({birth.chance for birth in births}) == 3
    assert all(len(birth.chance) == 12 and int(birth.chance, 16) >= 0 for birth in births)


def test_the_history_begins_with_created(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    (event,) = backend.events(id)
    assert (event.type, event.number, event.epoch, event.created_at) == ("created", 1, 0, clock().wall)
    assert backend.last_event(id) == event


@pytest.mark.parametrize("content", [b"", b"plain", b"\0\r\n\r\n\xc3\xa9", b"x" * 300_000])
def test_a_request_kept_in_the_store_comes_back_byte_for_byte(backend: Backend, content: bytes) -> None:
    id = backend.create("default", make(request_stored=True), content).id
    assert backend.stored_request(id) == content


def test_a_make_that_raises_creates_nothing(backend: Backend) -> None:
    def broken(birth: Birth) -> Task:
        raise BadUsage("not today")

    with pytest.raises(BadUsage, match="not today"):
        backend.create("default", broken)
    assert list(backend.scan()) == []
    assert list(backend.candidates("default", None)) == []


def test_the_same_id_is_never_given_twice_even_when_make_insists(backend: Backend) -> None:
    """The same file submitted twice in one microsecond, and chance that repeats itself."""
    first = submit(backend, id="same")
    tries: list[int] = []

    def insisting(birth: Birth) -> Task:
        tries.append(birth.sequence)
        return make()(birth).replace(id="same" if len(tries) < 4 else "other", prompt="the second")

    assert backend.create("default", insisting).id == "other"
    assert len(tries) == 4
    assert backend.read(first).task.prompt == ""
    assert len(list(backend.events(first))) == 1


def test_tasks_created_in_the_same_microsecond_by_many_threads_are_all_there(backend: Backend) -> None:
    ids = [str(id) for id in in_threads(8, lambda number: submit(backend, prompt=str(number)))]
    assert len(set(ids)) == 8
    assert sorted(backend.read(id).task.prompt for id in ids) == [str(number) for number in range(8)]
    assert len({backend.read(id).task.sequence for id in ids}) == 8
    assert sorted(backend.candidates("default", None)) == sorted(ids)


def test_threads_that_all_insist_on_one_id_get_one_each(backend: Backend) -> None:
    def insist(number: int) -> Task:
        tried: list[Birth] = []

        def one_id_first(birth: Birth) -> Task:
            tried.append(birth)
            return make()(birth).replace(id="same" if len(tried) == 1 else f"other-{number}", prompt=str(number))

        return backend.create("default", one_id_first)

    tasks = [task for task in in_threads(8, insist) if isinstance(task, Task)]
    assert len({task.id for task in tasks}) == 8
    assert [backend.read(task.id).task for task in tasks] == tasks


# --- read ----------------------------------------------------------------------------------------------------


def test_an_unknown_task_is_not_found_by_anything(backend: Backend) -> None:
    submit(backend)
    for look in looks(backend):
        with pytest.raises(NotFound):
            look(UNKNOWN)
    assert backend.last_event(UNKNOWN) is None


def test_an_unknown_task_is_not_found_in_an_empty_store(backend: Backend) -> None:
    for look in looks(backend)[:3]:
        with pytest.raises(NotFound):
            look(UNKNOWN)
    assert list(backend.scan()) == []
    assert list(backend.scan(active_only=True)) == []


@pytest.mark.parametrize("id", ["", "..", "../tasks", "a/b", "a\0", "a" * (MAX_ID + 1)])
def test_what_is_no_id_is_refused_by_everything(backend: Backend, id: str) -> None:
    submit(backend)
    for look in looks(backend):
        with pytest.raises(BadUsage):
            look(id)


def test_finished_is_true_once_there_is_an_answer(backend: Backend) -> None:
    id = submit(backend)
    claim(backend, id)
    assert not backend.finished(id)
    respond(backend, id, "t")
    assert backend.finished(id)
    backend.confirm(id)
    many = [submit(backend) for _ in range(8)]
    for one in many:
        respond(backend, one)
    backend.confirm(id, *many)
    backend.confirm()


def test_a_token_is_new_each_time(backend: Backend) -> None:
    tokens = {backend.new_token() for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 32 and int(token, 16) >= 0 for token in tokens)


def test_the_store_says_what_it_was_opened_with(backend: Backend) -> None:
    assert backend.address == "memory:" or backend.address.endswith("/state")


# --- update --------------------------------------------------------------------------------------------------


def test_an_update_returns_the_snapshot_that_is_read_afterwards(backend: Backend) -> None:
    id = submit(backend)
    for step in (
        lambda: claim(backend, id, "a"),
        lambda: renew(backend, id, "a"),
        lambda: note(backend, id, "m"),
        lambda: release(backend, id, "a"),
        lambda: park(backend, id),
        lambda: claim(backend, id, "b"),
        lambda: respond(backend, id, "b"),
        lambda: note(backend, id, "after"),
    ):
        assert step() == backend.read(id)


def test_states_follow_from_the_facts(backend: Backend) -> None:
    id, other = submit(backend), submit(backend)
    assert [claim(backend, id).state, release(backend, id).state] == [CLAIMED, QUEUED]
    assert [claim(backend, id).state, respond(backend, id, "t").state] == [CLAIMED, COMPLETED]
    assert respond(backend, other, status=FAILED).state == FAILED
    assert backend.read(id).epoch == 2


def test_decide_is_given_what_stands_and_the_time(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    claim(backend, id)
    clock.advance(7)
    seen: list[tuple[Snapshot, Moment]] = []

    def look(before: Snapshot, now: Moment) -> Change:
        seen.append((before, now))
        return Change()

    snapshot, change = backend.update(id, look)
    assert seen == [(backend.read(id), clock())]
    assert (snapshot, change) == (backend.read(id), Change())


def test_a_refused_update_changes_nothing(backend: Backend) -> None:
    id = submit(backend)
    claim(backend, id, "a")
    before, history = backend.read(id), list(backend.events(id))
    offered = list(backend.candidates("default", None))
    for refused in (
        lambda: claim(backend, id, "b"),
        lambda: renew(backend, id, "b"),
        lambda: release(backend, id, "b"),
        lambda: respond(backend, id, "b"),
        lambda: respond(backend, id, None),
        lambda: park(backend, id),
    ):
        with pytest.raises(Refused):
            refused()
    assert backend.read(id) == before
    assert list(backend.events(id)) == history
    assert list(backend.candidates("default", None)) == offered


def test_whatever_decide_raises_comes_out_and_changes_nothing(backend: Backend) -> None:
    id = submit(backend)

    def broken(before: Snapshot, now: Moment) -> Change:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backend.update(id, broken)
    assert backend.read(id) == Snapshot(task=backend.read(id).task)
    claim(backend, id)  # and no lock is left behind


def test_a_change_that_had_been_made_before_adds_nothing(backend: Backend) -> None:
    id = submit(backend)
    claim(backend, id)
    respond(backend, id, "t")
    history = list(backend.events(id))
    assert respond(backend, id, "t") == backend.read(id)
    assert list(backend.events(id)) == history


def test_an_answer_is_given_once(backend: Backend) -> None:
    id = submit(backend)
    respond(backend, id, body="the first")
    with pytest.raises(AlreadyAnswered):
        respond(backend, id, body="the second")
    response = backend.read(id).response
    assert response is not None
    assert response.body == "the first"


def test_of_many_who_answer_at_once_exactly_one_succeeds(backend: Backend) -> None:
    id = submit(backend)
    results = in_threads(8, lambda number: respond(backend, id, body=str(number)))
    won = [result for result in results if isinstance(result, Snapshot)]
    assert len(won) == 1
    assert all(isinstance(result, AlreadyAnswered) for result in results if result not in won)
    assert backend.read(id) == won[0]


def test_of_many_who_claim_at_once_exactly_one_succeeds(backend: Backend) -> None:
    id = submit(backend)
    results = in_threads(8, lambda number: claim(backend, id, f"t{number}"))
    assert sum(isinstance(result, Snapshot) for result in results) == 1
    assert sum(isinstance(result, Refused) for result in results) == 7
    assert backend.read(id).epoch == 1


def test_concurrent_updates_are_one_after_the_other(backend: Backend) -> None:
    """Eight times: claim, release. Whoever loses a race decides again; no epoch and no line is lost."""
    id = submit(backend)

    def work(number: int) -> int:
        for _ in range(1000):
            try:
                claim(backend, id, f"t{number}")
            except Refused:
                continue
            release(backend, id, f"t{number}")
            return number
        raise AssertionError("never got it")

    assert in_threads(8, work) == list(range(8))
    assert (backend.read(id).epoch, backend.read(id).state) == (8, QUEUED)
    assert [event.number for event in backend.events(id)] == list(range(1, 18))
    assert [event.epoch for event in backend.events(id) if event.type == "claimed"] == list(range(1, 9))


def test_k6_the_first_holder_is_refused_once_the_second_has_the_task(backend: Backend, clock: Clock) -> None:
    id = submit(backend)
    claim(backend, id, "a", lease_seconds=10)
    clock.advance(10)
    claim(backend, id, "b", lease_seconds=10)
    for late in (lambda: renew(backend, id, "a"), lambda: release(backend, id, "a"), lambda: respond(backend, id, "a")):
        with pytest.raises(LostClaim, match="claimed by o-b"):
            late()
    assert respond(backend, id, "b").state == COMPLETED
