"""Calls that are repeated, because nobody knows whether they took place: they do nothing twice, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.process import REFUSED, UNCONFIRMED, USAGE, Command, tree

LATER = {"AGENT_LANES_BOOT_ID": "another-boot"}  # in which every lease of this boot has run out


def submit(run: Command, key: str, *words: str, code: int = 0) -> str:
    result = run("submit", "--lane", "default", "request.md", "--idempotency-key", key, *words, code=code)
    return result.line if code == 0 else result.why


def test_a_submit_repeated_with_its_key_is_the_same_task(run: Command, store: Path) -> None:
    first = run("submit", "--lane", "default", "request.md", "--idempotency-key", "k", "--json").json
    assert first["already_done"] is False
    before = tree(store)
    again = run("submit", "--lane", "default", "request.md", "--idempotency-key", "k", "--json")
    assert again.json["task_id"] == first["task_id"] and again.json["already_done"] is True
    assert first["task_id"] in again.said[0] and tree(store) == before
    assert submit(run, "other") != first["task_id"] and run("list").json["count"] == 2


def test_a_key_holds_for_ever_and_tells_how_far_the_task_is(run: Command) -> None:
    task_id = submit(run, "k")
    run("respond", task_id, "--body", "done")
    again = run("submit", "--lane", "default", "request.md", "--idempotency-key", "k", "--json").json
    assert (again["task_id"], again["task"]["state"]) == (task_id, "completed")


def test_a_key_that_stands_for_another_task_is_refused(run: Command, store: Path) -> None:
    task_id = submit(run, "k")
    before = tree(store)
    assert task_id in submit(run, "k", "--prompt", "something else", code=REFUSED)
    (run.folder / "request.md").write_text("Something else.\n")
    assert task_id in submit(run, "k", code=REFUSED)
    assert tree(store) == before


def test_of_many_submits_at_once_with_one_key_one_task_is_made(run: Command) -> None:
    words = ("submit", "--lane", "default", "request.md", "--idempotency-key", "k")
    calls = [run.start(*words) for _ in range(6)]
    ids = set()
    for call in calls:
        with call:
            ids.add(call.end().line)
    assert len(ids) == 1 and run("list").json["count"] == 1


def test_a_submit_whose_answer_was_lost_is_repeated_safely(run: Command) -> None:
    words = ("submit", "--lane", "default", "request.md", "--idempotency-key", "k")
    with open("/dev/full", "wb") as full:
        run(*words, code=UNCONFIRMED, stdout=full)
    assert run(*words).line == run("list").json["tasks"][0]["id"]
    assert run("list").json["count"] == 1


def test_a_claim_repeated_with_its_request_id_returns_the_same_token(run: Command) -> None:
    first, second = (run("submit", "--lane", "default", "--prompt", str(number)).line for number in (1, 2))
    words = ("claim", "--lane", "default", "--owner", "me", "--request-id", "r", "--json")
    taken = run(*words).json
    assert (taken["task_id"], taken["task"]["epoch"]) == (first, 1)
    assert run(*words).json["claim_token"] == taken["claim_token"]
    by_id = run("claim", first, "--owner", "me", "--request-id", "r", "--json").json
    assert by_id["claim_token"] == taken["claim_token"]
    assert run("claim", "--lane", "default", "--owner", "me", "--json").json["task_id"] == second


def test_a_request_id_is_no_way_to_anothers_claim(run: Command) -> None:
    task_id = run("submit", "--lane", "default", "--prompt", "x").line
    run("claim", task_id, "--owner", "me", "--request-id", "r")
    run("claim", task_id, "--owner", "other", "--request-id", "r", code=REFUSED)
    run("claim", task_id, "--owner", "me", "--request-id", "another", code=REFUSED)
    told = run("claim", "--lane", "default", "--owner", "other", "--request-id", "r", "--json").json
    assert told["status"] == "idle"


def test_a_request_id_ends_with_its_claim(run: Command) -> None:
    task_id = run("submit", "--lane", "default", "--prompt", "x").line
    words = ("claim", "--lane", "default", "--owner", "me", "--request-id", "r", "--json")
    first = run(*words).json
    again = run(*words, env=LATER).json
    assert again["task_id"] == task_id and again["claim_token"] != first["claim_token"] and again["task"]["epoch"] == 2
    run("release", task_id, "--claim-token", again["claim_token"], env=LATER)
    third = run(*words, env=LATER).json
    assert third["task"]["epoch"] == 3
    run("respond", task_id, "--claim-token", third["claim_token"], "--body", "x", env=LATER)
    assert run(*words, env=LATER).json["status"] == "idle"


@pytest.mark.parametrize("value", ["", "a\nb", "\x1b[31m", " a", "x" * 10_000, b"\xff"])
def test_a_key_that_is_none_is_named(run: Command, store: Path, value: str) -> None:
    run("submit", "--lane", "default", "--prompt", "x")
    before = tree(store)
    refused = run("submit", "--lane", "default", "--prompt", "x", "--idempotency-key", value, code=USAGE)
    assert "--idempotency-key" in refused.why
    assert "--request-id" in run("claim", "--lane", "default", "--request-id", value, code=USAGE).why
    assert tree(store) == before


def test_odd_keys_are_kept_apart(run: Command) -> None:
    keys = ("../x", "a/b", "a%2Fb", ".", "..", "é", "e\u0301", "A", "a", "x" * 200)
    ids = [submit(run, key) for key in keys]
    assert len(set(ids)) == len(keys)
    assert [submit(run, key) for key in keys] == ids
