"""What workers and those who wait for them do: claim, renew, release, respond, event, wait."""

from __future__ import annotations

from companions import answers_what_is_asked, asks_for_something

from commanding.case import REFUSED, SAME, SAYS, Case
from commanding.stands import (
    SHORT,
    answered,
    answered_in_the_store,
    changed_request,
    open_with_a_unique_key,
    parked,
    project,
    queued,
    run_out,
    stored_request,
    taken,
    taken_by_request_id,
    taken_with_an_answer,
    two_answered,
    two_vendors,
)

HOLDS_A_WHILE = "5"  # long enough to ask for the same claim again, short enough to wait for its end
CLAIM = ("claim", "--lane", "work", "--lease-seconds", SHORT)

CASES = (
    Case("claim, by id", ("claim", "{id}", "--lease-seconds", SHORT), queued),
    Case("claim, by lane", CLAIM, queued),
    Case("claim, by lane and vendor", (*CLAIM, "--vendor", "codex"), two_vendors),
    Case(
        "claim, a request id",
        ("claim", "--lane", "work", "--request-id", "r", "--lease-seconds", HOLDS_A_WHILE),
        queued,
        SAME,
    ),
    Case("claim, once the lease is over", CLAIM, run_out),
    Case("claim, waiting for work", (*CLAIM, "--wait", "60"), project, companion=asks_for_something),
    Case("claim that parks", ("claim", "{id}"), changed_request, REFUSED, "has changed", code=4),
    Case("claim of what was parked", ("claim", "{id}", "--lease-seconds", SHORT), parked),
    Case("renew", ("renew", "{id}", "--claim-token", "{token}", "--lease-seconds", "300"), taken),
    Case(
        "release",
        ("release", "{id}", "--claim-token", "{token}", "--reason", "not mine"),
        taken,
        SAYS,
        "had been released",
    ),
    Case(
        "respond, a file",
        ("respond", "{id}", "--claim-token", "{token}", "--file", "answer.md"),
        taken_with_an_answer,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, failed",
        ("respond", "{id}", "--claim-token", "{token}", "--status", "failed", "--body", "no"),
        taken,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, from stdin",
        ("respond", "{id}", "--claim-token", "{token}", "--verdict", "accept"),
        taken,
        SAYS,
        "had this answer already",
        stdin=b"An answer.\r\n" * 1000,
    ),
    Case(
        "respond, claimed by a request id",
        ("respond", "{id}", "--claim-token", "{token}", "--file", "answer.md"),
        taken_by_request_id,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, to what nobody claimed",
        ("respond", "{id}", "--body", "An answer."),
        stored_request,
        SAYS,
        "had this answer already",
    ),
    Case(
        "respond, a unique key",
        ("respond", "{id}", "--body", "An answer."),
        open_with_a_unique_key,
        SAYS,
        "had this answer already",
    ),
    Case("wait --all", ("wait", "--all", "{id}", "{other}"), two_answered, SAME, view="out/answer.md"),
    Case(
        "respond, an attempt failed",
        (
            "respond",
            "{id}",
            "--claim-token",
            "{token}",
            "--status",
            "failed",
            "--retry",
            "--retry-in",
            "0s",
            "--body",
            "no",
        ),
        taken,
        SAME,
    ),
    Case("event", ("event", "{id}", "--message", "Half of it is done."), taken, view="history"),
    Case("wait, a response path", ("wait", "{id}"), answered, SAME, view="out/answer.md"),
    Case("wait, to stdout", ("wait", "{id}"), answered_in_the_store, SAME, code=8),
    Case(
        "wait, blocking",
        ("wait", "{id}", "--timeout", "60"),
        queued,
        SAME,
        companion=answers_what_is_asked,
        view="out/answer.md",
    ),
)
