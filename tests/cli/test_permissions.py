"""What this user may not read or write is one thing for every command: exit code 6, one line, nothing changed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.process import NOT_ALLOWED, PROGRAM, Command

DROP_CAPABILITY, MAY_OVERRIDE, MAY_SEARCH = 24, 1, 2  # prctl(2), capabilities(7): modes count for root, too
OF_ONE = (
    ["status", "ID"],
    ["show", "ID"],
    ["show", "ID", "--input"],
    ["wait", "ID", "--timeout", "0"],
    ["claim", "ID"],
    ["renew", "ID", "--claim-token", "x"],
    ["release", "ID", "--claim-token", "x"],
    ["event", "ID"],
    ["respond", "ID", "--body", "x"],
)
OF_ALL = (
    ["list"],
    ["status", "--all"],
    ["export"],
    ["claim", "--lane", "default"],
    ["submit", "--lane", "default", "--prompt", "x"],
)


def obey_modes() -> None:
    libc = ctypes.CDLL(None)
    for capability in (MAY_OVERRIDE, MAY_SEARCH):
        libc.prctl(DROP_CAPABILITY, capability, 0, 0, 0)


@pytest.fixture
def task_id(run: Command) -> str:
    return run("submit", "--lane", "default", "request.md").line


@pytest.fixture
def closed(run: Command) -> Iterator[list[tuple[Path, int]]]:
    """Paths whose modes are put back."""
    changed: list[tuple[Path, int]] = []
    yield changed
    for path, mode in reversed(changed):
        path.chmod(mode)


def refused(run: Command, words: list[str], task_id: str) -> str:
    done = subprocess.run(
        [PROGRAM, *(task_id if word == "ID" else word for word in words)],
        cwd=run.folder,
        env=run.environment(),
        capture_output=True,
        text=True,
        preexec_fn=obey_modes,
        timeout=120,
    )
    assert done.returncode == NOT_ALLOWED, (words, done.returncode, done.stdout, done.stderr)
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("agent-lanes: "), done.stderr
    return done.stderr


def shut(closed: list[tuple[Path, int]], path: Path, mode: int = 0) -> None:
    closed.append((path, path.stat().st_mode & 0o7777))
    path.chmod(mode)


@pytest.mark.parametrize("what", ["", "tasks"])
def test_a_store_that_may_not_be_read(
    run: Command, store: Path, task_id: str, closed: list[tuple[Path, int]], what: str
) -> None:
    shut(closed, store / what)
    for words in (*OF_ONE, *(OF_ALL if not what else OF_ALL[:3])):
        assert "Permission denied" in refused(run, words, task_id)


@pytest.mark.parametrize("what", [".", "task.json"])
def test_a_task_that_may_not_be_read(
    run: Command, store: Path, task_id: str, closed: list[tuple[Path, int]], what: str
) -> None:
    other = run("submit", "--lane", "default", "request.md").line
    shut(closed, store / "tasks" / task_id / what)
    for words in OF_ONE:
        if what == "." or words[0] != "wait":  # a wait looks at the answer alone
            assert task_id in refused(run, words, task_id)
    if os.geteuid() != 0:  # the harness's own calls may read everything as root
        assert [task["id"] for task in run("list").json["tasks"]] == [other]


@pytest.mark.parametrize(
    ("what", "mode", "calls"),
    [
        ("gate", 0o000, ["claim", "submit", "respond", "event"]),
        ("tmp", 0o500, ["claim", "submit", "respond"]),
        ("ready", 0o000, ["submit"]),
        ("tasks", 0o500, ["submit"]),
    ],
)
def test_a_store_that_may_not_be_written(
    run: Command, store: Path, task_id: str, closed: list[tuple[Path, int]], what: str, mode: int, calls: list[str]
) -> None:
    shut(closed, store / what, mode)
    for words in (*OF_ONE, *OF_ALL):
        if (words[0] in calls and "--lane" not in words[1:2]) or (words[0] == "submit" and "submit" in calls):
            assert "Permission denied" in refused(run, words, task_id)


@pytest.mark.parametrize("what", ["handoff/handoff.yaml", "handoff"])
def test_a_config_that_may_not_be_read_is_not_one_that_does_not_exist(
    run: Command, task_id: str, closed: list[tuple[Path, int]], what: str
) -> None:
    shut(closed, run.folder / what)
    for words in (
        ["list"],
        ["submit", "--lane", "default", "--prompt", "x"],
        ["list", "--config", "handoff/handoff.yaml"],
    ):
        assert "config file cannot be read" in refused(run, words, task_id)


def test_a_request_and_a_place_for_the_answer_that_this_user_has_no_part_in(
    run: Command, task_id: str, closed: list[tuple[Path, int]]
) -> None:
    (run.folder / "out").mkdir()
    id = run("submit", "--lane", "default", "request.md", "--response-to", "out/answer.md").line
    run("respond", id, "--body", "fine")
    shut(closed, run.folder / "out", 0o500)
    assert "the answer is safe in the store" in refused(run, ["wait", "ID"], id)
    shut(closed, run.folder / "request.md")
    for words in (["submit", "--lane", "default", "request.md"], ["respond", "ID", "--file", "request.md"]):
        assert "Permission denied" in refused(run, words, task_id)
