"""submit: what is recorded, where, and under which id."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from cli.process import BAD_DATA, NOT_FOUND, USAGE, Command, tree

TASK_ID = re.compile(r"^\d{8}T\d{12}Z-[A-Za-z0-9._-]+-[0-9a-f]{12}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
RECORD = {
    "id": str,
    "workspace_id": str,
    "workspace_root": str,
    "correlation_id": str,
    "source_agent": str,
    "lane": str,
    "worktree_path": str | None,
    "expected_branch": str | None,
    "request_path": str | None,
    "request_sha256": str | None,
    "response_path": str | None,
    "supporting_paths": list,
    "prompt": str,
    "metadata": dict,
    "state": str,
    "created_at": str,
    "updated_at": str,
    "claim_owner": str | None,
    "claim_token": str | None,
    "claimed_at": str | None,
    "lease_expires_at": str | None,
    "lease_seconds": str | None,
    "completed_at": str | None,
    "failed_at": str | None,
    "failure_reason": str | None,
    "epoch": int,
    "sequence": int,
    "parked_reason": str | None,
    "priority": int,
    "not_before": str | None,
    "expires_at": str | None,
    "attempts": int,
    "max_attempts": int | None,
    "max_cost_usd": float | int | None,
    "backoff_seconds": float | int,
    "max_lease_seconds": float | None,
    "route": str,
    "response_schema": dict | None,
    "depends_on": list,
    "waits_for": list,
    "on_hold": bool,
    "hold_until": str | None,
    "hold_reason": str | None,
    "cause": str | None,
    "retry_of": str | None,
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def submitted(run: Command, *words: str, **how: Any) -> dict[str, Any]:
    """The record of a task that these words queue."""
    record = run("submit", "--lane", "default", *words, "--json", **how).json["task"]
    assert isinstance(record, dict)
    return record


def test_a_quiet_submit_prints_the_id_and_nothing_else(run: Command) -> None:
    asked = ("--request-from", "request.md", "--response-to", "answer.md")
    result = run("submit", "--lane", "default", *asked, "--quiet")
    assert TASK_ID.match(result.line) and result.err == b""


def test_submit_as_json_is_the_id_and_the_record(run: Command) -> None:
    made = run(
        "submit", "--lane", "default", "--request-from", "request.md", "--response-to", "out/answer.md", "--json"
    ).json
    assert made.keys() == {"task_id", "task", "already_done", "listeners"} and made["already_done"] is False
    task = made["task"]
    assert task.keys() == RECORD.keys()
    for field, kind in RECORD.items():
        assert isinstance(task[field], kind), field
    assert task["id"] == made["task_id"] and task["state"] == "queued" and task["lane"] == "default"
    assert task["workspace_id"] == "project" and task["workspace_root"] == str(run.folder)
    assert task["source_agent"] == "orchestrator" and task["correlation_id"] == "default"
    assert task["request_path"] == str(run.folder / "request.md")
    assert task["request_sha256"] == sha256(run.folder / "request.md")
    assert task["response_path"] == str(run.folder / "out" / "answer.md")
    assert TIME.match(task["created_at"]) and task["created_at"] == task["updated_at"]
    assert (task["metadata"], task["supporting_paths"], task["prompt"]) == ({}, [], "")
    for field in ("claim_owner", "claim_token", "claimed_at", "lease_expires_at", "completed_at", "failed_at"):
        assert task[field] is None, field


def test_the_id_tells_time_and_correlation(run: Command) -> None:
    task = submitted(run, "request.md", "--task-id", "Review: plan/3!")
    compact = re.sub(r"[-:.]", "", task["created_at"])
    assert re.fullmatch(rf"{compact}-Review-plan-3-[0-9a-f]{{12}}", task["id"]), task["id"]
    assert task["correlation_id"] == "Review: plan/3!"


def test_ids_sort_by_creation(run: Command) -> None:
    ids = [run("submit", "--lane", lane, "--prompt", "x").line for lane in ("z", "m", "a", "z")]
    assert ids == sorted(ids)
    assert [task["id"] for task in run("list").json["tasks"]] == ids


def test_the_same_file_submitted_at_once_becomes_as_many_tasks(run: Command) -> None:
    calls = [run.start("submit", "--lane", "default", "request.md", "--task-id", "same") for _ in range(6)]
    ids = set()
    for call in calls:
        with call:
            ids.add(call.end().line)
    assert len(ids) == 6
    assert {task["id"] for task in run("list").json["tasks"]} == ids


def test_what_is_given_is_recorded(run: Command) -> None:
    task = submitted(
        run,
        *("--request-from", "request.md", "--source-agent", "planner", "--branch", "fix/it", "--prompt", "Be quick."),
        *("--worktree-path", "../elsewhere", "--metadata", "required_vendor=codex", "--metadata", "note=a=b c"),
        *("--metadata", "empty=", "--metadata", "twice=first", "--metadata", "twice=second"),
    )
    assert task["source_agent"] == "planner" and task["expected_branch"] == "fix/it" and task["prompt"] == "Be quick."
    assert task["worktree_path"] == str(run.folder.parent / "elsewhere")
    assert task["metadata"] == {"required_vendor": "codex", "note": "a=b c", "empty": "", "twice": "second"}


def test_defaults_of_the_config_are_used_and_flags_win(run: Command) -> None:
    path = run.folder / "handoff" / "handoff.yaml"
    path.write_text(path.read_text() + "\nworktree_path: trees/main\nexpected_branch: main\n")
    task = submitted(run, "request.md")
    assert task["worktree_path"] == str(run.folder / "trees" / "main") and task["expected_branch"] == "main"
    task = submitted(run, "request.md", "--worktree-path", "trees/other", "--branch", "other")
    assert task["worktree_path"] == str(run.folder / "trees" / "other") and task["expected_branch"] == "other"


def test_relative_paths_are_relative_to_the_current_folder(run: Command) -> None:
    folder = run.folder / "sub" / "folder"
    folder.mkdir(parents=True)
    (folder / "request.md").write_text("another\n")
    task = submitted(run, "--request-from", "request.md", "--response-to", "answer.md", cwd=folder)
    assert task["request_path"] == str(folder / "request.md")
    assert task["response_path"] == str(folder / "answer.md")


def test_links_inside_the_workspace_are_resolved(run: Command) -> None:
    (run.folder / "link.md").symlink_to("request.md")
    assert submitted(run, "link.md")["request_path"] == str(run.folder / "request.md")


def test_the_request_may_stand_as_an_argument_once(run: Command) -> None:
    assert (
        submitted(run, "request.md")["request_path"] == submitted(run, "--request-from", "request.md")["request_path"]
    )
    assert "twice" in run("submit", "--lane", "x", "request.md", "--request-from", "request.md", code=USAGE).why


@pytest.mark.parametrize("how", [["-"], ["--request-from", "-"]])
def test_a_request_on_stdin_is_kept_in_the_store_and_hashed(run: Command, how: list[str]) -> None:
    body = b"line\r\nNUL \0 and \xe2\x80\xa8 and no newline at the end"
    task = submitted(run, *how, stdin=body)
    kept = Path(task["request_path"])
    assert kept == run.folder / "handoff" / "state" / "tasks" / task["id"] / "request.md"
    assert kept.read_bytes() == body and task["request_sha256"] == hashlib.sha256(body).hexdigest()
    assert run("claim", task["id"], "--json").json["task"]["request_path"] == str(kept)


def test_a_prompt_alone_is_a_task_too(run: Command) -> None:
    task = submitted(run, "--prompt", "Say hello.")
    assert task["request_path"] is None and task["request_sha256"] is None and task["prompt"] == "Say hello."
    run("claim", task["id"])


def test_a_task_without_request_and_prompt_is_refused(run: Command) -> None:
    assert "--request-from" in run("submit", "--lane", "default", code=USAGE).why


def test_a_task_without_lane_is_refused(run: Command) -> None:
    assert "--lane" in run("submit", "request.md", code=USAGE).why


def test_a_missing_request_is_named(run: Command) -> None:
    assert "nothing.md" in run("submit", "--lane", "default", "nothing.md", code=NOT_FOUND).why
    assert "handoff" in run("submit", "--lane", "default", "handoff", code=NOT_FOUND).why


def test_a_prompt_comes_from_a_file(run: Command) -> None:
    (run.folder / "prompt.md").write_text("From the file.\n")
    assert submitted(run, "request.md", "--prompt-file", "prompt.md")["prompt"] == "From the file.\n"


def test_the_state_folder_is_private_and_readable_by_people(run: Command, store: Path) -> None:
    run("submit", "--lane", "default", "-", "--metadata", "ü=\u2028", stdin=b"x")
    for path in [store, *store.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & 0o777 == expected, path
        if path.suffix == ".json":
            text = path.read_text()
            assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n", path


def test_the_umask_does_not_open_the_store(bare: Command) -> None:
    bare("submit", "--store", "new", "--lane", "x", "--prompt", "y", before=lambda: os.umask(0) and None)
    assert {path.stat().st_mode & 0o777 for path in bare.folder.rglob("*")} <= {0o700, 0o600}


def test_nothing_is_left_in_tmp(run: Command, store: Path) -> None:
    run("submit", "--lane", "default", "-", stdin=b"x")
    assert os.listdir(store / "tmp") == []


def test_the_index_names_the_latest_task_of_a_correlation_id(run: Command, store: Path) -> None:
    index = store / "indexes" / "correlations" / "project--plan.json"
    for _ in range(2):
        task = submitted(run, "request.md", "--task-id", "plan")
        assert json.loads(index.read_text()) == {
            "workspace_id": "project",
            "correlation_id": "plan",
            "task_id": task["id"],
            "updated_at": task["created_at"],
        }


def test_supporting_files_come_hashed_from_the_task_file(run: Command) -> None:
    (run.folder / "src").mkdir()
    (run.folder / "src" / "a.py").write_text("print()\n")
    (run.folder / "task.yaml").write_text("supporting_paths: [src/a.py]\n")
    task = submitted(run, "request.md", "--task", "task.yaml")
    path = run.folder / "src" / "a.py"
    assert task["supporting_paths"] == [{"path": str(path), "sha256": sha256(path)}]


def test_an_empty_flag_is_as_if_not_given_but_for_the_place_of_the_answer(run: Command) -> None:
    empty = [word for flag in ("--branch", "--worktree-path", "--task-id", "--prompt-file") for word in (flag, "")]
    task = submitted(run, "request.md", *empty)
    assert (task["expected_branch"], task["worktree_path"], task["prompt"]) == (None, None, "")
    assert task["correlation_id"] == "default"
    assert "--response-to" in run("submit", "--lane", "x", "request.md", "--response-to", "", code=USAGE).why
    (run.folder / "task.yaml").write_text("response_to: answer.md\n")
    task = submitted(run, "request.md", "--task", "task.yaml", "--response-to", "")
    assert task["response_path"] == str(run.folder / "answer.md")


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["--priority", "99"], "--priority: '99'"),
        (["--source-agent", " x"], "--source-agent: ' x'"),
        (["--metadata", "required_vendor= "], "--metadata required_vendor: ' '"),
        (["--task-id", "a\nb"], "--task-id: "),
        (["--response-to", "/etc/x"], "--response-to is outside workspace_root"),
        (["--depends-on", "nope"], "--depends-on: unknown task: nope"),
        (["--backoff", "soon"], "--backoff: 'soon'"),
    ],
)
def test_what_came_by_a_flag_is_named_as_the_flag(run: Command, words: list[str], begins: str) -> None:
    refused = run("submit", "--lane", "default", "--prompt", "x", *words, "--json", code=None)
    assert refused.code and refused.why.startswith(f"agent-lanes: {begins}"), refused
    assert refused.json["message"].startswith(begins)


def test_what_came_from_a_line_is_named_as_the_field(run: Command) -> None:
    lines = ['{"prompt": "x"}', '{"lane": "default"}', '{"lane": "default", "prompt": "x", "priority": 99}']
    (run.folder / "many.jsonl").write_text("\n".join(lines))
    said = run("submit", "--many", "many.jsonl", code=BAD_DATA).said[:3]
    for number, (line, field) in enumerate(zip(said, ("lane: ", "request: ", "priority: "), strict=True), start=1):
        assert line.startswith(f"agent-lanes submit: many.jsonl: line {number}: {field}")
    of_a_flag = run("submit", "--many", "many.jsonl", "--lane", " x", code=BAD_DATA).said
    assert sum("line 1: --lane: ' x'" in line for line in of_a_flag) == 1


@pytest.mark.parametrize("words", [["-"], ["--request-from", "-"], ["-", "--prompt", ""]])
def test_an_empty_stdin_is_no_request(run: Command, store: Path, words: list[str]) -> None:
    before = tree(store)
    assert "request: empty" in run("submit", "--lane", "default", *words, stdin=b"", code=BAD_DATA).why
    assert tree(store) == before
    id = run("submit", "--lane", "default", "-", "--prompt", "look at the branch", stdin=b"").line
    assert run("status", id).json["task"]["prompt"] == "look at the branch"
