"""The checker knows on which terms tasks were submitted, and what overseers did: broken histories, and legal ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from crowd.journal import FAIL, INFO, OK

from agent_lanes.core.task import DEPENDENCY, EXHAUSTED, EXPIRED
from evidence.stories import again, changed, joined, lapsed, plain, plain_until_answer, without_line
from evidence.story import BODY, LANE, SECOND, Story

LEGAL: dict[str, Callable[[], Story]] = {
    "an attempt failed, and the next answers": lambda: plain_until_answer().fail().claim(2).respond(2),
    "a failure repeated": lambda: failed_twice(),
    "a failure whose line was lost by a kill, and confirmed": lambda: without_line(failed_twice(INFO), 2),
    "attempts used up": lambda: dead(),
    "attempts used up by leases that ran out": lambda: (
        Story().submit(max_attempts=2).claim().later(10).claim(2).later(10).ended(EXHAUSTED, "ran out", 2)
    ),
    "a release is no attempt": lambda: Story().submit(max_attempts=1).claim().held("release").claim(2).respond(2),
    "cancelled while queued": lambda: Story().submit().cancel().wait("enough", "cancelled"),
    "cancelled at work": lambda: cancelled_at_work().respond(type=FAIL, body="too late"),
    "cancelled twice": lambda: again(Story().submit().cancel(), "cancel", by="bea", reason="too much"),
    "on hold, and claimed afterwards": lambda: Story().submit().hold(5).later(5).claim().respond(),
    "on hold, and resumed": lambda: Story().submit().hold(50).resume().claim().respond(),
    "on hold, perhaps resumed": lambda: Story().submit().hold(50).resume(type=INFO).claim().respond(),
    "after another": lambda: Story().submit().after().claim().respond(),
    "after another that failed, which will do": lambda: (
        Story().submit().after(status="failed", on_failure="run").claim().respond()
    ),
    "failed, for another has": lambda: Story().submit().after(status="failed").ended(DEPENDENCY, "another failed"),
    "a unique key used again": lambda: two_with_a_key(begin=10),
    "a unique key that was taken": lambda: told_of_another(plain_with_a_key(), at=1.5),
    "a lane on hold, and afterwards": lambda: Story().submit().lane("hold_lane", seconds=5).later(5).claim().respond(),
    "a lane on hold, and resumed": lambda: (
        Story().submit().lane("hold_lane", seconds=50).lane("resume_lane").claim().respond()
    ),
    "a lane on hold, then for a shorter time": lambda: (
        Story().submit().lane("hold_lane", seconds=50).lane("hold_lane", seconds=2).later(2).claim().respond()
    ),
    "a lane on hold, perhaps resumed": lambda: (
        Story().submit().lane("hold_lane", seconds=50).lane("resume_lane", INFO).claim().respond()
    ),
    "a lane put on hold while a claim was under way": lambda: claimed_meanwhile(),
}


def failed_twice(first: str = OK) -> Story:
    story = plain_until_answer().fail()
    story.operations[-1].type = first
    return again(story, "fail", epoch=1, reason="failed 1", final=False).claim(2).respond(2)


def dead() -> Story:
    return Story().submit(max_attempts=2).claim().fail().claim(2).fail(2, last=True).wait("failed 2", "failed")


def cancelled_at_work() -> Story:
    return plain_until_answer().cancel(1)


def plain_with_a_key() -> Story:
    return Story().submit(unique_key="u").claim().respond()


def told_of_another(story: Story, at: float) -> Story:
    """Another submit with the same unique key was told of the task."""
    story.at = round(at * SECOND)
    story.did("submit", client="bob", prompt="else", key=None, lane=LANE, terms={"unique_key": "u"})
    return story


def two_with_a_key(begin: float) -> Story:
    """Two tasks with the same unique key; the second begins after so many seconds."""
    return joined(plain_with_a_key(), plain_with_a_key(), begin)


def claimed_meanwhile() -> Story:
    story = Story().submit().claim().respond()
    claim = story.operations[1]
    hold = story.did("hold_lane", client="bob", lane=LANE, seconds=50)
    hold.begin, hold.end = claim.begin + 1, claim.begin + 2
    return story


def dead_early() -> Story:
    return Story().submit(max_attempts=2).claim().fail(last=True)


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_history_of_such_work_has_no_problems(name: str) -> None:
    assert LEGAL[name]().problems() == []


BROKEN: dict[str, tuple[str, Callable[[], Story]]] = {
    "an attempt more than there may be": (
        "attempt 2 of at most 1",
        lambda: Story().submit(max_attempts=1).claim().fail().claim(2).respond(2),
    ),
    "dead before its last attempt": ("dead after attempt 1 of 2", lambda: dead_early()),
    "dead before its lease was over": (
        "before the lease of its last attempt was over",
        lambda: Story().submit(max_attempts=1).claim().later(5).ended(EXHAUSTED, "ran out", 1),
    ),
    "dead without a limit": ("had no limit", lambda: plain_until_answer().later(10).ended(EXHAUSTED, "ran out", 1)),
    "an attempt that is not counted": (
        "attempt 1 where 2 is next",
        lambda: plain_until_answer().fail().claim(2, attempt=1).respond(2),
    ),
    "a release that is counted": (
        "attempt 2 where 1 is next",
        lambda: plain_until_answer().held("release").claim(2, attempt=2).respond(2),
    ),
    "a last failure that is not the answer": (
        "failure of the last attempt is not the answer",
        changed(lambda one: setattr(one.record, "body", "else"), lambda: dead()),
    ),
    "a failure that failed and is there": (
        "1 lines attempt_failed of epoch 1, 0 to 0",
        changed(lambda one: one.line("attempt_failed"), lambda: plain_until_answer().fail(type=FAIL)),
    ),
    "an answer after the failure": ("after the fail of its claim", lambda: plain_until_answer().fail().respond()),
    "a stale failure": ("stale holder's fail", lambda: lapsed().fail(1).respond(2)),
    "claimed in the pause after a failure": (
        "before its time",
        lambda: plain_until_answer().fail(pause=5).claim(2).respond(2),
    ),
    "claimed before its time": (
        "before its time",
        changed(lambda one: setattr(one.record, "not_before", 9 * SECOND)),
    ),
    "an answer to a cancelled task": (
        "not the one in the store",
        lambda: again(cancelled_at_work(), "respond", epoch=1, body=BODY, status="completed"),
    ),
    "a cancel that is undone": ("it was cancelled, and is completed", lambda: again(plain(), "cancel", by="b")),
    "cancelled by nobody": (
        "given by nobody",
        changed(lambda one: setattr(one.record, "body", "else"), lambda: Story().submit().cancel()),
    ),
    "claimed after a cancel": ("claimed after it was answered", lambda: Story().submit().cancel().claim()),
    "a renewal after a cancel": ("after the answer", lambda: cancelled_at_work().held("renew")),
    "claimed while on hold": ("before its hold ends", lambda: Story().submit().hold(50).claim().respond()),
    "put on hold while claimed": (
        "put on hold while epoch 1 had it",
        lambda: plain_until_answer().hold(2, 1).later(2).claim(2).respond(2),
    ),
    "a hold without its line": (
        "0 lines of ann hold ok",
        changed(lambda one: one.did("hold", seconds=1, reason="mine")),
    ),
    "claimed before another had ended": (
        "had ended",
        lambda: Story().submit().after(at=90 * SECOND).claim().respond(),
    ),
    "claimed though another failed": (
        "claimed, though b",
        lambda: Story().submit().after(status="failed").claim().respond(),
    ),
    "ended for another that completed": (
        "none of them is why",
        lambda: Story().submit().after().ended(DEPENDENCY, "another failed"),
    ),
    "ended for another before that failed": (
        "before any of them had failed",
        lambda: Story().submit().after(status="failed", at=90 * SECOND).ended(DEPENDENCY, "another failed"),
    ),
    "ended while somebody has it": (
        "ended by the queue (dependency_failed) while epoch 1 held it",
        lambda: plain_until_answer().after(status="failed").ended(DEPENDENCY, "another failed", 1),
    ),
    "expired without a deadline": ("had no deadline", lambda: Story().submit().ended(EXPIRED, "expired")),
    "two open tasks with one unique key": ("were open at once", lambda: two_with_a_key(begin=0.5)),
    "a unique key kept after the end": (
        "still had its unique key",
        lambda: told_of_another(plain_with_a_key(), at=9),
    ),
    "claimed while its lane was on hold": (
        "while its lane was on hold",
        lambda: Story().submit().lane("hold_lane", seconds=50).claim().respond(),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_history_of_such_work_is_found_out(name: str) -> None:
    wanted, story = BROKEN[name]
    problems = story().problems()
    assert any(wanted in problem for problem in problems), problems
