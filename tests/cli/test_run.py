"""run: submit and wait in one; the line of progress on a terminal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cli.process import INTERRUPTED, TASK_FAILED, TIMED_OUT, USAGE, Command, Running, tree
from cli.terminal import Terminal

SOON = ("--heartbeat-seconds", "0.05")


def answer(run: Command, *words: str) -> str:
    """Take the next task of the lane as soon as there is one, answer it, and return its id."""
    taken = run("claim", "--lane", "default", "--wait", "60", "--json").json
    run("respond", taken["task_id"], "--claim-token", taken["claim_token"], *words)
    task_id = taken["task_id"]
    assert isinstance(task_id, str)
    return task_id


def test_run_submits_waits_and_prints_the_answer(run: Command) -> None:
    with run.start("run", "--lane", "default", "request.md") as whole:
        task_id = answer(run, "--body", "The answer.")
        result = whole.end()
    assert result.out == b"The answer."
    assert result.said[0] == f"agent-lanes run: task_id={task_id}"
    assert len(result.said) <= 2  # that nobody is listening, unless somebody claimed before it was looked for
    assert all("nobody is listening on lane default" in line for line in result.said[1:])


def test_run_writes_the_answer_where_it_shall_go(run: Command) -> None:
    with run.start("run", "--lane", "default", "request.md", "--response-to", "answer.md", "--json") as whole:
        task_id = answer(run, "--body", "The answer.")
        told = whole.end().json
    assert told.keys() == {"status", "task_id", "response_path", "response"}
    assert (told["status"], told["task_id"]) == ("completed", task_id)
    assert (run.folder / "answer.md").read_text() == "The answer."


def test_run_takes_the_request_from_stdin(run: Command) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"the request")
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stdin:
        process = subprocess.Popen(
            [run.program, "run", "--lane", "default", "-"],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=run.folder,
            env=run.environment(),
        )
    with Running(("run", "--lane", "default", "-"), process) as whole:
        task_id = answer(run, "--body", "done")
        assert whole.end().out == b"done"
    assert "the request" in run("show", task_id).text


def test_a_failed_task_exits_8(run: Command) -> None:
    with run.start("run", "--lane", "default", "request.md") as whole:
        answer(run, "--status", "failed", "--body", "it broke")
        assert whole.end(TASK_FAILED).out == b"it broke"


def test_a_timeout_exits_2_and_says_how_to_go_on(run: Command) -> None:
    late = run("run", "--lane", "default", "request.md", "--timeout", "0.1", code=TIMED_OUT)
    [task] = run("list").json["tasks"]
    assert f"agent-lanes wait {task['id']}" in late.why and late.out == b""


def test_heartbeats_go_on_where_no_terminal_is(run: Command) -> None:
    with run.start("run", "--lane", "default", "request.md", *SOON) as whole:
        assert "task_id=" in whole.line("state=queued")
        answer(run, "--body", "x")
        whole.end()
    with run.start("run", "--lane", "default", "request.md", *SOON, "--quiet") as whole:
        answer(run, "--body", "x")
        assert whole.end().err == b""


def test_ctrl_c_exits_130_and_the_task_is_there(run: Command) -> None:
    with run.start("run", "--lane", "default", "request.md", *SOON) as whole:
        whole.line("state=queued")
        whole.interrupt()
        whole.end(INTERRUPTED)
    assert run("list").json["count"] == 1


@pytest.mark.parametrize("words", [["--timeout", "-1"], ["--timeout", "nan"], ["--heartbeat-seconds", "x"]])
def test_a_wrong_number_is_refused_before_anything_is_queued(run: Command, store: Path, words: list[str]) -> None:
    before = tree(store)
    assert words[0] in run("run", "--lane", "default", "request.md", *words, code=USAGE).why
    assert tree(store) == before


def test_a_terminal_shows_one_line_of_progress_and_then_the_answer(run: Command) -> None:
    whole = Terminal(run, "run", "--lane", "default", "request.md")
    whole.until(b"queued")
    taken = run("claim", "--lane", "default", "--owner", "codex-7", "--wait", "60", "--json").json
    run("event", taken["task_id"], "--type", "note", "--message", "half\x1b[2J way")
    warned, _, progress = whole.until(b"note: half").decode().partition("\r\n")
    assert "nobody is listening" in warned
    assert "claimed by codex-7" in progress and "0:0" in progress and taken["task_id"][-12:] in progress
    assert "\n" not in progress and "\x1b" not in progress
    run("respond", taken["task_id"], "--claim-token", taken["claim_token"], "--body", "The\x1b[2J answer.")
    seen = whole.end().decode()
    assert "\x1b" not in seen
    assert seen.removesuffix("\r\n").rsplit("\r", 1)[-1] == "The\\x1b[2J answer."  # on a line that was cleared


def test_ctrl_c_on_a_terminal_says_how_to_go_on(run: Command) -> None:
    whole = Terminal(run, "run", "--lane", "default", "request.md")
    whole.until(b"queued")
    whole.interrupt()
    seen = whole.end(INTERRUPTED).decode()
    [task] = run("list").json["tasks"]
    assert f"agent-lanes wait {task['id']}" in seen


@pytest.mark.parametrize("words", [[], ["--lane", "default"], ["--prompt", "hi"]])
def test_what_lacks_a_lane_or_a_request_is_refused_before_anything_is_queued(
    run: Command, store: Path, words: list[str]
) -> None:
    before = tree(store)
    assert run("run", *words, code=USAGE).why.startswith("agent-lanes: run needs")
    assert tree(store) == before
