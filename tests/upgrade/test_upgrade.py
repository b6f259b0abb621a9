"""The first command that changes a store of v0.1 upgrades it, once; everything that was in it is found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from upgrade.old_store import BODY, EDITED, V01_FIELDS, OldStore, Program, tree

CLAIMABLE = ["first", "codex", "claude", "last", "run_out", "released", "checkpoint", "bare"]  # of lane default


@pytest.fixture
def upgraded(old_store: OldStore, store: Path) -> Program:
    """The program on a store that it has just upgraded."""
    program = old_store.program(store)
    program.run("event", old_store.ids["last"], "--message", "first change")
    return program


def test_a_command_that_changes_one_task_upgrades_every_record(upgraded: Program, store: Path) -> None:
    assert json.loads((store / "store.json").read_text())["format"] == 2
    for folder in (store / "tasks").iterdir():
        record = json.loads((folder / "task.json").read_text())
        assert record["format"] == 2
        assert "state" not in record


def test_every_field_of_every_task_is_what_v01_showed(old_store: OldStore, upgraded: Program) -> None:
    tasks = upgraded.json("list")["tasks"]
    assert [task["id"] for task in tasks] == sorted(old_store.ids.values())
    edited = {old_store.ids[nickname] for nickname in EDITED}
    for task in tasks:
        if task["id"] not in edited:
            was = old_store.listed[task["id"]]
            if task["id"] == old_store.ids["released"]:
                was = was | {"updated_at": was["created_at"]}  # its claim is gone, and when it went with it
            assert {key: task[key] for key in V01_FIELDS} == {key: was[key] for key in V01_FIELDS}


def test_the_upgrade_changes_nothing_that_reading_shows(old_store: OldStore, store: Path) -> None:
    program = old_store.program(store)
    before = program.json("list")["tasks"]
    program.run("event", old_store.ids["last"], "--message", "first change")
    fields = [*V01_FIELDS, "epoch", "lease_expired", "response_exists"]
    after = program.json("list")["tasks"]
    assert [[task[key] for key in fields] for task in after] == [[task[key] for key in fields] for task in before]


def test_answers_are_not_touched(old_store: OldStore, upgraded: Program, store: Path) -> None:
    for nickname in ("completed", "failed", "fallback", "half_answered"):
        place = Path("tasks") / old_store.ids[nickname] / "response.json"
        assert (store / place).read_bytes() == (old_store.store / place).read_bytes()
    answer = upgraded.json("wait", old_store.ids["completed"], "--timeout", "0")["response"]
    assert (answer["body"], answer["verdict"], answer["blocking_count"]) == (BODY, "needs-revision", 2)
    assert upgraded.json("wait", old_store.ids["answer_lost"], "--timeout", "0", code=8)["status"] == "failed"


def test_the_history_goes_on_where_v01_left_it(old_store: OldStore, upgraded: Program, store: Path) -> None:
    for id in old_store.ids.values():
        was = (old_store.store / "tasks" / id / "events.jsonl").read_bytes()
        now = (store / "tasks" / id / "events.jsonl").read_bytes()
        assert now.startswith(was)
        added = [json.loads(line) for line in now[len(was) :].splitlines()]
        assert [event["type"] for event in added[:1]] == ["upgraded"]
        assert [event["number"] for event in added] == [was.count(b"\n") + 1 + index for index in range(len(added))]


def test_the_second_change_upgrades_nothing_again(old_store: OldStore, upgraded: Program, store: Path) -> None:
    before = tree(store)
    upgraded.run("event", old_store.ids["last"], "--message", "second change")
    after = tree(store)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    told = {f"tasks/{old_store.ids['last']}/events.jsonl", "log/current", "log/0000000001.jsonl"}
    assert changed == {str(store / path) for path in told}


def test_tasks_are_claimed_in_the_order_of_their_creation(old_store: OldStore, upgraded: Program) -> None:
    new = upgraded.run("submit", "--lane", "default", "--prompt", "after the upgrade").strip()
    expected = [*(old_store.ids[nickname] for nickname in CLAIMABLE), new]
    claimed = [upgraded.json("claim", "--lane", "default") for _ in range(len(expected) + 1)]
    assert [found.get("task_id") for found in claimed] == [*expected, None]
    assert upgraded.json("claim", "--lane", "review")["task_id"] == old_store.ids["review"]


def test_each_task_has_a_place_of_its_own_in_its_lane(upgraded: Program, old_store: OldStore) -> None:
    """All in one bucket would make a listing of thousands, and places that say nothing."""
    tasks = [task for task in upgraded.json("list")["tasks"] if task["lane"] == "default"]
    assert [task["sequence"] for task in tasks] == list(range(1, len(tasks) + 1))


def test_a_vendor_gets_its_own_and_anybodys_in_order_and_never_anothers(old_store: OldStore, upgraded: Program) -> None:
    expected = [old_store.ids[nickname] for nickname in CLAIMABLE if nickname != "claude"]
    claimed = [upgraded.json("claim", "--lane", "default", "--vendor", "codex") for _ in range(len(expected) + 1)]
    assert [found.get("task_id") for found in claimed] == [*expected, None]


@pytest.mark.parametrize("nickname", ["held", "run_out"])
def test_a_holder_goes_on_with_its_token_of_v01(old_store: OldStore, store: Path, nickname: str) -> None:
    program, id, token = old_store.program(store), old_store.ids[nickname], old_store.tokens[nickname]
    renewed = program.json("renew", id, "--claim-token", token, "--lease-seconds", "600")
    assert renewed["claim_token"] == token
    assert renewed["task"]["state"] == "claimed"
    program.run("respond", id, "--claim-token", token, "--body", BODY, "--reviewer", "old worker")
    assert program.json("wait", id, "--timeout", "0")["response"]["body"] == BODY


def test_a_holder_of_v01_can_release(old_store: OldStore, store: Path) -> None:
    program, id = old_store.program(store), old_store.ids["held"]
    program.run("release", id, "--claim-token", old_store.tokens["held"], "--reason", "going home")
    assert program.json("claim", id, "--owner", "new worker")["task"]["claim_owner"] == "new worker"


def test_nobody_takes_a_task_that_v01_holds(old_store: OldStore, store: Path) -> None:
    program, id = old_store.program(store), old_store.ids["held"]
    program.run("claim", id, code=4)
    program.run("respond", id, "--body", "mine", code=4)
    program.run("renew", id, "--claim-token", "0" * 32, code=4)


def test_a_holder_of_v01_whose_task_was_taken_over_is_refused(old_store: OldStore, store: Path) -> None:
    program, id, token = old_store.program(store), old_store.ids["run_out"], old_store.tokens["run_out"]
    taken = program.json("claim", id, "--owner", "new worker")
    assert taken["task"]["epoch"] == 2
    program.run("renew", id, "--claim-token", token, code=4)
    program.run("respond", id, "--claim-token", token, "--body", "late", code=4)
    program.run("respond", id, "--claim-token", taken["claim_token"], "--body", "in time")


def test_a_lease_of_v01_that_runs_out_after_the_upgrade_is_offered_again(empty_store: OldStore) -> None:
    id = empty_store.submit("held")
    empty_store.claim("held", seconds=2)
    program = empty_store.program(empty_store.store)
    program.run("event", id, "--message", "upgraded while it is held")
    assert program.json("claim", "--lane", "default", "--wait", "60")["task_id"] == id


def test_an_answered_task_accepts_no_second_answer(old_store: OldStore, store: Path) -> None:
    program = old_store.program(store)
    for nickname in ("completed", "failed", "half_answered", "answer_lost"):
        id = old_store.ids[nickname]
        proof = ("--claim-token", old_store.tokens[nickname])
        program.run("respond", id, *proof, "--body", "another", code=4)
        program.run("claim", id, code=4)


def test_a_lease_of_v01_beyond_all_use_does_not_damage_its_task(empty_store: OldStore) -> None:
    id = empty_store.submit("for ever")
    empty_store.claim("for ever", seconds=99_999_999_999)
    program = empty_store.program(empty_store.store)
    program.run("event", id, "--message", "upgraded")
    program.run("release", id, "--claim-token", empty_store.tokens["for ever"])
    assert program.json("claim", "--lane", "default")["task_id"] == id
