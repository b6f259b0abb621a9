"""respond: one answer, by whoever may give it, byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cli.process import NOT_FOUND, REFUSED, USAGE, Command, tree

RESPONSE = {
    "task_id": str,
    "reviewer": str,
    "status": str,
    "body": str,
    "reviewed_request_sha256": str | None,
    "request_changed_before_response": bool,
    "follow_up_required": bool,
    "verdict": str | None,
    "blocking_count": int | None,
    "nonblocking_count": int | None,
    "metadata": dict,
    "created_at": str,
}
REPORT = {
    *("status", "task_id", "correlation_id", "lane", "response_path", "verdict", "blocking_count"),
    *("nonblocking_count", "queue_depth", "next_action", "already_done", "response"),
}


@pytest.fixture
def task_id(run: Command) -> str:
    """A task that is queued, with a place for its answer."""
    return run("submit", "--lane", "default", "request.md", "--response-to", "answer.md").line


@pytest.fixture
def token(run: Command, task_id: str) -> str:
    """The token of a claim of that task."""
    value = run("claim", task_id, "--json").json["claim_token"]
    assert isinstance(value, str)
    return value


def answer(run: Command, task_id: str) -> dict[str, Any]:
    response = run("wait", task_id, "--json", code=None).json["response"]
    assert isinstance(response, dict)
    return response


def test_respond_as_json(run: Command, task_id: str, token: str) -> None:
    run("submit", "--lane", "default", "--prompt", "another")
    report = run("respond", task_id, "--claim-token", token, "--body", "Fine.", "--verdict", "accept", "--json").json
    assert report.keys() == REPORT
    assert (report["status"], report["task_id"], report["lane"]) == ("completed", task_id, "default")
    assert (report["correlation_id"], report["verdict"]) == ("default", "accept")
    assert report["response_path"] == str(run.folder / "answer.md")
    assert report["queue_depth"] == 1 and report["blocking_count"] is None and report["nonblocking_count"] is None
    assert isinstance(report["next_action"], str) and report["already_done"] is False
    response = report["response"]
    assert response.keys() == RESPONSE.keys()
    for field, kind in RESPONSE.items():
        assert isinstance(response[field], kind), field
    assert (response["body"], response["reviewer"], response["metadata"]) == ("Fine.", "worker", {})


def test_the_answer_on_disk_has_the_fields_of_v01(run: Command, task_id: str, token: str, store: Path) -> None:
    run("respond", task_id, "--claim-token", token, "--body", "Fine.")
    record = json.loads((store / "tasks" / task_id / "response.json").read_text())
    assert RESPONSE.keys() <= record.keys() and record["status"] == "completed"
    assert record["reviewed_request_sha256"] == hashlib.sha256(b"Please look at this.\n").hexdigest()


def test_everything_that_can_be_said_is_kept(run: Command, task_id: str, token: str) -> None:
    run(
        *("respond", task_id, "--claim-token", token, "--body", "No.", "--reviewer", "codex-1"),
        *("--verdict", "needs-revision", "--blocking-count", "2", "--nonblocking-count", "3"),
        *("--follow-up-required", "--metadata", "model_used=x", "--metadata", "tokens_in=12"),
    )
    response = answer(run, task_id)
    assert (response["reviewer"], response["verdict"]) == ("codex-1", "needs-revision")
    assert (response["blocking_count"], response["nonblocking_count"]) == (2, 3)
    assert response["follow_up_required"] is True
    assert response["metadata"] == {"model_used": "x", "tokens_in": "12"}


@pytest.mark.parametrize("how", ["file", "dash", "stdin", "body"])
def test_the_body_comes_from_wherever_it_is_given(run: Command, task_id: str, how: str) -> None:
    (run.folder / "body.md").write_text("The body.\n")
    words = {"file": ["--file", "body.md"], "dash": ["--file", "-"], "stdin": [], "body": ["--body", "The body.\n"]}
    run("respond", task_id, *words[how], stdin=b"The body.\n" if how in ("dash", "stdin") else b"not this")
    assert answer(run, task_id)["body"] == "The body.\n"


def test_file_and_body_together_are_refused(run: Command, task_id: str) -> None:
    assert "--file or --body" in run("respond", task_id, "--file", "-", "--body", "x", code=USAGE).why
    assert "nothing.md" in run("respond", task_id, "--file", "nothing.md", code=NOT_FOUND).why


def test_a_queued_task_may_be_answered_without_a_claim(run: Command, task_id: str) -> None:
    run("respond", task_id, "--body", "done locally")
    assert run("status", task_id).json["task"]["state"] == "completed"


def test_a_claimed_task_is_answered_by_its_holder_only(run: Command, task_id: str, token: str, store: Path) -> None:
    before = tree(store)
    refused = run("respond", task_id, "--body", "x", "--json", code=REFUSED)
    assert refused.json["code"] == "lost_claim" and "--claim-token" in refused.why
    run("respond", task_id, "--body", "x", "--claim-token", "0" * 32, code=REFUSED)
    assert tree(store) == before
    run("respond", task_id, "--body", "x", "--claim-token", token)


def test_a_holder_whose_lease_ran_out_may_still_answer(run: Command, task_id: str, token: str) -> None:
    later = {"AGENT_LANES_BOOT_ID": "another-boot"}
    assert run("status", task_id, env=later).json["task"]["lease_expired"] is True
    run("respond", task_id, "--claim-token", token, "--body", "late, but mine", env=later)


def test_a_second_answer_is_refused_and_the_first_stays(run: Command, task_id: str, token: str, store: Path) -> None:
    run("respond", task_id, "--claim-token", token, "--body", "first")
    before = tree(store)
    for words in (
        ["--body", "second", "--claim-token", token],
        ["--body", "first"],
        ["--body", "first", "--claim-token", token, "--status", "failed"],
        ["--body", "first", "--claim-token", token, "--reviewer", "other"],
    ):
        assert run("respond", task_id, *words, "--json", code=REFUSED).json["code"] == "already_answered"
    assert tree(store) == before and answer(run, task_id)["body"] == "first"


def test_the_same_answer_again_is_confirmed(run: Command, task_id: str, token: str, store: Path) -> None:
    words = ("respond", task_id, "--claim-token", token, "--body", "the answer", "--json")
    first = run(*words).json
    before = tree(store)
    again = run(*words)
    assert again.json == {**first, "already_done": True} and "already" in again.err.decode()
    assert tree(store) == before


def test_of_many_answers_at_once_one_wins(run: Command, task_id: str) -> None:
    calls = [run.start("respond", task_id, "--body", f"answer {number}") for number in range(6)]
    codes = []
    for call in calls:
        with call:
            codes.append(call.end(None).code)
    assert sorted(codes) == [0, *[REFUSED] * 5]
    assert answer(run, task_id)["body"] == f"answer {codes.index(0)}"


def test_a_failed_answer_is_recorded_as_such(run: Command, task_id: str, token: str) -> None:
    report = run("respond", task_id, "--claim-token", token, "--status", "failed", "--body", "out of memory", "--json")
    assert report.json["status"] == "failed"
    view = run("status", task_id).json["task"]
    assert view["state"] == "failed" and view["failure_reason"] == "out of memory"
    assert view["failed_at"] == view["updated_at"] and view["completed_at"] is None


def test_blocking_findings_need_needs_revision(run: Command, task_id: str, store: Path) -> None:
    before = tree(store)
    for words in ([], ["--verdict", "accept"], ["--verdict", "accept-with-follow-ups"]):
        assert (
            "needs-revision" in run("respond", task_id, "--body", "x", "--blocking-count", "1", *words, code=USAGE).why
        )
    assert tree(store) == before
    run("respond", task_id, "--body", "x", "--blocking-count", "0", "--verdict", "accept")


@pytest.mark.parametrize("change", ["edited", "deleted", "expected"])
def test_a_changed_request_refuses_completed_and_is_recorded_on_failed(
    run: Command, task_id: str, token: str, store: Path, change: str
) -> None:
    request, words = run.folder / "request.md", ["respond", task_id, "--claim-token", token, "--body", "x"]
    if change == "edited":
        request.write_text("Something else.\n")
    elif change == "expected":
        words += ["--expect-sha256", "0" * 64]
    else:
        os.unlink(request)
    before = tree(store)
    assert run(*words, "--json", code=REFUSED).json["code"] == "request_changed"
    assert tree(store) == before
    run(*words, "--status", "failed")
    assert answer(run, task_id)["request_changed_before_response"] is True


def test_the_hash_that_was_read_is_recorded(run: Command, task_id: str) -> None:
    digest = hashlib.sha256((run.folder / "request.md").read_bytes()).hexdigest()
    run("respond", task_id, "--body", "x", "--expect-sha256", digest)
    response = answer(run, task_id)
    assert response["reviewed_request_sha256"] == digest and response["request_changed_before_response"] is False


@pytest.mark.parametrize("flag", ["--status", "--verdict"])
def test_a_value_outside_its_set_names_the_choices(run: Command, task_id: str, store: Path, flag: str) -> None:
    before = tree(store)
    why = run("respond", task_id, "--body", "x", flag, "cancelled", code=USAGE).why
    assert flag in why and ("completed" in why or "accept" in why)
    assert tree(store) == before
