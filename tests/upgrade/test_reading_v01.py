"""Before anything has changed it, a store of v0.1 is read as it stands: all of it, and without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from upgrade.old_store import BODY, EDITED, V01_FIELDS, OldStore, tree

STATES = {
    "first": "queued",
    "codex": "queued",
    "claude": "queued",
    "review": "queued",
    "last": "queued",
    "held": "claimed",
    "run_out": "claimed",
    "released": "queued",
    "completed": "completed",
    "failed": "failed",
    "fallback": "completed",
    "checkpoint": "queued",
    "bare": "queued",
    "answer_lost": "failed",
    "half_answered": "completed",
}


def test_list_shows_every_field_of_every_task_as_v01_showed_it(old_store: OldStore, store: Path) -> None:
    tasks = old_store.program(store).json("list")["tasks"]
    assert [task["id"] for task in tasks] == sorted(old_store.ids.values())
    edited = {old_store.ids[nickname] for nickname in EDITED}
    for task in tasks:
        if task["id"] not in edited:
            was = old_store.listed[task["id"]]
            if task["id"] == old_store.ids["released"]:
                was = was | {"updated_at": was["created_at"]}  # its claim is gone, and when it went with it
            assert {key: task[key] for key in V01_FIELDS} == {key: was[key] for key in V01_FIELDS}


@pytest.mark.parametrize("nickname", STATES)
def test_status_tells_the_state_of_each_kind_of_record(old_store: OldStore, store: Path, nickname: str) -> None:
    task = old_store.program(store).json("status", old_store.ids[nickname])["task"]
    assert task["state"] == STATES[nickname]
    assert task["lease_expired"] is (nickname == "run_out")


def test_status_of_all_counts_every_task(old_store: OldStore, store: Path) -> None:
    shown = old_store.program(store).json("status", "--all")
    counts = {state: list(STATES.values()).count(state) for state in ("queued", "claimed", "completed", "failed")}
    assert {key: shown["summary"][key] for key in counts} == counts
    assert shown["summary"]["stale_claims"] == 1
    assert shown["count"] == len(STATES)


def test_active_only_leaves_out_what_is_finished(old_store: OldStore, store: Path) -> None:
    tasks = old_store.program(store).json("list", "--active-only")["tasks"]
    active = sorted(old_store.ids[name] for name, state in STATES.items() if state in ("queued", "claimed"))
    assert [task["id"] for task in tasks] == active


def test_older_records_are_read_with_what_their_time_meant(old_store: OldStore, store: Path) -> None:
    program, ids = old_store.program(store), old_store.ids
    assert program.json("status", ids["checkpoint"])["task"]["correlation_id"] == "default"
    assert program.json("status", ids["bare"])["task"]["metadata"] == {}
    assert "response.json is missing" in program.json("status", ids["answer_lost"])["task"]["failure_reason"]


def test_show_tells_the_story_of_a_finished_task(old_store: OldStore, store: Path) -> None:
    page = old_store.program(store).run("show", old_store.ids["completed"])
    for part in ("created", "claimed", "headless_started", "response", "needs-revision", "Please read docs/spec.md."):
        assert part in page


@pytest.mark.parametrize(("nickname", "code"), [("completed", 0), ("fallback", 0), ("half_answered", 0), ("failed", 8)])
def test_wait_gives_the_answer_byte_for_byte(old_store: OldStore, store: Path, nickname: str, code: int) -> None:
    found = old_store.program(store).json("wait", old_store.ids[nickname], "--timeout", "0", code=code)
    assert found["response"]["body"] == BODY
    assert (old_store.workspace / "out" / f"{nickname}.md").read_bytes() == BODY.encode()


def test_wait_on_a_lane_names_the_oldest_task_at_once(old_store: OldStore, store: Path) -> None:
    program, ids = old_store.program(store), old_store.ids
    assert program.json("wait", "--lane", "default", "--timeout", "0")["task"]["id"] == ids["first"]
    assert program.json("next", "--lane", "review", "--timeout", "0")["task"]["id"] == ids["review"]
    found = program.json("wait", "--lane", "default", "--vendor", "codex", "--timeout", "0")
    assert found["task"]["id"] == ids["first"]


def test_an_idle_lane_is_told_from_one_that_never_had_a_task(old_store: OldStore, store: Path) -> None:
    program = old_store.program(store)
    assert program.json("wait", "--lane", "finished only", "--timeout", "0")["reason"] == "no_queued_task"
    assert program.json("wait", "--lane", "no such lane", "--timeout", "0")["reason"] == "no_task_submitted"


def test_reading_changes_nothing(old_store: OldStore, store: Path) -> None:
    program, before = old_store.program(store), tree(store)
    program.run("where")
    program.run("list")
    program.run("list", "--lane", "default", "--active-only")
    program.run("status", "--all")
    for nickname, id in old_store.ids.items():
        program.run("status", id)
        program.run("show", id)
        finished = STATES[nickname] in ("completed", "failed")
        code = {"completed": 0, "failed": 8}.get(STATES[nickname], 2)
        program.run("wait", id, "--timeout", "0" if finished else "0.2", "--heartbeat-seconds", "0.05", code=code)
    for lane in ("default", "review", "finished only", "no such lane"):
        program.run("wait", "--lane", lane, "--timeout", "0.2")
    program.run("show", "no-such-task", code=5)
    assert tree(store) == before
