"""hold, resume and dead, as commands and over HTTP; limits on concurrency from the config."""

from __future__ import annotations

from pathlib import Path

import pytest
from server.direct import Http

from agent_lanes.api.queue import Queue
from agent_lanes.errors import Refused
from cli.process import Command


def submitted(run: Command, *words: str) -> str:
    return run("submit", "--lane", "default", "--prompt", "x", *words).line


def dead(run: Command) -> str:
    """A task that died."""
    id = submitted(run, "--max-attempts", "1")
    token = run("claim", id, "--json").json["claim_token"]
    run("respond", id, "--claim-token", token, "--status", "failed", "--retry", "--body", "boom")
    return id


def test_a_held_lane_says_so_wherever_somebody_looks(run: Command) -> None:
    id = submitted(run)
    told = run("hold", "--lane", "default", "--reason", "API down", "--until", "2039-01-02T00:00:00Z", "--json").json
    assert told["hold"]["reason"] == "API down" and told["already_done"] is False
    idle = run("claim", "--lane", "default", "--json").json
    assert (idle["status"], idle["reason"]) == ("idle", "on_hold") and "API down" in idle["message"]
    refused = run("claim", id, code=4).err.decode()
    assert "API down" in refused and "2039-01-02" in refused and "agent-lanes resume --lane default" in refused
    view = run("status", id, "--json").json["task"]
    assert view["hold"] == told["hold"] and "API down" in view["next_action"] and view["offered"] is False
    assert run("status", "--all", "--json").json["holds"] == run("where", "--json").json["holds"] == [told["hold"]]
    assert "API down" in run("where").out.decode()
    assert run("resume", "--lane", "default").out.decode() == "status=resumed\nlane=default\nvendor=\n"
    assert run("resume", "--lane", "default", code=4).err
    assert run("claim", "--lane", "default", "--json").json["task_id"] == id


@pytest.mark.parametrize("words", [("ID", "--lane", "x"), ("--vendor", "any"), (), ("--lane", "")])
def test_a_hold_of_nothing_or_of_two_things_is_wrong_usage(run: Command, words: tuple[str, ...]) -> None:
    for verb in ("hold", "resume"):
        run(verb, *words, code=64)


def test_dead_letters_are_listed_retried_and_discarded(run: Command) -> None:
    assert run("dead", "list").out == b""
    first, second = dead(run), dead(run)
    newest = run("dead", "list", "--limit", "1")
    assert newest.line.startswith(second) and newest.said == [
        "agent-lanes dead: the newest 1; without --limit, all of them"
    ]
    run("dead", "retry", first, "--limit", "1", code=64)
    assert [line.split("  ")[0] for line in run("dead").out.decode().splitlines()] == sorted([first, second])
    view = run("dead", "list", "--lane", "default", "--json").json
    assert view["count"] == 2 and {task["cause"] for task in view["tasks"]} == {"attempts_exhausted"}
    (retried,) = run("dead", "retry", first, "--json").json["retried"]
    assert (
        retried["retry_of"] == first and run("status", retried["task_id"], "--json").json["task"]["state"] == "queued"
    )
    assert run("dead", "discard", "--all", "--reason", "old", "--json").json["discarded"] == [second]
    assert run("dead", "--json").json["tasks"] == []
    assert "not among the dead letters" in run("dead", "discard", second, code=4).err.decode()
    run("dead", "retry", code=64)
    run("dead", "bury", code=64)


def test_the_concurrency_of_a_lane_binds_who_finds_the_config(run: Command) -> None:
    (run.folder / "handoff" / "handoff.yaml").write_text("workspace_id: w\nlanes: {default: {concurrency: 1}}\n")
    first, second = submitted(run), submitted(run)
    run("claim", first)
    assert run("claim", "--lane", "default", "--json").json["reason"] == "concurrency"
    assert run("wait", "--lane", "default", "--timeout", "0", "--json").json["reason"] == "concurrency"
    assert "concurrency is 1" in run("claim", second, code=4).err.decode()
    assert run("claim", "--lane", "default", "--max-concurrency", "2", "--json").json["task_id"] == second
    run("claim", second, "--max-concurrency", "2", code=64)


def test_holds_and_dead_letters_over_http(tmp_path: Path) -> None:
    http = Http(tmp_path)
    id = http.post("/tasks", lane="l", prompt="p", max_attempts=1)["task_id"]
    held = http.answer("POST", "/holds", body={"lane": "l", "for_seconds": 60, "reason": "r"})
    assert held.status == 200 and http.answer("GET", "/holds").body == {"holds": [held.body["hold"]]}
    with pytest.raises(Refused):
        http.post(f"/tasks/{id}/claim")
    assert http.answer("POST", "/holds/resume", body={"lane": "l"}).status == 200
    http.post(f"/tasks/{id}/claim")
    assert http.answer("GET", "/dead").body == {"tasks": []}


def test_holds_and_dead_letters_from_python() -> None:
    queue = Queue.open("memory:")
    id = queue.submit("l", prompt="p", max_attempts=1)
    queue.hold_lane("l", reason="r")
    assert [hold.what for hold in queue.holds()] == ["lane l"] and queue.claim("l") is None
    queue.resume_lane("l")
    task = queue.claim("l", max_concurrency=1)
    assert task is not None and queue.claim("l", max_concurrency=1) is None
    task.fail_attempt("boom")
    assert [letter.id for letter in queue.dead()] == [id]
    (again,) = queue.retry_dead(id)
    assert queue.status(again)["retry_of"] == id and queue.dead() == [] and queue.discard_dead(lane="l") == []
