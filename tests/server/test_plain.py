"""The server of a bare install: the same routes and rules, a thread for each request, no event streams."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.process import PATIENCE_SECONDS, Command

from agent_lanes.server.limits import BODIES_BYTES
from agent_lanes.server.threads import Patience
from server.client import Client
from server.test_routes import Later, submit
from server.test_slow_clients import authorized, connected

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


def test_a_bare_install_takes_no_more_bodies_at_once_than_another_one(bare: Client) -> None:
    quarter = authorized(bare, "POST /tasks HTTP/1.1", f"Content-Length: {BODIES_BYTES // 4}")
    with contextlib.ExitStack() as stack:
        five = [stack.enter_context(connected(bare)) for _ in range(5)]
        for client in five:
            client.sendall(quarter)
        answered, _, _ = select.select(five, (), (), PATIENCE_SECONDS)
        assert [client.recv(1 << 12)[:13] for client in answered] == [b"HTTP/1.1 429 "]


def test_a_bare_install_refuses_a_head_that_is_too_large(bare: Client) -> None:
    assert bare.get("/health", **{f"X-{number}": "y" * 9000 for number in range(7)})[0] == 200
    assert bare.get("/health", **{f"X-{number}": "y" * 9000 for number in range(8)})[0] == 400


@pytest.mark.slow
def test_a_bare_install_does_not_wait_for_heads_that_do_not_come(bare: Client) -> None:
    silent, begun = connected(bare), connected(bare)
    begun.sendall(b"GET /tasks HTTP/1.1\r\nHost: loc")
    for client in (silent, begun):
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert bare.get("/health")[0] == 200


def test_what_has_come_when_the_time_is_over_does_not_lengthen_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        patience = Patience(ours, PATIENCE_SECONDS)
        theirs.sendall(b"in time")
        assert patience.read(7) == b"in time"
        patience.lasts(0)
        theirs.sendall(b"late")
        with pytest.raises(TimeoutError):
            patience.read(4)
