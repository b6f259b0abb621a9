"""claim, renew, release, event: who has a task, for how long, and what its history says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.process import NOT_FOUND, REFUSED, USAGE, Command, tree

TOKEN = re.compile(r"^[0-9a-f]{32}$")


@pytest.fixture
def task_id(run: Command) -> str:
    """A task that is queued."""
    return run("submit", "--lane", "default", "request.md").line


def claimed(run: Command, task_id: str, *words: str) -> str:
    """The token of a claim of this task."""
    token = run("claim", task_id, *words, "--json").json["claim_token"]
    assert isinstance(token, str)
    return token


def task(run: Command, task_id: str) -> dict[str, Any]:
    view = run("status", task_id).json["task"]
    assert isinstance(view, dict)
    return view


def history(store: Path, task_id: str) -> list[dict[str, Any]]:
    *lines, rest = (store / "tasks" / task_id / "events.jsonl").read_text().split("\n")
    assert rest == ""
    return [json.loads(line) for line in lines]


def test_claim_prints_id_and_token(run: Command, task_id: str) -> None:
    values = run("claim", task_id).values
    assert values["task_id"] == task_id and TOKEN.match(values["claim_token"])


def test_claim_as_json(run: Command, task_id: str) -> None:
    taken = run("claim", task_id, "--owner", "me", "--lease-seconds", "60", "--json").json
    assert taken.keys() == {"status", "task_id", "claim_token", "task"}
    assert taken["status"] == "claimed" and taken["task_id"] == task_id and TOKEN.match(taken["claim_token"])
    record = taken["task"]
    assert record["state"] == "claimed" and record["claim_owner"] == "me"
    assert record["claim_token"] == taken["claim_token"]
    assert record["claimed_at"] == record["updated_at"] < record["lease_expires_at"]


def test_the_owner_is_worker_and_the_lease_two_hours_unless_given(run: Command, task_id: str) -> None:
    run("claim", task_id)
    view = task(run, task_id)
    assert view["claim_owner"] == "worker" and 7100 < view["seconds_until_lease_expiry"] <= 7200


def test_a_claimed_task_is_refused_to_others(run: Command, task_id: str) -> None:
    run("claim", task_id, "--owner", "first")
    refused = run("claim", task_id, "--owner", "second", code=REFUSED)
    assert "first" in refused.why and task(run, task_id)["claim_owner"] == "first"


def test_of_many_claims_at_once_one_wins(run: Command, task_id: str) -> None:
    calls = [run.start("claim", task_id, "--owner", f"w{number}", "--json") for number in range(6)]
    results = []
    for call in calls:
        with call:
            results.append(call.end(None))
    assert sorted(result.code for result in results) == [0, *[REFUSED] * 5]
    winner = next(result.json for result in results if result.code == 0)
    assert task(run, task_id)["claim_token"] == winner["claim_token"]


def test_a_changed_request_is_refused_and_not_offered_again(run: Command, task_id: str, store: Path) -> None:
    (run.folder / "request.md").write_text("Something else.\n")
    assert "changed" in run("claim", task_id, code=REFUSED).why
    assert run("claim", "--lane", "default", "--json").json["status"] == "idle"
    assert task(run, task_id)["parked_reason"]
    (run.folder / "request.md").write_text("Please look at this.\n")
    claimed(run, task_id)
    assert task(run, task_id)["state"] == "claimed"


def test_a_request_that_is_gone_is_refused(run: Command, task_id: str) -> None:
    (run.folder / "request.md").unlink()
    assert "gone" in run("claim", task_id, code=REFUSED).why


def test_a_finished_task_cannot_be_claimed(run: Command, task_id: str) -> None:
    run("respond", task_id, "--body", "done")
    assert "completed" in run("claim", task_id, code=REFUSED).why


def test_renew_lengthens_the_lease(run: Command, task_id: str) -> None:
    token = claimed(run, task_id, "--lease-seconds", "60")
    renewed = run("renew", task_id, "--claim-token", token, "--lease-seconds", "5000", "--json").json
    assert renewed.keys() == {"status", "task_id", "claim_token", "task"}
    assert (renewed["status"], renewed["task_id"], renewed["claim_token"]) == ("renewed", task_id, token)
    view = task(run, task_id)
    assert 4900 < view["seconds_until_lease_expiry"] <= 5000
    assert view["lease_expires_at"] == renewed["task"]["lease_expires_at"]
    plain = run("renew", task_id, "--claim-token", token).values
    assert plain["status"] == "renewed" and plain["task_id"] == task_id


def test_a_lease_that_ran_out_may_be_renewed_or_taken_over(run: Command, task_id: str) -> None:
    first = claimed(run, task_id, "--owner", "first")
    later = {"AGENT_LANES_BOOT_ID": "another-boot"}  # in another boot every lease of this one has run out
    assert run("status", task_id, env=later).json["task"]["lease_expired"] is True
    run("renew", task_id, "--claim-token", first, env=later)
    assert run("status", task_id, env=later).json["task"]["lease_expired"] is False
    second = run("claim", task_id, "--owner", "second", "--json").json  # and back in the first boot: run out again
    assert second["claim_token"] != first and second["task"]["epoch"] == 2
    for words in (["renew"], ["release"], ["respond", "--body", "late"]):
        refused = run(words[0], task_id, "--claim-token", first, *words[1:], "--json", code=REFUSED)
        assert refused.json["code"] == "lost_claim" and "second" in refused.why


def test_release_puts_the_task_back(run: Command, task_id: str, store: Path) -> None:
    token = claimed(run, task_id)
    released = run("release", task_id, "--claim-token", token, "--reason", "no time", "--json").json
    assert released.keys() == {"status", "task_id", "task", "already_done"} and released["already_done"] is False
    record = released["task"]
    assert (released["status"], released["task_id"], record["state"]) == ("released", task_id, "queued")
    for field in ("claim_owner", "claim_token", "claimed_at", "lease_expires_at"):
        assert record[field] is None, field
    assert history(store, task_id)[-1]["data"]["reason"] == "no time"
    assert claimed(run, task_id) != token
    assert run("release", task_id, "--claim-token", token, code=REFUSED).why


def test_a_release_repeated_changes_nothing_more(run: Command, task_id: str, store: Path) -> None:
    token = claimed(run, task_id)
    run("release", task_id, "--claim-token", token)
    before = tree(store)
    again = run("release", task_id, "--claim-token", token, "--json")
    assert again.json["status"] == "released" and again.json["already_done"] is True and "already" in again.said[0]
    assert tree(store) == before


@pytest.mark.parametrize("verb", ["renew", "release", "event"])
def test_a_wrong_token_is_refused_and_nothing_changes(run: Command, task_id: str, store: Path, verb: str) -> None:
    run(verb, task_id, "--claim-token", "0" * 32, code=REFUSED)  # never claimed
    claimed(run, task_id)
    before = tree(store)
    for wrong in ("0" * 32, "", "x", "two\nlines", b"\xff"):
        result = run(verb, task_id, "--claim-token", wrong, "--json", code=REFUSED)
        assert result.json["code"] == "lost_claim"
    assert tree(store) == before


@pytest.mark.parametrize("verb", ["renew", "release"])
def test_a_token_is_required(run: Command, task_id: str, verb: str) -> None:
    assert "--claim-token" in run(verb, task_id, code=USAGE).why


@pytest.mark.parametrize("verb", ["claim", "renew", "release", "event", "respond", "wait", "status", "show"])
def test_an_unknown_task_is_named(run: Command, store: Path, verb: str) -> None:
    before = tree(store)
    extra = ["--claim-token", "x"] if verb in ("renew", "release") else []
    unknown = "20261121T000000000000Z-x-0123456789ab"
    assert unknown in run(verb, unknown, *extra, code=NOT_FOUND).why
    assert tree(store) == before


def test_event_adds_a_line_in_every_state(run: Command, task_id: str, store: Path) -> None:
    assert run("event", task_id, "--json").json == {"status": "ok", "task_id": task_id}
    token = claimed(run, task_id)
    assert run("event", task_id, "--type", "headless_started", "--message", "on it").line == task_id
    run("respond", task_id, "--claim-token", token, "--body", "done")
    run("event", task_id, "--message", "read", "--data", "by=me", "--data", "why=a=b")
    lines = history(store, task_id)
    assert [line["type"] for line in lines] == ["created", "note", "claimed", "headless_started", "response", "note"]
    assert lines[3]["message"] == "on it" and lines[-1]["data"] == {"by": "me", "why": "a=b"}
    for line in lines:
        assert {"created_at", "type", "message", "data"} <= line.keys()
    assert [line["number"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_a_message_of_several_lines_stays_one_line_of_the_history(run: Command, task_id: str, store: Path) -> None:
    message = 'one\ntwo\r\n\x1b[31mred \u2028 "quoted" \\'
    run("event", task_id, "--message", message)
    assert history(store, task_id)[-1]["message"] == message
    assert (store / "tasks" / task_id / "events.jsonl").read_bytes().count(b"\n") == 2
    assert run("status", task_id).json["task"]["last_event"]["message"] == message


def test_events_at_once_are_all_kept_and_numbered(run: Command, task_id: str, store: Path) -> None:
    calls = [run.start("event", task_id, "--message", f"m{number}") for number in range(8)]
    for call in calls:
        with call:
            call.end()
    lines = history(store, task_id)[1:]
    assert sorted(line["message"] for line in lines) == [f"m{number}" for number in range(8)]
    assert [line["number"] for line in lines] == list(range(2, 10))
