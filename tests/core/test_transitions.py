"""The state machine: every pair of state and verb, epochs, tokens, leases, repetitions."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from agent_lanes.core import control, transitions
from agent_lanes.core.task import CANCELLED, CLAIMED, COMPLETED, FAILED, QUEUED, Snapshot
from agent_lanes.core.times import Moment
from agent_lanes.core.transitions import TABLE, Change
from agent_lanes.errors import AlreadyAnswered, LostClaim, Refused
from core.values import NOW, a_claim, an_answer, in_state, later

STATES = (QUEUED, CLAIMED, COMPLETED, FAILED, CANCELLED)
EXPIRED = later(100)

DO: dict[str, Callable[[Snapshot, Moment], Change]] = {
    "claim": lambda before, now: transitions.claim(before, owner="bob", token="t2", lease_seconds=60, now=now),
    "park": lambda before, now: transitions.park(before, reason="the request changed", now=now),
    "renew": lambda before, now: transitions.renew(before, token="t1", lease_seconds=60, now=now),
    "release": lambda before, now: transitions.release(before, token="t1", reason="", now=now),
    "complete": lambda before, now: respond(before, COMPLETED, now),
    "fail": lambda before, now: respond(before, FAILED, now),
    "note": lambda before, now: transitions.note(before, type="note", message="", data={}, now=now),
    "retry": lambda before, now: control.fail(
        before, token="t1", response=an_answer(), token_sha256="h", now=now, chance=0.5
    ),
    "end": control.end,
    "cancel": lambda before, now: control.cancel(before, by="eve", reason="no longer needed", now=now),
    "hold": lambda before, now: control.hold(before, by="eve", reason="not now", until=None, now=now),
    "resume": lambda before, now: control.resume(before, by="eve", now=now),
}


def fit_for(verb: str, state: str) -> Snapshot:
    """A task in that state with which this verb can be done at EXPIRED."""
    before = in_state(state)
    if verb == "end":
        task = before.task.replace(expires_at=EXPIRED.wall, max_attempts=1)
        return before.replace(task=task)
    return DO["hold"](before, NOW).applied(before) if verb == "resume" else before


REPEATED = {(CANCELLED, "cancel")}  # confirmed, not refused


def respond(before: Snapshot, status: str, now: Moment) -> Change:
    holder = "t1" if before.state == CLAIMED else None
    answer = an_answer(status=status, reviewer="another", body="another")
    return transitions.respond(before, response=answer, token=holder, token_sha256=holder, now=now)


def claimed_by(token: str, before: Snapshot, now: Moment = NOW, lease_seconds: float = 100) -> Snapshot:
    change = transitions.claim(before, owner="o-" + token, token=token, lease_seconds=lease_seconds, now=now)
    return change.applied(before)


def answered(before: Snapshot, token: str | None, now: Moment = NOW, **changes: object) -> Change:
    return transitions.respond(
        before, response=an_answer(**changes), token=token, token_sha256=token and "hash-" + token, now=now
    )


@pytest.mark.parametrize(("state", "verb"), sorted(TABLE))
def test_every_row_of_the_table_leads_to_its_state(state: str, verb: str) -> None:
    before = fit_for(verb, state)
    assert before.state == state
    assert DO[verb](before, EXPIRED).applied(before).state == TABLE[state, verb]


@pytest.mark.parametrize(("state", "verb"), sorted(set(itertools.product(STATES, DO)) - set(TABLE) - REPEATED))
def test_every_pair_that_is_not_in_the_table_is_refused(state: str, verb: str) -> None:
    with pytest.raises(Refused):
        DO[verb](in_state(state), EXPIRED)


def test_the_table_names_only_verbs_that_the_tests_do_and_states_that_exist() -> None:
    assert {verb for _, verb in TABLE} == set(DO)
    assert {state for state, _ in TABLE} | set(TABLE.values()) == set(STATES)


@pytest.mark.parametrize("verb", ["claim", "park"])
def test_a_live_claim_is_not_taken_and_the_refusal_names_its_owner(verb: str) -> None:
    with pytest.raises(Refused, match="claimed by ann until 20"):
        DO[verb](in_state(CLAIMED), later(99.999999))


def test_each_claim_has_the_next_epoch_whatever_came_between() -> None:
    first = claimed_by("a", in_state(QUEUED))
    released = transitions.release(first, token="a", reason="lunch", now=NOW).applied(first)
    second = claimed_by("b", released)
    third = claimed_by("c", second, later(100))
    assert [first.epoch, released.epoch, second.epoch, third.epoch] == [1, 1, 2, 3]


def test_a_claim_that_takes_over_says_from_whom() -> None:
    (event,) = DO["claim"](in_state(CLAIMED), EXPIRED).events
    assert event.data["taken_over_from"] == "ann"
    (event,) = DO["claim"](in_state(QUEUED), EXPIRED).events
    assert "taken_over_from" not in event.data


@pytest.mark.parametrize("verb", ["renew", "release", "complete", "fail"])
def test_the_former_holder_is_refused_once_another_has_claimed(verb: str) -> None:
    """K6: two holders; the token of the first is no good any more, and it is told who has the task."""
    taken_over = claimed_by("b", claimed_by("t1", in_state(QUEUED)), later(100))
    with pytest.raises(LostClaim, match=r"claimed by o-b .*epoch 2"):
        DO[verb](taken_over, later(101))


@pytest.mark.parametrize("verb", ["renew", "complete", "fail"])
def test_after_a_release_the_token_is_worth_nothing(verb: str) -> None:
    held = in_state(CLAIMED)
    released = transitions.release(held, token="t1", reason="lunch", now=NOW).applied(held)
    assert released.state == QUEUED
    with pytest.raises(Refused):
        if verb == "renew":
            transitions.renew(released, token="t1", lease_seconds=60, now=NOW)
        else:
            answered(released, "t1", status=COMPLETED if verb == "complete" else FAILED)


def test_who_released_a_task_or_whose_task_was_answered_is_told_so() -> None:
    held = in_state(CLAIMED)
    released = DO["release"](held, NOW).applied(held)
    with pytest.raises(LostClaim, match=r"released at 20.*epoch 1"):
        DO["renew"](released, NOW)
    with pytest.raises(Refused, match="task is completed by ann at 20"):
        DO["renew"](in_state(COMPLETED), NOW)


def test_a_claimed_task_is_not_answered_without_a_token() -> None:
    with pytest.raises(LostClaim, match="no claim_token was given"):
        answered(in_state(CLAIMED), None)


def test_a_task_that_was_never_claimed_is_not_answered_with_a_token() -> None:
    with pytest.raises(LostClaim):
        answered(in_state(QUEUED), "t1")


def test_a_lease_that_ran_out_and_was_not_taken_still_lets_its_holder_renew_and_answer() -> None:
    held = in_state(CLAIMED)
    renewed = transitions.renew(held, token="t1", lease_seconds=60, now=later(500)).applied(held)
    assert not renewed.lease_expired(later(559))
    assert answered(held, "t1", later(500)).applied(held).state == COMPLETED


def noted(before: Snapshot, token: str, now: Moment = NOW) -> Change:
    return transitions.note(before, type="note", message="m", data={}, now=now, token=token)


def test_an_event_with_a_token_is_taken_from_who_holds_the_task_or_answered_it() -> None:
    held = in_state(CLAIMED)
    once = answered(held, "t1").applied(held)
    for before, now in ((held, NOW), (held, EXPIRED), (once, NOW)):
        assert len(noted(before, "t1", now).events) == 1


def test_an_event_with_a_token_that_was_lost_is_refused_in_every_state() -> None:
    held = in_state(CLAIMED)
    taken = claimed_by("b", held, EXPIRED)
    released = DO["release"](held, NOW).applied(held)
    for before in (taken, answered(taken, "b").applied(taken), released, in_state(QUEUED)):
        with pytest.raises(LostClaim):
            noted(before, "t1")


def test_a_renewal_keeps_epoch_owner_and_token_and_counts_from_now() -> None:
    held = in_state(CLAIMED)
    change = transitions.renew(held, token="t1", lease_seconds=60, now=later(50))
    assert change.claim is not None and held.claim is not None
    assert change.claim.replace(lease=held.claim.lease, updated_at=held.claim.updated_at) == held.claim
    assert not change.claim.lease.expired(later(109))
    assert change.claim.lease.expired(later(110))
    assert not change.durable  # losing one to a power cut is harmless: its boot is over as well


def test_who_works_on_a_task_need_not_survive_a_power_cut_and_everything_else_must() -> None:
    durable = {verb for state, verb in TABLE if DO[verb](fit_for(verb, state), EXPIRED).durable}
    assert durable == set(DO) - {"claim", "renew", "release", "park"}


# --- repetitions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [COMPLETED, FAILED])
def test_the_same_answer_of_the_same_holder_is_confirmed_not_given_twice(status: str) -> None:
    held = in_state(CLAIMED)
    once = answered(held, "t1", status=status).applied(held)
    again = answered(once, "t1", later(10), status=status)
    assert again.repeated
    assert (again.claim, again.response, again.events) == (None, None, ())


@pytest.mark.parametrize(
    "other", [{"body": "other"}, {"status": FAILED}, {"reviewer": "bob"}, {"token": "t2"}, {"token": None}]
)
def test_any_other_answer_is_refused(other: dict[str, str | None]) -> None:
    held = in_state(CLAIMED)
    once = answered(held, "t1").applied(held)
    token = other.pop("token", "t1")
    with pytest.raises(AlreadyAnswered, match="was answered by ann at 20"):
        answered(once, token, **other)


def test_the_same_release_by_the_same_holder_is_confirmed() -> None:
    held = in_state(CLAIMED)
    released = DO["release"](held, NOW).applied(held)
    assert DO["release"](released, later(10)).repeated


def test_a_release_is_not_confirmed_to_a_stranger_or_once_another_has_the_task() -> None:
    held = in_state(CLAIMED)
    released = DO["release"](held, NOW).applied(held)
    with pytest.raises(LostClaim):
        transitions.release(released, token="t2", reason="", now=NOW)
    with pytest.raises(LostClaim):
        DO["release"](claimed_by("b", released), NOW)


def test_parking_twice_is_parking_once() -> None:
    before = in_state(QUEUED)
    parked = DO["park"](before, NOW).applied(before)
    assert parked.parked
    assert DO["park"](parked, later(10)).repeated


def test_a_parked_task_that_was_never_claimed_is_not_released_with_an_empty_token() -> None:
    before = in_state(QUEUED)
    parked = DO["park"](before, NOW).applied(before)
    with pytest.raises(Refused):
        transitions.release(parked, token="", reason="", now=NOW)
    with pytest.raises(Refused):
        answered(parked, "")


def test_claiming_a_parked_task_ends_that_and_keeps_the_epochs_going() -> None:
    before = in_state(CLAIMED)
    parked = DO["park"](before, EXPIRED).applied(before)
    assert (parked.state, parked.epoch) == (QUEUED, 1)
    taken = claimed_by("b", parked)
    assert (taken.state, taken.epoch, taken.parked) == (CLAIMED, 2, False)


# --- leases --------------------------------------------------------------------------------------------------


def test_a_lease_ends_exactly_when_its_seconds_are_over_by_the_clock_of_the_boot() -> None:
    lease = a_claim().lease
    assert not lease.expired(later(99.999999))
    assert lease.expired(later(100))


@pytest.mark.parametrize("step", [-(10**15), 10**15])
def test_stepping_the_wall_clock_neither_steals_nor_extends_a_claim(step: int) -> None:
    lease = a_claim().lease
    assert not lease.expired(later(99).replace(wall=NOW.wall + step))
    assert lease.expired(later(100).replace(wall=NOW.wall + step))


def test_a_claim_of_another_boot_has_run_out_at_once() -> None:
    assert a_claim().lease.expired(Moment(wall=NOW.wall, boot_id="boot-b", boottime=0))


@pytest.mark.parametrize(("lease_boot", "now_boot"), [("", "boot-a"), ("boot-a", ""), ("", "")])
def test_where_one_side_has_no_boot_the_wall_clock_decides(lease_boot: str, now_boot: str) -> None:
    lease = a_claim().lease.replace(boot_id=lease_boot)
    for boottime in (0, 10**17):
        assert not lease.expired(Moment(wall=lease.expires_at - 1, boot_id=now_boot, boottime=boottime))
        assert lease.expired(Moment(wall=lease.expires_at, boot_id=now_boot, boottime=boottime))


# --- what a change carries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "verb"), sorted(TABLE))
def test_a_change_commits_at_most_one_fact_and_one_line_of_history(state: str, verb: str) -> None:
    before = fit_for(verb, state)
    change = DO[verb](before, EXPIRED)
    assert change.claim is None or change.response is None
    assert len(change.events) == 1
    assert change.events[0].epoch == change.applied(before).epoch


def test_a_response_carries_the_epoch_that_it_answers_and_the_hash_of_its_token() -> None:
    second = claimed_by("b", in_state(CLAIMED), later(100))
    given = answered(second, "b", later(110)).response
    assert given is not None
    assert (given.epoch, given.token_sha256, given.created_at) == (2, "hash-b", later(110).wall)


def test_the_first_line_of_a_history_is_numbered_one() -> None:
    event = transitions.created(in_state(QUEUED))
    assert (event.type, event.number, event.data) == ("created", 1, {"lane": "default"})


def test_a_transition_leaves_what_it_was_given_alone() -> None:
    for state, verb in TABLE:
        before = fit_for(verb, state)
        DO[verb](before, EXPIRED)
        assert before == fit_for(verb, state)
