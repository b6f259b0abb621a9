"""Each exit code, reached by a real call; and what a full or closed stdout, a full disk, a lock, a signal do.

Code 1 is for what nobody foresaw and has no call; 3 and 7 are reserved.
"""

from __future__ import annotations

import fcntl
import functools
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.process import (
    BAD_DATA,
    BUSY,
    DONE,
    INTERRUPTED,
    IO_ERROR,
    NOT_ALLOWED,
    NOT_FOUND,
    REFUSED,
    TASK_FAILED,
    TIMED_OUT,
    UNCONFIRMED,
    USAGE,
    Command,
    tree,
)

FULL = "/dev/full"


@pytest.fixture
def task_id(run: Command) -> str:
    return run("submit", "--lane", "default", "request.md").line


def test_the_table(run: Command, task_id: str) -> None:
    failed = run("submit", "--lane", "other", "--prompt", "x").line
    run("respond", failed, "--status", "failed", "--body", "x")
    (run.folder / "bad.yaml").write_text("lane: [")
    for code, words in (
        (DONE, ["list"]),
        (TIMED_OUT, ["wait", task_id, "--timeout", "0"]),
        (REFUSED, ["renew", task_id, "--claim-token", "x"]),
        (NOT_FOUND, ["status", "nope"]),
        (NOT_ALLOWED, ["submit", "--lane", "x", "/etc/passwd"]),
        (TASK_FAILED, ["wait", failed]),
        (USAGE, ["claim"]),
        (BAD_DATA, ["submit", "--task", "bad.yaml"]),
        (IO_ERROR, ["list", "--store", "/dev/null"]),
    ):
        run(*words, code=code)
        told = run(*words, "--json", code=code).json
        assert code in (DONE, TASK_FAILED) or told["status"] == "error"


def test_a_full_stdout_is_74_for_a_look_and_76_for_a_change(run: Command, task_id: str, store: Path) -> None:
    with open(FULL, "wb") as full:
        for words in (["list"], ["status", task_id], ["where"], ["--help"], ["list", "--json"]):
            assert "No space left" in run(*words, code=IO_ERROR, stdout=full).why
        before = run("list").json["count"]
        told = run("submit", "--lane", "default", "request.md", code=UNCONFIRMED, stdout=full)
        assert "done" in told.why and "agent-lanes" in told.why  # how to confirm
        assert run("list").json["count"] == before + 1
        token = run("claim", task_id, "--json").json["claim_token"]
        answer = ("respond", task_id, "--claim-token", token, "--body", "x")
        run(*answer, code=UNCONFIRMED, stdout=full)
    assert "already" in run(*answer).err.decode()


@pytest.mark.parametrize(
    "words",
    [
        ["setup", "--dry-run", "--claude"],
        ["setup", "--claude"],
        ["setup", "--check"],
        ["dead", "list", "--json"],
        ["doctor"],
        ["archive", "--dry-run"],
        ["prune", "--older-than", "1d", "--dry-run"],
    ],
)
def test_a_call_that_changes_nothing_is_not_called_done(run: Command, words: list[str]) -> None:
    with open(FULL, "wb") as full:
        assert "done" not in run(*words, code=IO_ERROR, stdout=full).why
        assert "done" in run("archive", code=UNCONFIRMED, stdout=full).why


def test_a_claim_whose_token_nobody_could_read_is_given_back(run: Command, task_id: str) -> None:
    with open(FULL, "wb") as full:
        for words in ([task_id], ["--lane", "default"], ["--lane", "default", "--wait", "5", "--json"]):
            assert task_id in run("claim", *words, code=BUSY, stdout=full).why
            assert run("status", task_id).json["task"]["state"] == "queued"
    assert run("claim", "--lane", "default").values["task_id"] == task_id


@pytest.mark.parametrize(("words", "code"), [(["list"], IO_ERROR), (["submit", "--prompt", "x"], UNCONFIRMED)])
def test_a_closed_stdout_is_told(run: Command, words: list[str], code: int) -> None:
    told = run(*words, "--lane", "default", code=code, before=lambda: os.close(1))
    assert "stdout" in told.why and "closed" in told.why


def test_a_reader_that_went_away_is_no_news(run: Command, task_id: str) -> None:
    plain = Command(run.folder, run.home, checks=False)
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as gone:
        result = plain("list", code=IO_ERROR, stdout=gone)
        assert result.err == b""
        assert "76" not in run("submit", "--lane", "x", "--prompt", "y", code=UNCONFIRMED, stdout=gone).why
    ended = subprocess.run(
        f"'{run.program}' list | head -c 1", shell=True, cwd=run.folder, env=run.environment(), capture_output=True
    )
    assert ended.stdout == b"{" and ended.stderr == b""


