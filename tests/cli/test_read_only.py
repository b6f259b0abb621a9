"""Commands that look never create or change anything, and need no right to."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from cli.process import NOT_ALLOWED, TASK_FAILED, TIMED_OUT, Command, tree, without_privileges


@pytest.fixture
def ids(run: Command) -> dict[str, str]:
    """A queue with a task in every state, none of which says where its answer goes."""
    found = {
        name: run("submit", "--lane", "default", "request.md").line for name in ("queued", "claimed", "done", "failed")
    }
    run("claim", found["claimed"])
    run("respond", found["done"], "--body", "fine")
    run("respond", found["failed"], "--status", "failed", "--body", "broken")
    found["parked"] = run("submit", "--lane", "default", "handoff/README.md").line
    readme = run.folder / "handoff" / "README.md"
    readme.write_text(readme.read_text() + "changed\n")
    run("claim", found["parked"], code=4)
    return found


def looks(ids: dict[str, str]) -> list[tuple[list[str], int]]:
    """Every way to look, with the exit code that it has."""
    every = [(["show", task_id], 0) for task_id in ids.values()]
    every += [(["show", task_id, "--input", "--json"], 0) for task_id in ids.values()]
    every += [(["status", task_id], 0) for task_id in ids.values()]
    return [
        *every,
        (["where"], 0),
        (["list"], 0),
        (["list", "--active-only", "--lane", "default"], 0),
        (["status", "--all"], 0),
        (["status", "--all", "--active-only"], 0),
        (["wait", "--lane", "default", "--timeout", "0"], 0),
        (["next", "--lane", "default", "--vendor", "codex", "--timeout", "0.1"], 0),
        (["watch", "--lane", "nothing", "--timeout", "0"], 0),
        (["wait", ids["done"]], 0),
        (["wait", ids["done"], "--json"], 0),
        (["wait", ids["failed"]], TASK_FAILED),
        (["wait", ids["queued"], "--timeout", "0"], TIMED_OUT),
        (["wait", ids["claimed"], "--timeout", "0.1", "--heartbeat-seconds", "0.02"], TIMED_OUT),
    ]


BLOCKED = (["watch", "--lane", "nothing", "--timeout", "0.1"], 0)  # leaves a sign, where it can, while it blocks


@pytest.mark.parametrize("boot", ["", "another-boot"])
def test_looking_changes_nothing(run: Command, ids: dict[str, str], boot: str) -> None:
    for words, code in looks(ids) if not boot else ():
        run(*words, code=code)  # a wait notes once what it told (receipts); nothing, where hints are of another boot
    before = tree(run.folder)
    for words, code in looks(ids):
        run(*words, code=code, env={"AGENT_LANES_BOOT_ID": boot})
        assert tree(run.folder) == before, words


def test_looking_works_on_a_store_that_may_not_be_changed(run: Command, ids: dict[str, str], store: Path) -> None:
    for path in [*store.rglob("*"), store]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        for words, code in (*looks(ids), BLOCKED):
            run(*words, code=code, before=without_privileges)
        before = tree(store)
        for words in (["submit", "--lane", "default", "request.md"], ["claim", ids["queued"]], ["event", ids["done"]]):
            assert "denied" in run(*words, code=NOT_ALLOWED, before=without_privileges).why
            assert tree(store) == before
    finally:
        for path in [store, *store.rglob("*")]:
            path.chmod(0o700)


def test_a_queue_that_may_not_be_read_is_told(run: Command, ids: dict[str, str], store: Path) -> None:
    (store / "tasks" / ids["queued"] / "task.json").chmod(0)
    failed = run("status", ids["queued"], code=None, before=without_privileges)
    assert failed.code in (NOT_ALLOWED, 74, 65) and ids["queued"] in failed.why
    told = run("list", before=without_privileges).json
    assert told["count"] == len(ids) - 1 and len(told["damaged"]) == 1


@pytest.mark.parametrize("state", ["missing", "empty"])
def test_looking_at_a_store_that_is_not_there_yet_makes_none(bare: Command, state: str) -> None:
    (bare.folder / "handoff").mkdir()
    (bare.folder / "handoff" / "handoff.yaml").write_text("workspace_id: new\n")
    if state == "empty":
        (bare.folder / "handoff" / "state").mkdir()
    before = tree(bare.folder)
    unknown = "20261121T000000000000Z-x-0123456789ab"
    for words, code in (
        (["where"], 0),
        (["list"], 0),
        (["list", "--active-only"], 0),
        (["status", "--all"], 0),
        (["status", unknown], 5),
        (["show", unknown], 5),
        (["wait", unknown], 5),
        (["wait", "--lane", "x", "--timeout", "0"], 0),
        (["wait", "--lane", "x", "--timeout", "0.1"], 0),
    ):
        bare(*words, code=code)
        assert tree(bare.folder) == before, words


def test_an_answer_is_read_while_somebody_holds_every_lock(run: Command, ids: dict[str, str], store: Path) -> None:
    descriptors = [os.open(path, os.O_RDONLY) for path in (store / "gate", *(store / "tasks").iterdir())]
    try:
        for descriptor in descriptors:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for words, code in (*looks(ids), BLOCKED):
            run(*words, code=code)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
