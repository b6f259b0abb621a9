"""All tasks a page at a time, renewals, numbers, and the description of the routes."""

from __future__ import annotations

import re

import jsonschema
from cli.process import Command

from agent_lanes.server.routes import TABLE
from docs import contract
from server.client import Client
from server.test_routes import submit


def test_pages_are_the_newest_first_and_new_tasks_move_nothing(http: Client) -> None:
    ids = [submit(http, lane="a" if number % 2 else "b")["id"] for number in range(7)]
    found, cursor = list[str](), ""
    while True:
        status, page = http.get(f"/tasks?limit=3{cursor and '&cursor=' + cursor}")
        assert status == 200 and page.keys() == {"tasks", "count", "damaged", "cursor"}
        found += [task["id"] for task in page["tasks"]]
        submit(http, lane="c")
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == ids[::-1]
    assert [task["id"] for task in http.get("/tasks?lane=a")[1]["tasks"]] == ids[1::2][::-1]


def test_a_list_may_be_of_a_state_and_of_metadata(run: Command, http: Client) -> None:
    done = submit(http, metadata={"k": "v"})["id"]
    open_ = submit(http, metadata={"k": "v", "l": "w"})["id"]
    submit(http)
    http.post(f"/tasks/{done}/response", {"body": "b"})
    assert [task["id"] for task in http.get("/tasks?match=k=v&active_only=true")[1]["tasks"]] == [open_]
    assert [task["id"] for task in http.get("/tasks?match=k=v&match=l=w")[1]["tasks"]] == [open_]
    assert [task["id"] for task in http.get("/tasks?state=completed")[1]["tasks"]] == [done]
    for wrong in (
        "state=x",
        "active_only=x",
        "match=k",
        "limit=x",
        "limit=99999",
        "lane=%0a",
        "cursor=..",
        "limit=1&limit=1",
    ):
        status, answer = http.get(f"/tasks?{wrong}")
        assert status == 400 and answer["code"] == "usage", wrong


def test_a_damaged_task_is_named_and_hides_no_other(run: Command, http: Client) -> None:
    good, bad = submit(http)["id"], submit(http)["id"]
    (run.folder / f"handoff/state/tasks/{bad}/task.json").write_text("{")
    page = http.get("/tasks")[1]
    assert [task["id"] for task in page["tasks"]] == [good] and bad in page["damaged"][0]["message"]


def test_a_lease_is_renewed_by_its_holder_alone(http: Client) -> None:
    id = submit(http)["id"]
    token = http.post(f"/tasks/{id}/claim", {"lease_seconds": 60})[1]["claim_token"]
    status, renewed = http.post(f"/tasks/{id}/renew", {"claim_token": token, "lease_seconds": 600})
    assert status == 200 and renewed["status"] == "renewed" and renewed["task"]["state"] == "claimed"
    assert http.post(f"/tasks/{id}/renew", {"claim_token": "x"})[1]["code"] == "lost_claim"
    assert "claim_token" in http.post(f"/tasks/{id}/renew", {})[1]["error"]


def test_numbers_are_those_of_the_command(run: Command, http: Client) -> None:
    submit(http, lane='a "b"\\')
    http.post(f"/tasks/{submit(http)['id']}/response", {"body": "b"})
    told = http.get("/stats")[1]["lanes"]
    assert [one["lane"] for one in told] == [one["lane"] for one in run("stats", "--json").json["lanes"]]
    connection = http.text("/metrics")
    assert connection[0].startswith("text/plain")
    lines = connection[1].splitlines()
    assert 'agent_lanes_tasks{lane="a \\"b\\"\\\\",state="ready"} 1' in lines
    assert 'agent_lanes_tasks_total{lane="default",what="completed"} 1' in lines
    assert all(
        re.fullmatch(r'# (HELP|TYPE) .*|[a-z_]+\{([a-z]+="([^"\\]|\\.)*",?)*\} [0-9.e+]+', line) for line in lines
    )


def test_the_contract_has_every_route_and_no_other() -> None:
    written = {
        (method, path.replace("<id>", "{id}"))
        for row in contract.rows(contract.section("HTTP"))
        for method, path in re.findall(r"`(GET|POST) (/[^`]*)`", row[0])
    }
    assert written == {(route.method, route.path) for route in TABLE}


def test_the_contract_has_every_field_that_a_route_takes() -> None:
    for row in contract.rows(contract.section("HTTP")):
        for method, path in re.findall(r"`(GET|POST) (/[^`]*)`", row[0]):
            route = next(one for one in TABLE if (one.method, one.path) == (method, path.replace("<id>", "{id}")))
            taken = {*route.query, *(route.body or {})}
            if "the same" in row[1] or (method, path) == ("POST", "/tasks"):
                continue
            written = {name for name in re.findall(r"`([a-z0-9_]+)`", row[1]) if name not in ("true", "name")}
            assert taken == written, f"{method} {path}"


def test_answers_are_as_the_description_says(http: Client) -> None:
    described = http.get("/openapi.json")[1]
    submit(http)
    for path in ("/tasks", "/holds", "/dead", "/events", "/listeners", "/stats", "/costs", "/health"):
        schema = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(http.get(path)[1], schema)