def test_a_closed_stdin_is_told(run: Command, store: Path) -> None:
    before = tree(store)
    told = run("submit", "--lane", "x", "-", code=IO_ERROR, before=lambda: os.close(0))
    assert "request" in told.why and tree(store) == before


def test_with_stderr_closed_a_warning_lands_in_no_file_of_the_store(run: Command, store: Path) -> None:
    run("submit", "--lane", "x", "--prompt", "y", "--task-id", "c")
    index = store / "indexes" / "correlations" / "project--c.json"
    index.unlink()
    index.mkdir()  # so that the next submit has something to warn of
    before = {path: path.read_bytes() for path in (store / "gate", store / "store.json")}
    words = ("submit", "--lane", "x", "--prompt", "y", "--task-id", "c")
    assert "warning" in run(*words).err.decode()
    task_id = run(*words, before=lambda: os.close(2)).line
    assert {path: path.read_bytes() for path in before} == before
    assert run("show", task_id, "--json").json["events"][0]["type"] == "created"


def test_a_file_size_limit_is_74_and_nothing_is_left(run: Command, task_id: str, store: Path) -> None:
    before = {name: content for name, content in tree(store).items() if "tmp" not in name and "ready" not in name}

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    for words in (["submit", "--lane", "default", "-"], ["respond", task_id]):
        told = run(*words, stdin=b"x" * 5000, code=IO_ERROR, before=limit)
        assert "File too large" in told.why
        assert os.listdir(store / "tmp") == []
    after = {name: content for name, content in tree(store).items() if "tmp" not in name and "ready" not in name}
    assert after == before
    assert run("list").json["count"] == 1 and run("claim", "--lane", "default").values["task_id"] == task_id


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; where nobody may mount one, the test has nothing to stand on."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_74_and_nothing_is_lost(bare: Command, small_disk: Path) -> None:
    words = ("--store", str(small_disk / "store"))
    first = bare("submit", "--lane", "default", "-", *words, stdin=b"small").line
    told = bare("submit", "--lane", "default", "-", *words, stdin=b"x" * 400_000, code=IO_ERROR)
    assert "free some space" in told.why
    told = bare("respond", first, *words, stdin=b"x" * 400_000, code=IO_ERROR)
    assert "free some space" in told.why
    assert os.listdir(small_disk / "store" / "tmp") == []
    assert [task["state"] for task in bare("list", *words).json["tasks"]] == ["queued"]
    bare("respond", first, *words, stdin=b"short")
    assert bare("wait", first, *words).out == b"short"


def test_too_many_open_files_are_74_and_nothing_is_left(run: Command, store: Path) -> None:
    codes = []
    for most in range(4, 9):
        limit = functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (most, most))
        if subprocess.run([sys.executable, "-c", "pass"], preexec_fn=limit, capture_output=True).returncode != 0:
            continue  # not even Python starts with so few
        task_id = run("submit", "--lane", "default", "request.md").line
        told = run("claim", task_id, code=None, before=limit)
        codes.append(told.code)
        if told.code == IO_ERROR:
            assert "open files" in told.why
            run("claim", task_id)
    assert IO_ERROR in codes and set(codes) <= {DONE, IO_ERROR}
    assert os.listdir(store / "tmp") == []


@pytest.mark.slow
def test_a_task_that_somebody_holds_is_busy_after_ten_seconds(run: Command, task_id: str, store: Path) -> None:
    token = run("claim", task_id, "--json").json["claim_token"]
    other = run("submit", "--lane", "default", "--prompt", "x").line
    calls = (
        ["renew", task_id, "--claim-token", token],
        ["release", task_id, "--claim-token", token, "--json"],
        ["event", task_id],
        ["respond", task_id, "--claim-token", token, "--body", "x"],
    )
    folder = os.open(store / "tasks" / task_id, os.O_RDONLY | os.O_DIRECTORY)
    running = []
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        running = [run.start(*words) for words in calls]
        assert run("claim", "--lane", "default", "--json").json["task_id"] == other  # goes on at once
        for call in running:
            told = call.end(BUSY)
            assert task_id in told.why and f"process {os.getpid()}" in told.why
            if "--json" in told.words:
                assert told.json["retryable"] is True
    finally:
        os.close(folder)
        for call in running:
            with call:
                pass
    assert run("status", task_id).json["task"]["last_event"]["type"] == "claimed"
    assert os.listdir(store / "tmp") == []
    run("renew", task_id, "--claim-token", token)


def test_ctrl_c_while_blocked_is_130_with_one_line(run: Command, task_id: str, store: Path) -> None:
    before = tree(store)
    with run.start("wait", task_id, "--json", "--heartbeat-seconds", "0.05") as wait:
        wait.line("state=queued")
        wait.interrupt()
        assert wait.end(INTERRUPTED).json["code"] == "interrupted"
    assert tree(store) == before
