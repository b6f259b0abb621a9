"""A server of its own, and a client that looks at every answer.

with serving(run) as http:
    status, answer = http.post("/tasks", {"lane": "x", "prompt": "y"})
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.process import PATIENCE_SECONDS, Command, Result, Running

ERROR_KEYS = {"error", "code", "hint", "retryable"}
LONGEST_SECONDS = 10 * PATIENCE_SECONDS  # for a server of many tests
Answer = tuple[int, dict[str, Any]]


class Client:
    """Requests to one server. Each checks that the answer is JSON, and an error one of ours."""

    def __init__(self, port: int, server: Running, token: str | None = None) -> None:
        self.port, self.server, self.token = port, server, token

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.send("GET", path, None, headers)

    def text(self, path: str) -> tuple[str, str]:
        """GET of what is not JSON: its type and itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", path, headers=self.shown)
            response = connection.getresponse()
            assert response.status == 200
            return response.headers["Content-Type"], response.read().decode()
        finally:
            connection.close()

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """POST with a JSON body."""
        return self.send("POST", path, json.dumps({} if body is None else body).encode(), headers)

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str] | None = None) -> Answer:
        """Any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, {**self.shown, **(headers or {})})
            return answer_of(connection.getresponse())
        finally:
            connection.close()

    @property
    def shown(self) -> dict[str, str]:
        """The header that shows the token."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def raw(self, request: bytes, *, ends: bool = False) -> bytes:
        """Bytes as they are; everything that comes back until the server closes.

        The client ends its side once something comes back; at once, where the request `ends` before it is whole.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(request)
            parts = [] if ends else [connection.recv(1 << 16)]
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(1 << 16):
                parts.append(chunk)
        return b"".join(parts)

    def end(self) -> Result:
        """Ctrl-C; the server's whole story."""
        self.server.interrupt()
        return self.server.end(0)


def answer_of(response: http.client.HTTPResponse) -> Answer:
    """Status and JSON of a response, which keeps the rules of every response."""
    raw = response.read()
    assert response.headers["Content-Type"] == "application/json; charset=utf-8", raw
    assert response.headers["Content-Length"] == str(len(raw))
    value = json.loads(raw)
    assert isinstance(value, dict)
    if response.status >= 400:
        assert value.keys() == ERROR_KEYS and value["error"] and value["code"], value
        assert "Traceback" not in value["error"] and "defect" not in value["error"], value
    return response.status, value


@contextlib.contextmanager
def serving(run: Command, *words: str, token: str | None = None) -> Iterator[Client]:
    """A server on a free port; at the end it is interrupted, and has nothing to confess on stderr."""
    env = {"AGENT_LANES_TOKEN": token} if token else None
    with run.start("serve", "--port", "0", *words, env=env, patience_seconds=LONGEST_SECONDS) as server:
        line = server.line("agent-lanes serve: http")
        port = urlsplit(line.split()[2]).port
        assert port is not None
        told = re.search("; token in (.*); Ctrl-C", line)
        if told and token is None:
            token = Path(told[1]).read_text().strip()
        yield (client := Client(port, server, token))
        if server.process.poll() is None:
            said = client.end().said
            assert said[-2:] == [line, "agent-lanes serve: ended"], said
            assert all(one.startswith("agent-lanes: warning: ") for one in said[:-2]), said
