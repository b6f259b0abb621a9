"""A signal right behind a commit, bodies from pipes, what was answered before, a release made twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cli.process import PROGRAM, USAGE, Command, tree


def needs_strace() -> None:
    """Skipped at home where there is no strace, or it may not trace; fails in CI."""
    found = (
        shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0
    )
    if not found:
        assert not os.environ.get("CI"), "strace is missing"
        pytest.skip("strace is missing")


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
@pytest.mark.parametrize("json", [False, True])
def test_a_signal_right_behind_the_rename_of_a_submit_still_lets_it_print_the_id(
    run: Command, name: str, json: bool
) -> None:
    needs_strace()
    run("submit", "--lane", "default", "request.md")  # so that the rename is the commit, not the making of a store
    words = [PROGRAM, "submit", "--lane", "default", "request.md", *(["--json"] if json else [])]
    hit = ["strace", "-f", "-o", "/dev/null", "-e", f"inject=rename:signal=SIG{name}:when=1", sys.executable]
    ended = subprocess.run([*hit, *words], cwd=run.folder, env=run.environment(), capture_output=True, timeout=120)
    ids = {task["id"] for task in run("list").json["tasks"]}
    assert len(ids) == 2, ended
    assert sum(id.encode() in ended.stdout for id in ids) == 1, ended
    assert ended.returncode != 0, "the signal came through in the end"


def test_an_answer_comes_through_a_fifo(run: Command) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    fifo = run.folder / "answer"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(b"fine\r\n" * 20_000,))
    writer.start()
    run("respond", id, "--file", "answer")
    writer.join()
    assert run("show", id, "--json").json["response"]["body"] == "fine\r\n" * 20_000


def test_an_answer_comes_through_a_process_substitution(run: Command) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    script = f"{PROGRAM} respond {id} --file <(printf 'one\\n'; printf 'two\\n')"
    ended = subprocess.run(["bash", "-c", script], cwd=run.folder, env=run.environment(), timeout=120)
    assert ended.returncode == 0
    assert run("show", id, "--json").json["response"]["body"] == "one\ntwo\n"


def test_a_request_given_twice_is_refused_and_nothing_is_written(run: Command, store: Path) -> None:
    run("submit", "--lane", "default", "request.md")
    before = tree(store)
    why = run("submit", "--lane", "default", "request.md", "--request-from", "-", stdin=b"other", code=USAGE).why
    assert "the request is given twice" in why
    assert tree(store) == before


def test_what_the_parents_of_a_task_were_answered_stands_before_it_oldest_first(run: Command) -> None:
    ids: list[str] = []
    for number in range(4):
        parent = ("--metadata", f"parent_task_id={ids[-1]}") if ids else ()
        ids.append(run("submit", "--lane", "default", "request.md", *parent).line)
        if number != 2:  # this one is still open
            run("respond", ids[-1], "--body", f"answer {number}")
    text = run("show", ids[3], "--input").text
    assert 0 < text.index("answer 0") < text.index("answer 1") < text.index("Please look at this.")
    assert "answer 3" not in text and text.startswith(f"Task {ids[3]} ")
    assert run("show", ids[3], "--input", "--json").json["input"] == text
    assert "earlier" not in run("show", ids[0], "--input").text


@pytest.mark.parametrize("parent", ["20261121T023929158949Z-gone-0123456789ab", "../../etc/passwd", "x y", "self"])
def test_a_parent_that_is_not_there_is_passed_over(run: Command, parent: str) -> None:
    id = run("submit", "--lane", "default", "request.md", "--metadata", f"parent_task_id={parent}").line
    assert "Please look at this." in run("show", id, "--input").text


def test_parents_in_a_circle_are_told_once(run: Command, store: Path) -> None:
    """Nobody can submit a circle; an edited record can hold one."""
    first = run("submit", "--lane", "default", "request.md", "--metadata", "parent_task_id=x").line
    second = run("submit", "--lane", "default", "request.md", "--metadata", f"parent_task_id={first}").line
    record = store / "tasks" / first / "task.json"
    record.write_text(record.read_text().replace('"parent_task_id": "x"', f'"parent_task_id": "{second}"'))
    for id, body in ((first, "one"), (second, "two")):
        run("respond", id, "--body", f"answer {body}")
    assert run("show", first, "--input").text.count("answer two") == 1
    assert "answer one" not in run("show", first, "--input").text
    assert run("show", second, "--input").text.count("answer one") == 1


def test_a_release_made_twice_is_told_and_changes_nothing(run: Command, store: Path) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    token = run("claim", id, "--json").json["claim_token"]
    assert run("release", id, "--claim-token", token, "--json").json["already_done"] is False
    before = tree(store)
    again = run("release", id, "--claim-token", token, "--json")
    assert again.json["already_done"] is True and again.json["status"] == "released"
    assert id in again.said[0] and "confirmed" in again.said[0]
    assert run("release", id, "--claim-token", token).values == {"status": "released", "task_id": id}
    assert tree(store) == before
