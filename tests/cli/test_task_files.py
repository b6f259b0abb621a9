"""Task files: every key, what beats what, what is warned of, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.process import BAD_DATA, NOT_ALLOWED, NOT_FOUND, Command, tree

WHOLE = {
    "lane": "review",
    "metadata": {"required_vendor": "codex", "deep": {"list": [1, 2.5, None, True, "ü"]}},
    "prompt": "From the task file.",
    "request_from": "request.md",
    "response_to": "out/answer.md",
    "supporting_paths": ["request.md"],
    "worktree_path": "tree",
    "branch": "topic",
}


def write(run: Command, value: object, name: str = "tasks/plan.yaml") -> str:
    """A task file with this value; JSON is YAML."""
    path = run.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return name


def submitted(run: Command, *words: str, cwd: Path | None = None) -> dict[str, Any]:
    record = run("submit", *words, "--json", cwd=cwd).json["task"]
    assert isinstance(record, dict)
    return record


def test_a_task_file_states_everything(run: Command) -> None:
    task = submitted(run, "--task", write(run, WHOLE))
    assert task["lane"] == "review" and task["metadata"] == WHOLE["metadata"]
    assert task["prompt"] == "From the task file." and task["expected_branch"] == "topic"
    assert task["request_path"] == str(run.folder / "request.md")
    assert task["response_path"] == str(run.folder / "out" / "answer.md")
    assert task["worktree_path"] == str(run.folder / "tree")
    assert [file["path"] for file in task["supporting_paths"]] == [str(run.folder / "request.md")]


def test_the_stem_is_the_correlation_id_unless_a_flag_says_otherwise(run: Command) -> None:
    name = write(run, WHOLE)
    assert submitted(run, "--task", name)["correlation_id"] == "plan"
    assert submitted(run, "--task", name, "--task-id", "other")["correlation_id"] == "other"


def test_flags_override_the_file_and_metadata_is_merged(run: Command) -> None:
    (run.folder / "second.md").write_text("second\n")
    task = submitted(
        run,
        *("--task", write(run, WHOLE), "--lane", "other", "--request-from", "second.md", "--response-to", "b.md"),
        *("--prompt", "From the flag.", "--worktree-path", "tree2", "--branch", "topic2"),
        *("--metadata", "required_vendor=claude", "--metadata", "new=1"),
    )
    assert task["lane"] == "other" and task["prompt"] == "From the flag." and task["expected_branch"] == "topic2"
    assert task["request_path"] == str(run.folder / "second.md") and task["response_path"] == str(run.folder / "b.md")
    assert task["worktree_path"] == str(run.folder / "tree2")
    assert task["metadata"] == {**WHOLE["metadata"], "required_vendor": "claude", "new": "1"}  # type: ignore[dict-item]


def test_prompts_beat_one_another(run: Command) -> None:
    (run.folder / "tasks").mkdir()
    (run.folder / "tasks" / "in-file.md").write_text("prompt_file of the file")
    (run.folder / "flag.md").write_text("prompt-file flag")
    with_file = write(run, {"lane": "x", "prompt_file": "in-file.md"}, "tasks/a.yaml")
    with_text = write(run, {"lane": "x", "prompt": "prompt of the file"}, "tasks/b.yaml")
    with_both = write(run, {"lane": "x", "prompt": "prompt of the file", "prompt_file": "in-file.md"}, "tasks/c.yaml")
    for name, flags, expected in (
        (with_file, [], "prompt_file of the file"),
        (with_text, [], "prompt of the file"),
        (with_both, [], "prompt of the file"),
        (with_file, ["--prompt", "prompt flag"], "prompt flag"),
        (with_text, ["--prompt-file", "flag.md"], "prompt-file flag"),
        (with_text, ["--prompt", "prompt flag", "--prompt-file", "flag.md"], "prompt flag"),
    ):
        assert submitted(run, "--task", name, *flags)["prompt"] == expected, (name, flags)


def test_a_prompt_file_is_relative_to_the_task_file(run: Command) -> None:
    write(run, {"lane": "x", "prompt_file": "../prompts/p.md"}, "tasks/a.yaml")
    (run.folder / "prompts").mkdir()
    (run.folder / "prompts" / "p.md").write_text("found")
    assert submitted(run, "--task", "../tasks/a.yaml", cwd=run.folder / "prompts")["prompt"] == "found"


@pytest.mark.parametrize("how", ["dots", "absolute", "symlink"])
def test_a_prompt_file_outside_the_workspace_is_refused(run: Command, store: Path, how: str) -> None:
    outside = run.folder.parent / "secret.md"
    outside.write_text("secret")
    (run.folder / "link.md").symlink_to(outside)
    named = {"dots": "../../secret.md", "absolute": str(outside), "symlink": "../link.md"}[how]
    name = write(run, {"lane": "x", "prompt_file": named})
    before = tree(store)
    assert "prompt_file is outside workspace_root" in run("submit", "--task", name, code=NOT_ALLOWED).why
    assert tree(store) == before


def test_unknown_keys_are_ignored_with_a_warning(run: Command) -> None:
    name = write(run, {"lane": "default", "prompt": "y", "promt": "z", "urgency": 3})
    result = run("submit", "--task", name, "--quiet")
    [line] = result.said
    assert line.startswith("agent-lanes: warning: ") and "promt" in line and "urgency" in line
    assert run("status", result.line).json["task"]["prompt"] == "y"


def test_a_task_file_may_be_yaml_with_its_comforts(run: Command) -> None:
    (run.folder / "t.yaml").write_text(
        "# a comment\nlane: x\nprompt: |\n  two\n  lines\n"
        "metadata: &all\n  due: 2026-11-21\n  answer: yes\n  n: 1_000\n"
    )
    task = submitted(run, "--task", "t.yaml")
    assert task["prompt"] == "two\nlines\n"
    assert task["metadata"] == {"due": "2026-11-21", "answer": True, "n": 1000}


def test_a_task_file_may_lie_anywhere(run: Command) -> None:
    outside = run.folder.parent / "elsewhere.json"
    outside.write_text(json.dumps({"lane": "x", "request_from": "request.md"}))
    assert submitted(run, "--task", str(outside))["request_path"] == str(run.folder / "request.md")


def test_the_request_of_a_task_file_is_found_from_the_root_too(run: Command) -> None:
    name = write(run, {"lane": "x", "request_from": "request.md", "response_to": "out/a.md"})
    (run.folder / "deep").mkdir()
    task = submitted(run, "--task", str(run.folder / name), cwd=run.folder / "deep")
    assert task["request_path"] == str(run.folder / "request.md")
    assert task["response_path"] == str(run.folder / "out" / "a.md")


def test_a_missing_task_file_is_named(run: Command) -> None:
    assert "tasks/no.yaml" in run("submit", "--task", "tasks/no.yaml", code=NOT_FOUND).why


WRONG = [{}, [], "", 0, False, 1.5, ["a"], {"a": 1}]


@pytest.mark.parametrize("key", ["lane", "prompt", "prompt_file", "request_from", "response_to", "branch"])
def test_a_text_of_another_type_names_the_key(run: Command, store: Path, key: str) -> None:
    before = tree(store)
    for value in WRONG:
        name = write(run, {"lane": "x", "prompt": "y", key: value})
        why = run("submit", "--task", name, code=BAD_DATA).why
        assert key in why and name in why, value
    assert tree(store) == before


def test_metadata_of_another_type_is_refused(run: Command, store: Path) -> None:
    before = tree(store)
    for value in [[], "", 0, False, "text", ["a"], {"a\nb": 1}, {"": 1}, {"required_vendor": 5}, {"k" * 101: 1}]:
        name = write(run, {"lane": "x", "prompt": "y", "metadata": value})
        assert "metadata" in run("submit", "--task", name, code=BAD_DATA).why, value
    assert tree(store) == before


def test_supporting_paths_of_another_type_are_refused(run: Command, store: Path) -> None:
    before = tree(store)
    for value in [{}, "", 0, False, "request.md", [1], [None], [""], [["request.md"]]]:
        name = write(run, {"lane": "x", "prompt": "y", "supporting_paths": value})
        assert "supporting_paths" in run("submit", "--task", name, code=BAD_DATA).why, value
    assert tree(store) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": "high"},
        {"max_attempts": -1},
        {"delay": "soon"},
        {"delay": "1h", "not_before": "2026-11-21T18:00:00Z"},
        {"expires_at": "tomorrow"},
        {"depends_on": "x"},
        {"if_exists": "perhaps"},
        {"request": "one", "request_from": "request.md"},
    ],
)
def test_a_wrong_term_and_a_request_given_twice_name_file_and_key(
    run: Command, store: Path, wrong: dict[str, object]
) -> None:
    before, name = tree(store), write(run, {"lane": "x", "prompt": "y", **wrong})
    why = run("submit", "--task", name, code=BAD_DATA).why
    assert name in why and next(iter(wrong)) in why
    assert tree(store) == before


def test_a_flag_may_give_the_unique_key_for_what_the_file_says_of_it(run: Command) -> None:
    name = write(run, {"lane": "x", "prompt": "y", "if_exists": "refuse"})
    assert submitted(run, "--task", name, "--unique-key", "k")["state"] == "queued"


@pytest.mark.parametrize("value", [None, {"lane": None, "metadata": None, "supporting_paths": None}])
def test_what_is_null_is_not_stated(run: Command, value: object) -> None:
    task = submitted(run, "--task", write(run, value), "--lane", "x", "--prompt", "y")
    assert task["metadata"] == {} and task["supporting_paths"] == []


def test_a_supporting_file_that_is_not_there_or_outside_is_refused(run: Command, store: Path) -> None:
    (run.folder.parent / "outside.md").write_text("x")
    before = tree(store)
    for value, code in (("nothing.md", NOT_FOUND), ("handoff", NOT_FOUND), ("../outside.md", NOT_ALLOWED)):
        name = write(run, {"lane": "x", "prompt": "y", "supporting_paths": [value]})
        assert "supporting_paths" in run("submit", "--task", name, code=code).why
    assert tree(store) == before


@pytest.mark.parametrize(
    "content",
    [
        "hunter2: hunter2\n",
        "x: *hunter2\n",
        "!hunter2 x\n",
        "hunter2\n",
        "x: &hunter2 1\ny: &hunter2 2\n",
        '"hunter2',
        "- hunter2",
    ],
)
def test_of_a_file_that_is_no_task_file_nothing_is_shown(run: Command, content: str) -> None:
    (run.folder / "file").write_text(content)
    refused = run("submit", "--lane", "default", "--task", "file", code=BAD_DATA)
    assert b"hunter2" not in refused.err + refused.out and "file" in refused.why
