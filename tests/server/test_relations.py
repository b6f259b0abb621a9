"""The routes on several tasks: waiting, trees, what is ready."""

from __future__ import annotations

import pytest
from cli.process import Command

from server.client import Client
from server.test_routes import Later, submit


def test_a_wait_for_all_answers_with_their_responses_in_order(http: Client) -> None:
    ids = [submit(http)["id"] for _ in range(3)]
    waiting = Later(lambda: http.post("/tasks/wait", {"ids": ids, "wait_seconds": 60}))
    for number in (2, 0, 1):
        assert http.post(f"/tasks/{ids[number]}/response", {"body": str(number)})[0] == 200
    status, answer = waiting.answer()
    assert (status, answer["open"]) == (200, [])
    assert [one["body"] for one in answer["responses"]] == ["0", "1", "2"]


def test_a_wait_for_the_first_names_the_open_ones(http: Client) -> None:
    ids = [submit(http)["id"] for _ in range(2)]
    status, answer = http.post("/tasks/wait", {"ids": ids, "first": 1})
    assert status == 408 and ids[0] in answer["error"]
    http.post(f"/tasks/{ids[1]}/response", {"body": "x"})
    status, answer = http.post("/tasks/wait", {"ids": ids, "first": 1})
    assert (status, answer["responses"][0]["task_id"], answer["open"]) == (200, ids[1], [ids[0]])


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": "a"}, {"ids": []}, {"ids": [1]}, {"ids": ["a b"]}, {"ids": ["a"], "first": 2},
     {"ids": ["a"], "first": True}, {"ids": ["a"], "wait_seconds": "1"}, {"ids": ["a"], "wait_seconds": -1}],
)  # fmt: skip
def test_a_wait_that_makes_no_sense_is_refused(http: Client, body: dict[str, object]) -> None:
    assert http.post("/tasks/wait", body)[0] == 400


def test_the_ready_are_listed_in_order(http: Client) -> None:
    later = submit(http)["id"]
    urgent = submit(http, priority=0, metadata={"required_vendor": "codex"})["id"]
    submit(http, depends_on=[later])
    status, answer = http.get("/tasks/ready?lane=default")
    assert (status, [task["id"] for task in answer["tasks"]], answer["count"]) == (200, [urgent, later], 2)
    assert [task["id"] for task in http.get("/tasks/ready?lane=default&vendor=claude")[1]["tasks"]] == [later]
    assert http.get("/tasks/ready?lane=default&limit=1")[1]["count"] == 1
    assert http.get("/tasks/ready")[0] == http.get("/tasks/ready?lane=default&limit=x")[0] == 400


def test_trees_of_tasks_and_threads_are_those_of_the_command(run: Command, http: Client) -> None:
    root = submit(http, idempotency_key="root", metadata={"thread_id": "t"})["id"]
    child = submit(http, depends_on=["key:root"])["id"]
    found = run("tree", root, "--json").json["tasks"]
    assert [one["task_id"] for one in found] == [root, child]
    assert http.get(f"/tasks/{root}/tree")[1]["tasks"] == found
    assert http.get("/tasks/tree?thread=t")[1]["tasks"] == found
    assert http.get("/tasks/tree?thread=t&limit=1")[1]["count"] == 1
    assert http.get("/tasks/tree?thread=nobody")[0] == http.get("/tasks/nobody/tree")[0] == 404
    assert http.get("/tasks/tree")[0] == 400


def test_a_unique_key_answers_with_the_open_task(http: Client) -> None:
    asked = {"lane": "default", "prompt": "x", "unique_key": "k"}
    first = http.post("/tasks", asked)
    again = http.post("/tasks", asked)
    assert (first[0], again[0], again[1]["already_done"]) == (201, 200, True)
    assert first[1]["task_id"] == again[1]["task_id"]
    refused = http.post("/tasks", {**asked, "if_exists": "refuse"})
    assert (refused[0], refused[1]["code"]) == (400, "refused")
