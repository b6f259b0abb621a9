"""submit --unique-key and --depends-on key:K, as people and scripts meet them."""

from __future__ import annotations

import json
import subprocess

from cli.process import BAD_DATA, NOT_FOUND, REFUSED, USAGE, Command

SUBMIT = ("submit", "--lane", "default", "request.md")


def test_the_open_task_is_printed_again_and_stderr_says_so(run: Command) -> None:
    id = run(*SUBMIT, "--unique-key", "nightly").line
    again = run(*SUBMIT, "--unique-key", "nightly", "--prompt", "another")
    assert again.line == id and id in again.said[0] and "nothing was submitted" in again.said[0]
    assert run(*SUBMIT, "--unique-key", "nightly", "--json").json["already_done"] is True
    run("respond", id, "--body", "done")
    assert run(*SUBMIT, "--unique-key", "nightly").line != id
    assert run("list").json["count"] == 2


def test_if_it_is_to_be_refused_the_open_task_is_named(run: Command) -> None:
    id = run(*SUBMIT, "--unique-key", "nightly").line
    refused = run(*SUBMIT, "--unique-key", "nightly", "--if-exists", "refuse", "--json", code=REFUSED)
    assert id in refused.json["message"]
    assert run("list").json["count"] == 1


def test_wrong_keys_and_choices_are_refused_by_name(run: Command) -> None:
    assert "--unique-key" in run(*SUBMIT, "--unique-key", " ", code=USAGE).why
    assert "--if-exists" in run(*SUBMIT, "--if-exists", "refuse", code=USAGE).why
    assert "--if-exists" in run(*SUBMIT, "--unique-key", "k", "--if-exists", "maybe", code=USAGE).why
    (run.folder / "t.yaml").write_text("lane: default\nprompt: x\nunique_key: k\nif_exists: maybe\n")
    assert "if_exists" in run("submit", "--task", "t.yaml", code=None).why
    assert "--depends-on" in run(*SUBMIT, "--depends-on", "key:", code=USAGE).why
    assert "'nobody'" in run(*SUBMIT, "--depends-on", "key:nobody", code=NOT_FOUND).why
    assert run("list").json["count"] == 0


def test_task_files_and_lines_say_the_same(run: Command) -> None:
    first = run(*SUBMIT, "--idempotency-key", "build").line
    task = {"lane": "later", "prompt": "x", "unique_key": "k", "depends_on": ["key:build"]}
    (run.folder / "t.json").write_text(json.dumps(task))
    id = run("submit", "--task", "t.json").line
    assert run("status", id).json["task"]["depends_on"] == [first]
    lines = [json.dumps(task), json.dumps({**task, "if_exists": "refuse"}), json.dumps({**task, "lane": "other"})]
    loose = Command(run.folder, run.home, checks=False)
    told = loose("submit", "--many", "-", stdin="\n".join(lines).encode(), code=BAD_DATA)
    one, two, three = told.text.split()
    assert (one, two) == (id, "-") and three not in (id, "-")
    assert any(id in said for said in told.said)


def test_of_many_processes_at_once_one_submits(run: Command) -> None:
    words = [run.program, *SUBMIT, "--unique-key", "k", "--json"]
    started = [
        subprocess.Popen(words, cwd=run.folder, env=run.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    assert len({one["task_id"] for one in told}) == 1
    assert sorted(one["already_done"] for one in told) == [False] + [True] * 7
