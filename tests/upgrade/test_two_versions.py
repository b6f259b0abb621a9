"""What happens where somebody goes on using 0.1.1 on a store that was upgraded: it is kept out, and told by what.

Where somebody removed what keeps it out, nothing of ours breaks.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from upgrade.old_store import BODY, V01_FIELDS, OldStore, Program


@pytest.mark.parametrize("made", ["by an upgrade", "new"])
def test_commands_of_v01_end_with_an_error_that_names_the_folder_in_their_way(empty_store: OldStore, made: str) -> None:
    program = empty_store.program(empty_store.store)
    if made == "by an upgrade":
        program.run("event", empty_store.submit("before"), "--message", "upgraded")
    else:
        program.run("submit", "--lane", "default", "--prompt", "p")
    before, old = contents(empty_store.store), empty_store.old
    for words in (
        ("submit", "--lane", "default", "--request-from", "request.md", "--response-to", "out/late.md"),
        ("list",),
        ("status", "--all"),
        ("wait", "--lane", "default", "--timeout", "0"),
    ):
        done = subprocess.run([*old.words, *words], cwd=old.folder, env=old.environment, capture_output=True, text=True)
        assert done.returncode != 0
        assert str(empty_store.store / "lock") in done.stderr
    assert contents(empty_store.store) == before
    assert "format 2" in (empty_store.store / "lock" / "NOTE.txt").read_text()


def test_what_v01_added_where_nothing_kept_it_out_is_told_by_doctor_and_taken_in(empty_store: OldStore) -> None:
    program = empty_store.program(empty_store.store)
    program.run("event", empty_store.submit("before"), "--message", "upgraded")
    shutil.rmtree(empty_store.store / "lock")
    late = empty_store.submit("late", lane="late")
    found = {finding["code"] for finding in program.json("doctor", code=1)["findings"]}
    assert {"format_of_v01", "hint_missing"} <= found
    subprocess.run([*program.words, "doctor", "--repair"], cwd=program.folder, env=program.environment, check=False)
    assert program.json("claim", "--lane", "late")["task_id"] == late
    assert (empty_store.store / "lock").is_dir()


def test_a_store_of_v01_is_told_by_doctor(empty_store: OldStore) -> None:
    empty_store.submit("before")
    [finding] = [
        finding
        for finding in empty_store.program(empty_store.store).json("doctor", code=1)["findings"]
        if finding["code"] == "format_of_v01"
    ]
    assert (finding["level"], finding["message"]) == ("warning", "this store was written by agent-lanes 0.1")


def test_a_task_that_v01_adds_to_an_upgraded_store_is_shown_and_can_be_done(empty_store: OldStore) -> None:
    first = empty_store.submit("before")
    program = empty_store.program(empty_store.store)
    program.run("event", first, "--message", "upgraded")
    shutil.rmtree(empty_store.store / "lock")
    late = empty_store.submit("late", lane="late")
    assert [task["id"] for task in program.json("list")["tasks"]] == [first, late]
    assert program.json("status", late)["task"]["state"] == "queued"
    assert program.json("status", "--all")["count"] == 2
    assert "Please read docs/spec.md." in program.run("show", late)
    token = program.json("claim", late)["claim_token"]
    program.run("respond", late, "--claim-token", token, "--body", BODY)
    assert program.json("wait", late, "--timeout", "0")["response"]["body"] == BODY


def test_a_task_that_v01_adds_waits_on_its_lane_after_the_next_start_of_the_machine(empty_store: OldStore) -> None:
    first = empty_store.submit("before")
    program = empty_store.program(empty_store.store)
    program.run("event", first, "--message", "upgraded")
    shutil.rmtree(empty_store.store / "lock")
    late = empty_store.submit("late", lane="late")
    program.environment["AGENT_LANES_BOOT_ID"] = "the next start"
    assert program.json("wait", "--lane", "late", "--timeout", "0")["task"]["id"] == late
    assert program.json("claim", "--lane", "late")["task_id"] == late


def test_commands_of_v01_cannot_undo_the_upgrade(old_store: OldStore, store: Path) -> None:
    program, ids, tokens = old_store.program(store), old_store.ids, old_store.tokens
    program.run("event", ids["last"], "--message", "upgraded")
    before = _fields(program)
    old = Program(old_store.old.words, old_store.workspace, old_store.home, store)
    for words in (
        ("claim", ids["first"]),
        ("claim", ids["run_out"]),
        ("release", ids["held"], "--claim-token", tokens["held"]),
        ("respond", ids["first"], "--body", "by 0.1.1"),
        ("respond", ids["held"], "--claim-token", tokens["held"], "--body", "by 0.1.1"),
        ("wait", "--lane", "default", "--timeout", "0"),
        ("list",),
    ):
        subprocess.run([*old.words, *words], cwd=old.folder, env=old.environment, capture_output=True, check=False)
    assert _fields(program) == before


def test_the_upgrade_waits_until_a_command_of_v01_has_ended(old_store: OldStore, store: Path) -> None:
    program = old_store.program(store)
    words = [*program.words, "event", old_store.ids["last"], "--message", "after"]
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # what every command of 0.1.1 does while it reads and writes
        upgrading = subprocess.Popen(words, cwd=program.folder, env=program.environment, stdout=subprocess.DEVNULL)
        while not (store / "tmp").exists():  # the first thing that an upgrade makes
            assert upgrading.poll() is None
        assert not (store / "store.json").exists()
        assert "state" in json.loads((store / "tasks" / old_store.ids["first"] / "task.json").read_text())
    assert upgrading.wait(60) == 0
    assert (store / "store.json").exists()


@pytest.mark.slow
def test_a_lock_of_v01_that_never_ends_is_named(old_store: OldStore, store: Path) -> None:
    program = old_store.program(store)
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program.run("event", old_store.ids["last"], "--message", "too early", code=75)
    assert not (store / "store.json").exists()
    assert program.json("list")["count"] == len(old_store.ids)


def contents(store: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


def _fields(program: Program) -> list[list[object]]:
    return [[task[key] for key in (*V01_FIELDS, "epoch")] for task in program.json("list")["tasks"]]
