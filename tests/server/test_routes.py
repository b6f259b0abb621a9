"""Each route of v0.1: what it takes, what it answers."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest
from cli.process import IO_ERROR, Command

from server.client import Answer, Client, answer_of, serving

RESPONSE = {
    *("task_id", "reviewer", "status", "body", "reviewed_request_sha256", "request_changed_before_response"),
    *("follow_up_required", "verdict", "blocking_count", "nonblocking_count", "metadata", "created_at"),
}


def submit(http: Client, **fields: object) -> dict[str, Any]:
    """The record of a task that is queued by HTTP."""
    status, answer = http.post("/tasks", {"lane": "default", "prompt": "x", **fields})
    assert status == 201 and answer.keys() == {"task_id", "task", "already_done", "listeners"}, answer
    task = answer["task"]
    assert isinstance(task, dict) and task["id"] == answer["task_id"]
    return task


class Later:
    """A request that goes on beside the test."""

    def __init__(self, send: Callable[[], Answer]) -> None:
        self.answers: list[Answer] = []
        self._thread = threading.Thread(target=lambda: self.answers.append(send()))
        self._thread.start()

    def answer(self) -> Answer:
        self._thread.join(120)
        return self.answers[0]


def test_post_tasks_queues_a_task(run: Command, http: Client) -> None:
    task = submit(
        http,
        workspace_id="mine",
        correlation_id="plan",
        source_agent="planner",
        workspace_root=str(run.folder),
        worktree_path="tree",
        expected_branch="topic",
        request_path="request.md",
        response_path="out/answer.md",
        supporting_paths=["request.md"],
        metadata={"required_vendor": "codex", "deep": [1, None, {"a": 2.5}]},
    )
    digest = hashlib.sha256((run.folder / "request.md").read_bytes()).hexdigest()
    assert run("status", task["id"]).json["task"]["state"] == task["state"] == "queued"
    assert (task["workspace_id"], task["correlation_id"], task["source_agent"]) == ("mine", "plan", "planner")
    assert (task["lane"], task["prompt"], task["expected_branch"]) == ("default", "x", "topic")
    assert task["request_path"] == str(run.folder / "request.md") and task["request_sha256"] == digest
    assert task["response_path"] == str(run.folder / "out" / "answer.md")
    assert task["worktree_path"] == str(run.folder / "tree")
    assert task["supporting_paths"] == [{"path": str(run.folder / "request.md"), "sha256": digest}]
    assert task["metadata"] == {"required_vendor": "codex", "deep": [1, None, {"a": 2.5}]}


def test_a_task_by_http_has_the_defaults_of_the_config(run: Command, http: Client) -> None:
    task = submit(http)
    assert (task["workspace_id"], task["workspace_root"]) == ("project", str(run.folder))
    assert (task["source_agent"], task["correlation_id"]) == ("api", "default")


def test_a_request_may_be_a_text_that_the_store_keeps(run: Command, http: Client) -> None:
    task = submit(http, prompt="", request="please\r\n")
    assert (run.folder / f"handoff/state/tasks/{task['id']}/request.md").read_bytes() == b"please\r\n"


def test_the_same_post_with_an_idempotency_key_answers_with_the_task_of_the_first(http: Client) -> None:
    task = submit(http, idempotency_key="k")
    http.post(f"/tasks/{task['id']}/claim", {})
    status, answer = http.post("/tasks", {"lane": "default", "prompt": "x", "idempotency_key": "k"})
    assert (status, answer["task_id"], answer["already_done"]) == (200, task["id"], True)
    assert answer["task"]["state"] == "claimed"
    status, answer = http.post("/tasks", {"lane": "default", "prompt": "y", "idempotency_key": "k"})
    assert (status, answer["code"]) == (400, "refused")


def test_post_many_queues_each_or_says_why_not_in_their_order(run: Command, http: Client) -> None:
    good = {"lane": "default", "prompt": "x", "idempotency_key": "k"}
    bad = [{"prompt": "x"}, {"lane": " "}, {"lane": "a"}, {"lane": "a", "request_path": "/etc/passwd"}, {"lane": 5}]
    status, answer = http.post("/tasks/many", {"tasks": [good, *bad, {"lane": "a", "request": "r"}, good]})
    first, *refused, second, again = answer["results"]
    assert status == 200 and answer.keys() == {"results"}
    assert again == {"task_id": first["task_id"], "already_done": True} and first["already_done"] is False
    assert [one["code"] for one in refused] == ["bad_data", "usage", "usage", "not_allowed", "bad_data"]
    assert all(one.keys() == {"error", "code", "hint", "retryable"} and one["error"] for one in refused)
    assert [task["id"] for task in run("list").json["tasks"]] == [first["task_id"], second["task_id"]]
    assert http.post("/tasks/many", {"tasks": []}) == (200, {"results": []})


def test_get_next_looks_without_taking(http: Client) -> None:
    assert http.get("/tasks/next?lane=default") == (200, {"task": None})
    first = submit(http)
    submit(http)
    for _ in range(2):
        status, answer = http.get("/tasks/next?lane=default&wait_seconds=0")
        assert status == 200 and answer.keys() == {"task"} and answer["task"]["id"] == first["id"]
    assert http.get("/tasks/next?lane=other") == (200, {"task": None})


def test_get_next_decodes_the_lane(http: Client) -> None:
    task = submit(http, lane="a b/ü&c")
    assert http.get("/tasks/next?lane=a+b%2F%C3%BC%26c")[1]["task"]["id"] == task["id"]


def test_a_long_poll_for_work_is_woken_by_a_submit(run: Command, http: Client) -> None:
    submit(http, lane="other")  # so that there is a store to watch
    later = Later(lambda: http.get("/tasks/next?lane=default&wait_seconds=120"))
    http.server.sleeping()
    task_id = run("submit", "--lane", "default", "--prompt", "x").line
    assert later.answer()[1]["task"]["id"] == task_id


def test_get_a_task_tells_its_status(run: Command, http: Client) -> None:
    task_id = submit(http)["id"]
    status, answer = http.get(f"/tasks/{task_id}")
    assert status == 200 and answer.keys() == {"task", "attempts_history", "receipts"}
    told = run("status", task_id).json["task"]
    assert answer["task"].keys() == told.keys() and answer["task"]["state"] == "queued"


def test_a_task_goes_round_by_http(run: Command, http: Client) -> None:
    task_id = submit(http, response_path="answer.md")["id"]
    status, taken = http.post(f"/tasks/{task_id}/claim", {"owner": "me", "lease_seconds": 60})
    assert status == 200 and taken.keys() == {"status", "task_id", "claim_token", "task"}
    assert (taken["status"], taken["task"]["claim_owner"]) == ("claimed", "me")
    token = taken["claim_token"]
    assert http.post(f"/tasks/{task_id}/claim", {"owner": "other"})[0] == 400
    event = {"type": "headless_started", "message": "m", "data": {"k": [1]}}
    assert http.post(f"/tasks/{task_id}/events", event) == (200, {"ok": True})
    status, released = http.post(f"/tasks/{task_id}/release", {"claim_token": token, "reason": "r"})
    assert status == 200 and released["task"]["state"] == "queued"
    token = http.post(f"/tasks/{task_id}/claim")[1]["claim_token"]
    answer = {
        "claim_token": token,
        "body": "two\r\nlines\0",
        "reviewer": "me",
        "verdict": "needs-revision",
        "blocking_count": 1,
        "nonblocking_count": 2,
        "follow_up_required": True,
        "metadata": {"tokens_in": 5},
    }
    status, responded = http.post(f"/tasks/{task_id}/response", answer)
    assert status == 200 and responded["response"].keys() == RESPONSE
    assert responded["response"]["metadata"] == {"tokens_in": 5}
    assert http.get(f"/tasks/{task_id}/response") == (200, responded)
    run("wait", task_id)
    assert (run.folder / "answer.md").read_bytes() == b"two\r\nlines\0"
    types = [event["type"] for event in run("show", task_id, "--json").json["events"]]
    assert types == ["created", "claimed", "headless_started", "released", "claimed", "response", "fetched"]


def test_the_same_answer_again_is_confirmed_and_another_refused(http: Client) -> None:
    task_id = submit(http)["id"]
    first = http.post(f"/tasks/{task_id}/response", {"body": "b"})
    assert http.post(f"/tasks/{task_id}/response", {"body": "b"}) == first
    status, refused = http.post(f"/tasks/{task_id}/response", {"body": "c"})
    assert (status, refused["code"]) == (400, "already_answered")


def test_a_failed_answer_is_an_answer(http: Client) -> None:
    task_id = submit(http)["id"]
    http.post(f"/tasks/{task_id}/response", {"body": "b", "status": "failed"})
    status, answer = http.get(f"/tasks/{task_id}/response")
    assert (status, answer["response"]["status"]) == (200, "failed")


@pytest.mark.parametrize("seconds", ["", "?wait_seconds=0", "?wait_seconds=0.1"])
def test_an_answer_that_does_not_come_is_408(http: Client, seconds: str) -> None:
    status, answer = http.get(f"/tasks/{submit(http)['id']}/response{seconds}")
    assert (status, answer["code"], answer["retryable"]) == (408, "timeout", True)


def test_a_long_poll_for_an_answer_is_woken_by_it(run: Command, http: Client) -> None:
    task_id = submit(http)["id"]
    later = Later(lambda: http.get(f"/tasks/{task_id}/response?wait_seconds=120"))
    http.server.sleeping()
    run("respond", task_id, "--body", "now")
    assert later.answer()[1]["response"]["body"] == "now"


def test_a_long_poll_holds_nobody_up(http: Client) -> None:
    task_id = submit(http)["id"]
    polls = [Later(lambda: http.get(f"/tasks/{task_id}/response?wait_seconds=120")) for _ in range(5)]
    http.server.sleeping()
    assert http.get(f"/tasks/{task_id}")[0] == 200
    http.post(f"/tasks/{task_id}/response", {"body": "for all"})
    assert {poll.answer()[1]["response"]["body"] for poll in polls} == {"for all"}


UNKNOWN = "20261121T000000000000Z-x-0123456789ab"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/tasks/{UNKNOWN}"),
        ("GET", f"/tasks/{UNKNOWN}/response"),
        ("POST", f"/tasks/{UNKNOWN}/claim"),
        ("POST", f"/tasks/{UNKNOWN}/events"),
        ("POST", f"/tasks/{UNKNOWN}/response"),
        ("GET", "/web/nope.js"),
        ("GET", "/nothing"),
        ("POST", f"/tasks/{UNKNOWN}/nothing"),
        ("GET", f"/tasks/{UNKNOWN}/response/more"),
    ],
)
def test_what_is_not_there_is_404(http: Client, method: str, path: str) -> None:
    status, answer = http.send(method, path, b"{}" if method == "POST" else None)
    assert (status, answer["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/tasks", "GET, POST"),
        ("POST", "/tasks/next", "GET"),
        ("PUT", f"/tasks/{UNKNOWN}", "GET"),
        ("GET", f"/tasks/{UNKNOWN}/claim", "POST"),
        ("PATCH", f"/tasks/{UNKNOWN}/response", "GET, POST"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/web/app.js", "GET, HEAD"),
    ],
)
def test_a_method_that_a_route_does_not_know_is_405_and_told_which_it_knows(
    http: Client, method: str, path: str, allowed: str
) -> None:
    connection = HTTPConnection("127.0.0.1", http.port, timeout=60)
    connection.request(method, path, b"{}" if method == "POST" else None, http.shown)
    response = connection.getresponse()
    status, answer = answer_of(response)
    assert (status, answer["code"], response.headers["Allow"]) == (405, "wrong_method", allowed)
    connection.close()


def test_a_second_server_on_the_same_port_is_told(run: Command, http: Client) -> None:
    assert str(http.port) in run("serve", "--port", str(http.port), code=IO_ERROR).why


def test_two_requests_on_one_connection(http: Client) -> None:
    connection = HTTPConnection("127.0.0.1", http.port, timeout=60)
    for _ in range(3):
        connection.request("POST", "/tasks", b'{"lane": "x", "prompt": "y"}', http.shown)
        response = connection.getresponse()
        assert response.status == 201 and response.read()
    connection.close()


def test_the_server_of_a_store_without_config(run: Command) -> None:
    with serving(run, "--store", "alone") as http:
        task = submit(http, request_path="request.md")
        assert task["workspace_root"] == str(run.folder)
    assert run("list", "--store", "alone").json["count"] == 1


def noted(run: Command, id: str) -> list[tuple[str, object]]:
    """The receipts of a task: what, and through which door."""
    events = map(json.loads, run("events", id, "--json").text.splitlines())
    return [(event["type"], event["data"]["by"]) for event in events if event["type"] in ("seen", "fetched")]


def test_a_poll_that_tells_of_a_task_leaves_a_receipt_once(run: Command, http: Client) -> None:
    id = submit(http)["id"]
    http.get("/tasks")
    http.get(f"/tasks/{id}")
    assert noted(run, id) == []
    for _ in range(2):
        assert http.get("/tasks/next?lane=default")[1]["task"]["id"] == id
    assert noted(run, id) == [("seen", "http")]
    assert http.get(f"/tasks/{id}")[1]["receipts"]["seen_at"]


def test_a_poll_that_tells_of_an_answer_leaves_a_receipt_once(run: Command, http: Client) -> None:
    id = submit(http)["id"]
    http.post(f"/tasks/{id}/response", {"body": "b"})
    assert noted(run, id) == []
    for _ in range(2):
        assert http.get(f"/tasks/{id}/response")[0] == 200
    assert noted(run, id) == [("fetched", "http")]
    assert http.get(f"/tasks/{id}")[1]["receipts"]["fetched_at"]
