"""The server of a bare install: the same routes and rules, a thread for each request, no event streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.process import Command

from server.client import Client
from server.test_routes import Later, submit

TOKEN = "a-token-for-these-tests"


@pytest.fixture
def bare(run: Command, tmp_path: Path) -> Iterator[Client]:
    """A server that does not find uvicorn."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "uvicorn.py").write_text("raise ImportError('hidden')\n")
    environment = {"PYTHONPATH": str(hidden), "AGENT_LANES_TOKEN": TOKEN}
    with run.start("serve", "--port", "0", env=environment) as server:
        assert "pip install 'agent-lanes[server]'" in server.line("warning: ")
        port = int(server.line("agent-lanes serve: http").split()[2].rstrip("/").rpartition(":")[2])
        yield Client(port, server, TOKEN)
        server.interrupt()
        server.end(0)


def test_a_bare_install_serves_the_same_routes(run: Command, bare: Client) -> None:
    id = submit(bare)["id"]
    later = Later(lambda: bare.get(f"/tasks/{id}/response?wait_seconds=120"))
    token = bare.post(f"/tasks/{id}/claim")[1]["claim_token"]
    assert bare.post(f"/tasks/{id}/renew", {"claim_token": token, "lease_seconds": 60})[0] == 200
    assert bare.post(f"/tasks/{id}/response", {"body": "b", "claim_token": token})[0] == 200
    assert later.answer()[1]["response"]["body"] == "b"
    assert bare.get("/tasks?state=completed")[1]["count"] == 1
    assert "response" in [one["type"] for one in bare.get("/events")[1]["events"]]
    assert bare.get("/nothing")[0] == 404


def test_a_bare_install_keeps_the_same_rules(bare: Client) -> None:
    assert bare.get("/tasks", Host="example.com")[0] == 403
    assert bare.get("/tasks", Origin="http://example.com")[0] == 403
    assert bare.send("POST", "/tasks", b"{}", {"Content-Type": "text/plain"})[0] == 415
    status, answer = bare.get("/events", Accept="text/event-stream")
    assert status == 404 and "agent-lanes[server]" in answer["hint"]
    bare.token = None
    assert bare.get("/tasks")[0] == 401 and bare.post("/tasks", {"lane": "x", "prompt": "y"})[0] == 401
    assert bare.get("/health")[0] == 200
