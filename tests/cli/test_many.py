"""submit --many: lines of JSON submitted together; each is done or not, and told in its place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.process import BAD_DATA, IO_ERROR, NOT_FOUND, USAGE, Command, Result, without_privileges


def lines(*tasks: object) -> bytes:
    """The tasks as a JSONL file; what is bytes already is a line as it is."""
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in tasks)


@pytest.fixture
def loose(run: Command) -> Command:
    """The same command, whose stdout may be many objects and whose stderr many lines."""
    return Command(run.folder, run.home, checks=False)


def told_of_lines(result: Result) -> list[str]:
    """What stderr says but for the warnings, such as that of a lane that the config does not declare."""
    return [line for line in result.said if not line.startswith("agent-lanes: warning: ")]


def listed(run: Command, *words: str) -> list[dict[str, Any]]:
    tasks = run("list", *words).json["tasks"]
    assert isinstance(tasks, list)
    return tasks


def test_it_prints_the_ids_in_the_order_of_the_lines(run: Command) -> None:
    (run.folder / "batch.jsonl").write_bytes(lines(*({"lane": "default", "prompt": f"p{at}"} for at in range(5))))
    ids = run("submit", "--many", "batch.jsonl").text.split()
    assert [task["prompt"] for task in listed(run)] == [f"p{at}" for at in range(5)]
    assert sorted(ids) == ids == [task["id"] for task in listed(run)]
    assert all("-batch-" in id for id in ids)  # the file's name, as for a task file


def test_a_line_may_say_all_that_a_task_file_may(run: Command) -> None:
    (run.folder / "more.md").write_text("more")
    (run.folder / "prompt.md").write_text("from a file")
    line = {
        "lane": "review",
        "request_from": "request.md",
        "response_to": "out/answer.md",
        "prompt_file": "prompt.md",
        "worktree_path": ".",
        "branch": "main",
        "metadata": {"required_vendor": "codex", "n": [1, None]},
        "supporting_paths": ["more.md"],
        "source_agent": "ann",
        "correlation_id": "plan 7",
        "idempotency_key": "k",
    }
    (run.folder / "batch.jsonl").write_bytes(lines(line))
    run("submit", "--many", "batch.jsonl")
    (task,) = listed(run)
    assert (task["lane"], task["prompt"], task["expected_branch"]) == ("review", "from a file", "main")
    assert task["request_path"] == str(run.folder / "request.md")
    assert task["response_path"] == str(run.folder / "out/answer.md")
    assert task["supporting_paths"][0]["path"] == str(run.folder / "more.md")
    assert (task["source_agent"], task["correlation_id"]) == ("ann", "plan 7")
    assert task["metadata"] == line["metadata"] and task["worktree_path"] == str(run.folder)


def test_a_request_in_a_line_is_kept_in_the_store(run: Command) -> None:
    id = run("submit", "--many", "-", stdin=lines({"lane": "a", "request": "please\r\n"})).line
    assert (run.folder / f"handoff/state/tasks/{id}/request.md").read_bytes() == b"please\r\n"
    assert "-a-" in id


def test_flags_hold_for_every_line(run: Command) -> None:
    sent = lines({"prompt": "a", "metadata": {"x": "1", "y": "1"}}, {"prompt": "b", "lane": "other"})
    words = ("--lane", "default", "--metadata", "x=2", "--source-agent", "bob", "--task-id", "c")
    run("submit", "--many", "-", *words, stdin=sent)
    one, two = listed(run)
    assert (one["lane"], two["lane"]) == ("default", "default")
    assert (one["metadata"], two["metadata"]) == ({"x": "2", "y": "1"}, {"x": "2"})
    assert {task["source_agent"] for task in (one, two)} == {"bob"}
    assert {task["correlation_id"] for task in (one, two)} == {"c"}


BAD: dict[str, tuple[object, str, str]] = {
    "no JSON": (b"bad", "bad_data", "a JSON value is missing"),
    "cut off": (b'{"lane": "a"', "bad_data", ""),
    "no object": (b'["lane"]', "bad_data", "not a JSON object"),
    "not UTF-8": (b'{"lane": "\xff", "prompt": "p"}', "bad_data", "not UTF-8 at byte 10"),
    "half a character": (b'{"lane": "a", "prompt": "\\ud800"}', "bad_data", "half a character"),
    "an unknown key": ({"lane": "a", "promt": "p"}, "bad_data", "'promt' is no key of a task"),
    "no lane": ({"prompt": "p"}, "bad_data", "lane: missing"),
    "a bad lane": ({"lane": " a", "prompt": "p"}, "bad_data", "lane: ' a'"),
    "a number": ({"lane": "a", "prompt": 5}, "bad_data", "prompt: '5' is not a text"),
    "no request": ({"lane": "a"}, "bad_data", "request: missing"),
    "two requests": ({"lane": "a", "request": "x", "request_from": "request.md"}, "bad_data", "given twice"),
    "stdin": ({"lane": "a", "request_from": "-"}, "bad_data", "request_from: '-' is not a file"),
    "no such request": ({"lane": "a", "request_from": "nope.md"}, "not_found", "does not exist"),
    "outside": ({"lane": "a", "request_from": "/etc/passwd"}, "not_allowed", "outside workspace_root"),
    "bad metadata": ({"lane": "a", "prompt": "p", "metadata": []}, "bad_data", "metadata: '[]'"),
    "a bad key": ({"lane": "a", "prompt": "p", "idempotency_key": "k" * 201}, "bad_data", "idempotency_key"),
}


def test_a_bad_line_says_which_and_why_in_its_place_and_hinders_no_other(run: Command, loose: Command) -> None:
    sent = lines(*(one for bad, _, _ in BAD.values() for one in ({"lane": "a", "prompt": "p"}, bad)))
    result = loose("submit", "--many", "-", stdin=sent, code=BAD_DATA)
    told = result.text.splitlines()
    assert len(told) == 2 * len(BAD)
    assert told[1::2] == ["-"] * len(BAD)
    assert [task["id"] for task in listed(run)] == told[::2]
    complaints = told_of_lines(result)
    for at, (_, _, why) in enumerate(BAD.values()):
        assert complaints[at].startswith(f"agent-lanes submit: line {2 * at + 2}: ") and why in complaints[at]
    assert complaints[len(BAD)].startswith(f"agent-lanes: submit --many: {len(BAD)} of {2 * len(BAD)} lines refused")
    assert [line for line in complaints[len(BAD) + 1 :] if "nobody is listening on lane a" not in line] == []


def test_with_json_each_line_has_an_object_on_a_line(run: Command, loose: Command) -> None:
    good = {"lane": "a", "prompt": "p", "idempotency_key": "k"}
    sent = lines(good, b"", *(bad for bad, _, _ in BAD.values()), good)
    result = loose("submit", "--many", "-", "--json", stdin=sent, code=BAD_DATA)
    told = [json.loads(line) for line in result.text.splitlines()]
    (task,) = listed(run)
    first = {"line": 1, "status": "submitted", "task_id": task["id"], "already_done": False}
    assert told[0] == first
    assert told[-1] == {**first, "line": len(BAD) + 3, "already_done": True}
    for at, (_, code, why) in enumerate(BAD.values()):
        error = told[at + 1]
        assert error.keys() == {"line", "status", "code", "message", "hint", "retryable"}
        assert (error["line"], error["status"], error["code"]) == (at + 3, "error", code)
        assert why in error["message"] and error["message"].startswith(f"line {at + 3}: ")


def test_blank_lines_and_a_missing_newline_at_the_end_are_no_tasks_and_no_errors(run: Command) -> None:
    sent = b'\r\n  \n{"lane": "a", "prompt": "p"}\r\n\n\n{"lane": "a", "prompt": "q"}'
    assert len(run("submit", "--many", "-", stdin=sent).text.split()) == 2
    assert run("submit", "--many", "-", stdin=b"").out == b""


def test_a_key_for_the_file_makes_every_line_repeatable(run: Command, loose: Command) -> None:
    sent = lines({"lane": "a", "prompt": "p"}, {"lane": "a", "prompt": "q", "idempotency_key": "mine"})
    first = run("submit", "--many", "-", "--idempotency-key", "k", stdin=sent)
    again = run("submit", "--many", "-", "--idempotency-key", "k", stdin=sent)
    assert first.text == again.text and len(listed(run)) == 2
    assert told_of_lines(again) == ["agent-lanes submit: 2 of 2 had been submitted before with their keys"]
    other = lines({"lane": "a", "prompt": "another"})
    result = loose("submit", "--many", "-", "--idempotency-key", "k", "--json", stdin=other, code=BAD_DATA)
    assert json.loads(result.out)["code"] == "refused"
    assert run("submit", "--lane", "a", "--prompt", "q", "--idempotency-key", "mine").line in first.text


@pytest.mark.parametrize("more", [["request.md"], ["--request-from", "r"], ["--response-to", "r"], ["--task", "t"]])
def test_what_is_for_one_task_is_refused_beside_it(run: Command, more: list[str]) -> None:
    flag = more[0] if more[0].startswith("-") else "REQUEST"
    assert f"{flag} is for one task" in run("submit", "--many", "-", *more, code=USAGE).why


def test_a_file_that_is_not_there_or_cannot_be_read_is_one_clear_line(run: Command) -> None:
    assert "there is no file nope" in run("submit", "--many", "nope", code=NOT_FOUND).why
    run("submit", "--many", "handoff", code=IO_ERROR)
    assert listed(run) == []


def test_a_store_that_fails_is_told_by_the_exit_code_not_taken_for_bad_lines(loose: Command, store: Path) -> None:
    loose("submit", "--lane", "a", "--prompt", "p")
    (store / "tasks").chmod(0o500)
    sent = lines({"lane": "a", "prompt": "p"}, b"bad")
    result = loose("submit", "--many", "-", stdin=sent, code=6, before=without_privileges)
    assert result.text == "-\n-\n"
    (store / "tasks").chmod(0o700)
    assert os.listdir(store / "tmp") == []


def test_more_than_one_commit_takes_are_told_commit_by_commit_and_a_kill_between_loses_nothing_told(
    run: Command, loose: Command
) -> None:
    """The second half never comes: the first has been told by then, durably, and the rest can be sent again."""
    with subprocess.Popen(
        [run.program, "submit", "--many", "-", "--lane", "a", "--idempotency-key", "k"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=run.folder,
        env=run.environment(),
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        sent = lines(*({"prompt": f"p{at}"} for at in range(600)))
        process.stdin.write(sent)
        process.stdin.flush()
        told = [process.stdout.readline().decode().strip() for _ in range(600)]
        process.send_signal(signal.SIGKILL)
    assert [task["id"] for task in listed(run)] == told
    more = sent + lines({"prompt": "the last"})
    again = run("submit", "--many", "-", "--lane", "a", "--idempotency-key", "k", stdin=more).text.split()
    assert again[:-1] == told and len(listed(run)) == 601


def test_a_line_that_is_too_long_is_refused_and_costs_no_memory(run: Command, loose: Command) -> None:
    from agent_lanes.cli.lines import LONGEST

    sent = b'{"lane": "a", "prompt": "p"}\n"' + b"x" * LONGEST + b'"\n{"lane": "a", "prompt": "q"}\n'
    result = loose("submit", "--many", "-", stdin=sent, code=BAD_DATA)
    assert told_of_lines(result)[0] == "agent-lanes submit: line 2: more than 64 MiB, which is the limit"
    assert [task["id"] for task in listed(run)] == [line for line in result.text.split() if line != "-"]


def test_a_reader_that_is_gone_is_done_but_not_confirmed(run: Command, loose: Command) -> None:
    with subprocess.Popen(
        [run.program, "submit", "--many", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=run.folder,
        env=run.environment(),
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.close()
        process.stdin.write(lines({"lane": "a", "prompt": "p"}))
        process.stdin.close()
        assert process.wait() == 76
    assert len(listed(run)) == 1
