"""Clients that take too long, and too many of them: cut off, while everybody else is served."""

from __future__ import annotations

import contextlib
import re
import socket

import pytest
from cli.process import PATIENCE_SECONDS, Command

from server.client import Client
from server.test_streams import descriptors, threads, until


def connected(http: Client) -> socket.socket:
    return socket.create_connection(("127.0.0.1", http.port), timeout=PATIENCE_SECONDS)


def authorized(http: Client, line: str, *more: str) -> bytes:
    return "\r\n".join([line, "Host: localhost", f"Authorization: Bearer {http.token}", *more, "", ""]).encode()


@pytest.mark.slow
def test_heads_that_do_not_come_are_not_waited_for(http: Client) -> None:
    before, whole = descriptors(http), threads(http)
    slow = [connected(http) for _ in range(200)]
    for client in slow[::2]:
        client.sendall(b"GET /tasks HTTP/1.1\r\nHost: loc")
    assert http.get("/tasks")[0] == 200 and threads(http) <= max(whole, 20)
    for client in slow:
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    until(lambda: descriptors(http) <= before + 2)


def test_a_large_body_that_is_refused_is_passed_over_and_the_next_request_served(http: Client) -> None:
    large = b"x" * (8 << 20)
    refused = authorized(http, "POST /tasks HTTP/1.1", f"Content-Length: {len(large)}", "Content-Type: text/plain")
    with connected(http) as client:
        client.sendall(refused + large + authorized(http, "GET /health HTTP/1.1", "Connection: close"))
        found = b""
        while chunk := client.recv(1 << 16):
            found += chunk
    assert re.findall(rb"HTTP/1.1 (\d+) ", found) == [b"415", b"200"]


def test_requests_on_one_connection_may_follow_each_other_at_once(run: Command, http: Client) -> None:
    last = authorized(http, "GET /health HTTP/1.1", "Connection: close")
    with connected(http) as client:
        client.sendall(authorized(http, "GET /health HTTP/1.1") * 5 + last)
        found = b""
        while chunk := client.recv(1 << 16):
            found += chunk
    assert found.count(b"HTTP/1.1 200 ") == 6
