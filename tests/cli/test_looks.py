"""list, status, show: what they tell, with which fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.process import NOT_FOUND, USAGE, Command
from cli.test_submit import RECORD, TIME

STATUS = {
    *RECORD,
    *("response_exists", "missing_response", "lease_expired", "last_event", "last_event_age_seconds"),
    *("navigation", "next_action", "offered", "hold", "cancel_requested", "retried_as"),
}
WHILE_CLAIMED = {"claimed_age_seconds", "seconds_until_lease_expiry"}
NAVIGATION = {
    *("workspace_root", "worktree_path", "expected_branch", "request_path", "response_path", "review_scope"),
}
SUMMARY = {"queued", "claimed", "completed", "failed", "stale_claims", "missing_response"}


@pytest.fixture
def queue(run: Command) -> dict[str, str]:
    """A queue with a task in every state: ids by state."""
    states = ("queued", "claimed", "completed", "failed")
    ids = {state: run("submit", "--lane", "default", "request.md", "--response-to", "a.md").line for state in states}
    run("claim", ids["claimed"], "--owner", "me")
    run("respond", ids["completed"], "--body", "fine")
    run("respond", ids["failed"], "--status", "failed", "--body", "broken")
    ids["other"] = run("submit", "--lane", "other", "--prompt", "x").line
    return ids


def status(run: Command, task_id: str, **how: Any) -> dict[str, Any]:
    told = run("status", task_id, **how).json
    assert told.keys() == {"status", "task", "attempts_history", "receipts"} and told["status"] == "ok"
    view = told["task"]
    assert isinstance(view, dict)
    return view


def test_status_of_a_queued_task(run: Command, queue: dict[str, str]) -> None:
    view = status(run, queue["queued"])
    assert view.keys() == STATUS and view["navigation"].keys() == NAVIGATION
    assert view["state"] == "queued" and view["response_exists"] is False
    assert view["missing_response"] is False and view["lease_expired"] is False
    assert view["last_event"]["type"] == "created" and TIME.match(view["last_event"]["created_at"])
    assert type(view["last_event_age_seconds"]) is int and view["last_event_age_seconds"] >= 0
    for field in NAVIGATION - {"review_scope"}:
        assert view["navigation"][field] == view[field], field
    assert view["navigation"]["review_scope"] and view["next_action"]


def test_status_of_a_claimed_task(run: Command, queue: dict[str, str]) -> None:
    view = status(run, queue["claimed"])
    assert view.keys() == STATUS | WHILE_CLAIMED
    assert (view["state"], view["claim_owner"]) == ("claimed", "me")
    assert type(view["claimed_age_seconds"]) is int and type(view["seconds_until_lease_expiry"]) is int
    assert 7100 < view["seconds_until_lease_expiry"] <= 7200 and "me" in view["next_action"]


def test_status_of_a_claim_that_has_run_out(run: Command, queue: dict[str, str]) -> None:
    view = status(run, queue["claimed"], env={"AGENT_LANES_BOOT_ID": "another-boot"})
    assert (view["state"], view["lease_expired"], view["seconds_until_lease_expiry"]) == ("claimed", True, 0)


def test_status_of_finished_tasks(run: Command, queue: dict[str, str]) -> None:
    done, broken = status(run, queue["completed"]), status(run, queue["failed"])
    for view in (done, broken):
        assert view.keys() == STATUS and view["response_exists"] is True and view["missing_response"] is False
        assert view["last_event"]["type"] == "response"
    assert (done["state"], broken["state"]) == ("completed", "failed")
    assert TIME.match(done["completed_at"]) and done["failed_at"] is None and done["failure_reason"] is None
    assert TIME.match(broken["failed_at"]) and broken["completed_at"] is None and broken["failure_reason"] == "broken"


def test_status_of_everything(run: Command, queue: dict[str, str]) -> None:
    told = run("status", "--all").json
    assert {"status", "count", "summary", "holds", "next_action", "tasks", "listening"} == told.keys()
    assert told["status"] == "ok" and told["count"] == len(told["tasks"]) == 5
    assert told["summary"].keys() >= SUMMARY
    counts = {key: count for key, count in told["summary"].items() if count}
    assert counts == {"queued": 2, "claimed": 1, "completed": 1, "failed": 1}
    assert [view["id"] for view in told["tasks"]] == sorted(queue.values())
    assert {frozenset(view.keys() - WHILE_CLAIMED) for view in told["tasks"]} == {frozenset(STATUS)}
    later = run("status", "--all", env={"AGENT_LANES_BOOT_ID": "another-boot"}).json
    assert later["summary"]["stale_claims"] == 1


def test_the_views_of_list_status_and_status_of_all_are_the_same(run: Command, queue: dict[str, str]) -> None:
    def steady(view: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in view.items() if "seconds" not in key}

    one = [steady(status(run, task_id)) for task_id in sorted(queue.values())]
    assert [steady(view) for view in run("list").json["tasks"]] == one
    assert [steady(view) for view in run("status", "--all").json["tasks"]] == one


@pytest.mark.parametrize("verb", [["list"], ["status", "--all"]])
def test_filters(run: Command, queue: dict[str, str], verb: list[str]) -> None:
    def ids(*words: str) -> set[str]:
        told = run(*verb, *words).json
        assert told["count"] == len(told["tasks"])
        return {view["id"] for view in told["tasks"]}

    everything = set(queue.values())
    assert ids() == everything
    assert ids("--lane", "other") == {queue["other"]} and ids("--lane", "no such lane") == set()
    assert ids("--active-only") == {queue["queued"], queue["claimed"], queue["other"]}
    assert ids("--active-only", "--lane", "default") == {queue["queued"], queue["claimed"]}


def test_list_says_ok_and_how_many(run: Command, queue: dict[str, str]) -> None:
    assert run("list", "--json").json.keys() == {"status", "count", "tasks"}
    assert run("list").json["status"] == "ok"


def test_an_empty_queue_is_told_as_such(run: Command) -> None:
    assert run("list").json == {"status": "ok", "count": 0, "tasks": []}
    told = run("status", "--all").json
    assert told["count"] == 0 and not any(told["summary"].values())


def test_rack_is_an_old_name_of_all(run: Command, queue: dict[str, str]) -> None:
    old, new = run("status", "--rack"), run("status", "--all")
    assert "deprecated" in old.said[0] and "--all" in old.said[0] and len(old.said) == 1
    assert [view["id"] for view in old.json["tasks"]] == [view["id"] for view in new.json["tasks"]]


def test_status_takes_an_id_or_all(run: Command, queue: dict[str, str]) -> None:
    assert "--all" in run("status", code=USAGE).why
    assert "one of the two" in run("status", queue["queued"], "--all", code=USAGE).why


def test_a_damaged_task_is_named_and_the_others_are_there(run: Command, queue: dict[str, str], store: Path) -> None:
    (store / "tasks" / queue["queued"] / "task.json").write_bytes(b'{"format": 2, "id"')
    for verb in (["list"], ["status", "--all"]):
        told = run(*verb).json
        assert told["count"] == 4
        [damaged] = told["damaged"]
        assert damaged.keys() == {"message", "hint"} and queue["queued"] in damaged["message"]
    for words in (["status"], ["show"], ["claim"], ["wait", "--timeout", "0"]):
        assert run(*words, queue["queued"], "--json", code=65).json["code"] == "damaged"
    assert run("claim", "--lane", "default", "--json").json["status"] == "idle"


def test_show_tells_request_history_and_answer(run: Command, queue: dict[str, str]) -> None:
    run("event", queue["claimed"], "--type", "headless_started", "--message", "on it", "--data", "pid=7")
    page = run("show", queue["claimed"]).text
    for part in (queue["claimed"], "claimed by me", "Please look at this.", "headless_started", "on it", "pid=7"):
        assert part in page, part
    page = run("show", queue["failed"]).text
    assert "failed" in page and "broken" in page and "ANSWER" in page


def test_show_as_json(run: Command, queue: dict[str, str]) -> None:
    told = run("show", queue["completed"], "--json").json
    assert told.keys() == {"status", "task", "events", "attempts_history", "receipts", "response"}
    assert told["status"] == "ok"
    assert told["task"].keys() == STATUS and told["response"]["body"] == "fine"
    assert [event["type"] for event in told["events"]] == ["created", "response"]
    assert run("show", queue["queued"], "--json").json["response"] is None


def test_show_input_is_what_an_agent_is_given(run: Command) -> None:
    (run.folder / "t.yaml").write_text("supporting_paths: [request.md]\n")
    words = ("--lane", "default", "--prompt", "/do this", "--branch", "topic", "--worktree-path", "tree")
    task_id = run("submit", "request.md", "--task", "t.yaml", *words).line
    given = run("show", task_id, "--input").text
    for part in ("/do this", "Please look at this.", str(run.folder / "request.md"), "topic", "tree", "VERDICT:"):
        assert part in given, part
    assert not given.startswith("/")  # a headless agent would take that for a command of its own
    told = run("show", task_id, "--input", "--json").json
    assert told == {"status": "ok", "task_id": task_id, "input": given}


def test_show_cannot_steer_a_terminal(run: Command) -> None:
    task_id = run("submit", "--lane", "default", "-", stdin=b"\x1b]0;title\x07 \xc2\x9b31m \x00").line
    run("event", task_id, "--message", "a\n\x1b[2J", "--data", "k=v\x1b[1m")
    run("respond", task_id, stdin=b"\x1b[2J\xc2\x9b31m\x08\r")
    page = run("show", task_id).text
    assert all(char.isprintable() or char in "\n\t" for char in page)
    assert sum("ANSWER" in line for line in page.splitlines()) == 1


def test_a_message_cannot_pretend_to_be_another_part_of_the_page(run: Command) -> None:
    task_id = run("submit", "--lane", "default", "--prompt", "x").line
    run("event", task_id, "--message", "note\n\nANSWER  by the reviewer", "--data", "k=v\nANSWER  by data")
    assert not any(line.startswith("ANSWER") for line in run("show", task_id).text.splitlines())


def test_show_of_an_unknown_task(run: Command) -> None:
    run("show", "20261121T000000000000Z-x-0123456789ab", code=NOT_FOUND)
    assert "task id" in run("show", code=USAGE).why


def test_a_finished_task_is_held_by_nobody_and_names_the_task_that_does_it_again(
    run: Command, queue: dict[str, str]
) -> None:
    id = queue["failed"]
    again = run("retry", id).line
    repeated = run("retry", id, "--json")
    assert (repeated.json["task_id"], repeated.json["already_done"]) == (again, True)
    assert len(repeated.said) == 1 and again in repeated.said[0] and "nothing was submitted" in repeated.said[0]
    view, page = status(run, id), run("show", id).text
    assert view["retried_as"] == again and f"agent-lanes wait {again}" in view["next_action"]
    assert f"submitted again as {again}" in page and " until " not in page.split("HISTORY")[0]


def test_a_list_in_a_pipe_says_on_stderr_what_cannot_be_read(run: Command, queue: dict[str, str], store: Path) -> None:
    (store / "tasks" / queue["queued"] / "task.json").write_bytes(b"{")
    for words in (["list"], ["list", "--json"], ["status", "--all"]):
        (line,) = run(*words).said
        assert queue["queued"] in line and "agent-lanes doctor" in line
