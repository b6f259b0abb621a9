"""wait for an answer: blocking, heartbeats, where the answer goes, exit codes."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from cli.process import INTERRUPTED, NOT_ALLOWED, TASK_CANCELLED, TASK_FAILED, TIMED_OUT, USAGE, Command, tree

SOON = ("--heartbeat-seconds", "0.05")


@pytest.fixture
def task_id(run: Command) -> str:
    """A task that is queued, with a place for its answer."""
    return run("submit", "--lane", "default", "request.md", "--response-to", "out/answer.md").line


@pytest.fixture
def unplaced(run: Command) -> str:
    """A task that is queued, without a place for its answer."""
    return run("submit", "--lane", "default", "request.md").line


def test_wait_writes_the_answer_and_prints_what_it_is(run: Command, task_id: str) -> None:
    run("respond", task_id, "--body", "The answer.", "--verdict", "accept")
    place = run.folder / "out" / "answer.md"
    plain = run("wait", task_id)
    assert plain.values == {
        "status": "completed",
        "task_id": task_id,
        "response_path": str(place),
        "verdict": "accept",
    }
    assert place.read_text() == "The answer."
    place.unlink()
    told = run("wait", task_id, "--json").json
    assert told.keys() == {"status", "task_id", "response_path", "response"}
    assert (told["status"], told["task_id"], told["response_path"]) == ("completed", task_id, str(place))
    assert told["response"]["body"] == place.read_text() == "The answer."


def test_without_a_response_path_wait_prints_the_body(run: Command, unplaced: str) -> None:
    body = b"line\r\nno newline at the end \xf0\x9f\x8e\x89"
    run("respond", unplaced, stdin=body)
    assert run("wait", unplaced).out == body
    assert run("wait", unplaced, "--json").json["response_path"] is None


def test_a_blocked_wait_is_woken_by_the_answer(run: Command, task_id: str) -> None:
    with run.start("wait", task_id, "--json", "--quiet") as wait:
        wait.sleeping()
        run("respond", task_id, "--body", "now")
        result = wait.end()
    assert result.json["response"]["body"] == "now" and result.err == b""


def test_all_who_wait_for_a_task_are_woken(run: Command, unplaced: str) -> None:
    with run.start("wait", unplaced) as one, run.start("wait", unplaced) as two:
        one.sleeping()
        two.sleeping()
        run("respond", unplaced, "--body", "for all")
        assert one.end().out == two.end().out == b"for all"


def test_a_wait_that_polls_is_answered_too(run: Command, unplaced: str) -> None:
    with run.start("wait", unplaced, *SOON, env={"AGENT_LANES_POLL": "1"}) as wait:
        wait.line("state=queued")
        run("respond", unplaced, "--body", "polled")
        assert wait.end().out == b"polled"


def test_a_timeout_exits_2_and_loses_nothing(run: Command, task_id: str, store: Path) -> None:
    before = tree(store)
    for timeout in ("0", "0.1"):
        late = run("wait", task_id, "--timeout", timeout, "--quiet", code=TIMED_OUT)
        assert task_id in late.why and late.out == b""
    told = run("wait", task_id, "--timeout", "0", "--json", code=TIMED_OUT).json
    assert told["code"] == "timeout" and told["retryable"] is True
    assert tree(store) == before
    run("respond", task_id, "--body", "x")
    run("wait", task_id, "--timeout", "0")


def test_a_failed_task_prints_failed_and_exits_8(run: Command, task_id: str, unplaced: str) -> None:
    for id in (task_id, unplaced):
        run("respond", id, "--status", "failed", "--body", "it broke", "--verdict", "needs-revision")
    plain = run("wait", task_id, code=TASK_FAILED)
    assert plain.values["status"] == "failed" and plain.err == b""
    assert (run.folder / "out" / "answer.md").read_text() == "it broke"
    told = run("wait", task_id, "--json", code=TASK_FAILED).json
    assert told.keys() == {"status", "task_id", "response_path", "response"}
    assert told["status"] == told["response"]["status"] == "failed"
    assert run("wait", unplaced, code=TASK_FAILED).out == b"it broke"


def test_a_cancelled_task_exits_9(run: Command, task_id: str, store: Path) -> None:
    run("respond", task_id, "--status", "failed", "--body", "no longer needed")
    record = store / "tasks" / task_id / "response.json"  # no command cancels yet: as one would leave it
    record.write_text(json.dumps({**json.loads(record.read_text()), "status": "cancelled"}))
    assert run("wait", task_id, "--json", code=TASK_CANCELLED).json["status"] == "cancelled"
    assert run("status", task_id).json["task"]["state"] == "cancelled"


def test_heartbeats_of_a_queued_task(run: Command, task_id: str) -> None:
    with run.start("wait", task_id, *SOON) as wait:
        parts = wait.line("state=queued").split("; ")
        run("respond", task_id, "--body", "x")
        wait.end()
    assert parts[:2] == [f"agent-lanes wait: task_id={task_id}", "state=queued"]
    assert parts[2].startswith("next_action=")


def test_heartbeats_of_a_claimed_task(run: Command, task_id: str) -> None:
    with run.start("wait", task_id, *SOON) as wait:
        wait.line("state=queued")
        taken = run("claim", task_id, "--owner", "codex-7", "--json").json
        run("event", task_id, "--type", "headless_started")
        parts = wait.line("last_event=headless_started@").split("; ", 9)
        run("respond", task_id, "--claim-token", taken["claim_token"], "--body", "x")
        wait.end()
    shown = dict(part.split("=", 1) for part in parts)
    assert shown["state"] == "claimed" and shown["claim_owner"] == "codex-7"
    assert shown["lease_expires_at"] == taken["task"]["lease_expires_at"] and shown["lease_expired"] == "False"
    assert shown["response_path"] == str(run.folder / "out" / "answer.md") and shown["response_exists"] == "False"
    assert shown["claimed_age_seconds"].isdigit() and shown["next_action"]


@pytest.mark.parametrize("words", [["--quiet", *SOON], ["--heartbeat-seconds", "0"]])
def test_heartbeats_can_be_turned_off(run: Command, task_id: str, words: list[str]) -> None:
    late = run("wait", task_id, "--timeout", "0.3", *words, code=TIMED_OUT)
    assert late.said == [late.why]


def test_ctrl_c_exits_130_and_says_that_nothing_is_lost(run: Command, task_id: str) -> None:
    for words in ([], ["--json"]):
        with run.start("wait", task_id, *SOON, *words) as wait:
            wait.line("state=queued")
            wait.interrupt()
            result = wait.end(INTERRUPTED)
        assert "nothing is lost" in result.why
    assert result.json["code"] == "interrupted" and result.json["retryable"] is True


def test_a_wait_that_is_killed_leaves_nothing_behind(run: Command, task_id: str, store: Path) -> None:
    before = tree(store)
    with run.start("wait", task_id, *SOON) as wait:
        wait.line("state=queued")
        wait.process.send_signal(signal.SIGKILL)
        wait.process.wait()
    assert tree(store) == before


def test_the_answer_replaces_a_file_in_one_step_and_keeps_its_mode(run: Command, task_id: str) -> None:
    place = run.folder / "out" / "answer.md"
    place.parent.mkdir()
    place.write_text("a longer text that stood here before")
    place.chmod(0o640)
    run("respond", task_id, "--body", "short")
    run("wait", task_id)
    assert place.read_text() == "short" and stat.S_IMODE(place.stat().st_mode) == 0o640
    assert os.listdir(place.parent) == ["answer.md"]


def test_the_answer_is_not_written_through_a_link_that_leads_outside(run: Command, task_id: str, store: Path) -> None:
    run("respond", task_id, "--body", "x")
    outside = run.folder.parent / "outside"
    outside.mkdir()
    (run.folder / "out").symlink_to(outside)
    before = tree(store)
    assert "response_path" in run("wait", task_id, code=NOT_ALLOWED).why
    assert os.listdir(outside) == [] and tree(store) == before


def test_a_place_that_became_a_folder_is_told_and_the_answer_is_safe(run: Command, task_id: str) -> None:
    run("respond", task_id, "--body", "kept")
    (run.folder / "out" / "answer.md").mkdir(parents=True)
    failed = run("wait", task_id, code=None)
    assert failed.code not in (0, 8, 9) and str(run.folder / "out" / "answer.md") in failed.why
    assert os.listdir(run.folder / "out") == ["answer.md"]
    assert "kept" in run("show", task_id).text


def test_wait_needs_an_id_or_a_lane(run: Command) -> None:
    assert "--lane" in run("wait", code=USAGE).why
    assert "not both" in run("wait", "x", "--lane", "y", code=USAGE).why
