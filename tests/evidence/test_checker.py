"""The checker of histories finds every broken promise in one that was written by hand, and none in a legal one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from crowd.journal import FAIL, INFO
from crowd.tasks import Record

from evidence.stories import changed, joined, lapsed, plain, plain_until_answer, without_line
from evidence.story import BODY, ID, PROMPT, Story

LEGAL: dict[str, Callable[[], Story]] = {
    "nothing special": plain,
    "a second holder after the lease": lambda: lapsed().respond(2),
    "a second holder after a release": lambda: Story().submit().claim(1).held("release").claim(2).respond(2),
    "a release repeated": lambda: without_line(
        Story().submit().claim(1).held("release").held("release").claim(2).respond(2), 3
    ),
    "a stale holder that is refused": lambda: refused(lapsed()).respond(2),
    "a late answer, nobody else having claimed": lambda: Story().submit().claim().later(60).respond(),
    "a submit of unknown outcome that left a task": lambda: Story().submit(INFO).claim().respond(),
    "a submit repeated with its key": lambda: Story().submit(INFO).submit().claim().respond(),
    "an answer whose line was lost by a kill, and confirmed": lambda: without_line(
        plain_until_answer().respond(type=INFO).respond(), 2
    ),
    "a claim of unknown outcome": lambda: recovered(Story().submit()),
    "an event of unknown outcome, not there": lambda: (
        plain_until_answer().held("event", type=INFO, message="m").respond()
    ),
    "a renewal that lengthened the lease": lambda: (
        Story().submit().claim().later(8).held("renew").later(10).claim(2).respond(2)
    ),
    "a request id asked for twice": lambda: asked_twice(20),
}


def refused(story: Story) -> Story:
    for f in ("renew", "release", "event"):
        story.held(f, 1, FAIL, message="late", code="lost_claim")
    return story.respond(1, FAIL, "too late")


def recovered(story: Story) -> Story:
    story.did("claim", INFO, id=None, request_id=None)
    story.line("recovered", 1)
    return story.later(10).claim(2).respond(2)


def asked_twice(pause: float) -> Story:
    story = Story().submit().claim(1, request_id="r", owner="r").later(pause)
    return story.claim(2, request_id="r", owner="r").respond(2)


def overlapping(story: Story) -> None:
    """The first holder's lease ends ten seconds after its claim; the second claims after five."""
    story.later(5).claim(2).respond(2)


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_history_has_no_problems(name: str) -> None:
    assert LEGAL[name]().problems() == []


BROKEN: dict[str, tuple[str, Callable[[], Story]]] = {
    "a task lost": ("in the store: []", changed(lambda one: one.records.clear())),
    "a task twice": ("made 2 tasks", changed(lambda one: one.records.update(b=Record("b", PROMPT, body=BODY)))),
    "a task that nobody asked for": ("nobody submitted", changed(lambda one: one.records.update(b=Record("b", "?")))),
    "a submit that failed and took place": ("failed, and its task", lambda: Story().submit(FAIL).claim().respond()),
    "a task never answered": ("never answered", changed(lambda one: setattr(one.record, "body", None))),
    "an answer of nobody": ("given by nobody", changed(lambda one: setattr(one.record, "body", "invented"))),
    "an answer under another epoch": ("given by nobody", changed(lambda one: setattr(one.record, "epoch", 7))),
    "an answer that was refused": ("was refused", lambda: plain_until_answer().respond(type=FAIL)),
    "an answer replaced": ("not the one in the store", lambda: plain_until_answer().respond(body="first").respond()),
    "a waiter that saw another": ("saw another answer", lambda: plain().wait("else")),
    "a waiter that saw it early": ("before it was given", lambda: plain_until_answer().wait().later(1).respond()),
    "an epoch given twice": (
        "was given twice",
        lambda: plain_until_answer().later(10).claim(1, token="other").respond(),
    ),
    "an epoch that goes back": (
        "claimed after epoch 2",
        lambda: Story().submit().claim(2).later(10).claim(1).respond(),
    ),
    "a claim after the answer": ("claimed after it was answered", lambda: plain().later(10).claim(2)),
    "a stale renewal": ("stale holder's renew", lambda: lapsed().held("renew", 1).respond(2)),
    "a stale release": ("stale holder's release", lambda: lapsed().held("release", 1).respond(2)),
    "a stale event": ("stale holder's event", lambda: lapsed().held("event", 1, message="m").respond(2)),
    "a stale answer": ("stale holder's respond", lambda: lapsed().respond(1)),
    "a renewal after the release": (
        "after the release",
        lambda: plain_until_answer().held("release").held("renew").respond(),
    ),
    "an answer after the release": ("after the release", lambda: plain_until_answer().held("release").respond()),
    "a renewal after the answer": ("after the answer", lambda: plain().held("renew")),
    "a lease cut short": ("before the lease of epoch 1 was over", changed(overlapping, plain_until_answer)),
    "a renewed lease cut short": (
        "before the lease of epoch 1 was over",
        lambda: plain_until_answer().later(8).held("renew").later(2).claim(2).respond(2),
    ),
    "a request id with two claims": ("made two claims within one lease", lambda: asked_twice(2)),
    "a claim without its line": ("0 lines claimed", changed(lambda one: without_line(one, 1))),
    "an answer without its line": ("0 lines response", changed(lambda one: without_line(one, 2))),
    "an answer in the history twice": ("more than one answer", changed(lambda one: one.line("response"))),
    "an event without its line": (
        "0 lines of ann event ok",
        lambda: without_line(plain_until_answer().held("event", message="m").respond(), 2),
    ),
    "an event that failed and is there": (
        "1 lines of ann event fail",
        changed(lambda one: one.line("note", message="m"), lambda: plain().held("event", type=FAIL, message="m")),
    ),
    "a renewal that failed and is there": (
        "1 lines renewed of epoch 1, 0 to 0",
        changed(lambda one: one.line("renewed"), lambda: plain_until_answer().held("renew", type=FAIL)),
    ),
    "lines with a gap": (
        "has the number 9",
        changed(lambda one: one.record.events.append(one.record.events[-1].replace(type="note", number=9))),
    ),
    "an operation on a task that is not there": ("is not in the store", changed(lambda one: one.did("wait", id="b"))),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_history_is_found_out(name: str) -> None:
    wanted, story = BROKEN[name]
    problems = story().problems()
    assert any(wanted in problem for problem in problems), problems


def test_a_stale_operation_that_overlaps_the_next_claim_may_have_come_first() -> None:
    story = Story().submit().claim(1).later(10)
    late = story.did("renew", epoch=1, lease=10)
    story.line("renewed", 1)
    story.at = late.begin
    story.later(0.5).held("release", 1).claim(2).respond(2)
    assert story.problems() == []


def test_times_are_compared_within_one_task_only() -> None:
    story = joined(plain(), plain(), begin=100)
    assert story.problems() == [] and ID in story.records
