"""Events as they come, and clients that wait: each costs a coroutine, and ends when its client leaves."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from cli.process import PATIENCE_SECONDS, Command

from server.client import Client, serving
from server.test_routes import Later, submit


class Events:
    """An event stream that is being read."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self.id = ""

    def next(self) -> tuple[str, dict[str, Any]]:
        """The name and the data of the next event; blocks until it comes."""
        name, data = "message", ""
        while True:
            line = self._response.readline().decode().rstrip("\n")
            kind, _, value = line.partition(": ")
            if kind == "id":
                self.id = value
            elif kind == "event":
                name = value
            elif kind == "data":
                data = value
            elif line == "" and data:
                return name, json.loads(data)
            elif line == "" and name == "message":
                continue

    def ended(self) -> bool:
        """Whether the stream is at its end; blocks until it is."""
        return self._response.read() is not None


@contextmanager
def stream(http: Client, query: str = "", **headers: str) -> Iterator[Events]:
    """Listen to /events; the first line has been read, so it listens."""
    connection = HTTPConnection("127.0.0.1", http.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", f"/events{query}", headers={**http.shown, "Accept": "text/event-stream", **headers})
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.readline() == b"retry: 1000\n"
    events = Events(response)
    events.id = response.readline().decode().removeprefix("id: ").strip()
    try:
        yield events
    finally:
        connection.close()
        response.close()


def test_a_stream_tells_what_happens_whoever_does_it(run: Command, http: Client) -> None:
    with stream(http) as events:
        id = run("submit", "--lane", "default", "--prompt", "x").line
        http.post(f"/tasks/{id}/claim")
        name, first = events.next()
        assert (name, first["type"], first["task_id"], first["cursor"]) == ("message", "created", id, events.id)
        assert events.next()[1]["type"] == "claimed"
    assert first in http.get("/events")[1]["events"]


def test_a_stream_goes_on_after_the_last_id_without_loss_or_repetition_also_in_another_server(run: Command) -> None:
    with serving(run) as http, stream(http) as events:
        ids = [submit(http)["id"]]
        assert events.next()[1]["task_id"] == ids[0]
        last = events.id
    ids += [run("submit", "--lane", "default", "--prompt", str(number)).line for number in range(3)]
    with serving(run) as http:
        ids.append(submit(http)["id"])
        with stream(http, **{"Last-Event-ID": last}) as events:
            assert [events.next()[1]["task_id"] for _ in ids[1:]] == ids[1:]
        with stream(http, f"?since={last}") as events:
            assert events.next()[1]["task_id"] == ids[1]


def test_a_stream_has_what_was_asked_for(http: Client) -> None:
    with stream(http, "?lane=b&type=created&type=claimed") as events:
        for lane in ("a", "b"):
            id = submit(http, lane=lane)["id"]
            http.post(f"/tasks/{id}/events", {"type": "tick"})
            http.post(f"/tasks/{id}/claim")
        found = [events.next()[1] for _ in range(2)]
    assert [(one["lane"], one["type"]) for one in found] == [("b", "created"), ("b", "claimed")]


def test_a_cursor_whose_part_of_the_log_is_gone_brings_a_gap_and_what_is_kept(run: Command, http: Client) -> None:
    id = submit(http)["id"]
    with stream(http, "?since=0:5") as events:
        name, data = events.next()
        assert name == "gap" and data["error"]
        assert events.next()[1]["task_id"] == id
    assert http.get("/events?since=0:5")[0] == 404


def test_events_in_json_go_on_from_their_cursor(http: Client) -> None:
    ids = [submit(http)["id"] for _ in range(5)]
    newest = http.get("/events?limit=2")[1]
    assert [one["task_id"] for one in newest["events"]] == ids[3:]
    found, cursor = list[str](), "1:0"
    for _ in range(3):
        page = http.get(f"/events?since={cursor}&limit=2")[1]
        found += [one["task_id"] for one in page["events"]]
        cursor = page["cursor"]
    assert found == ids and http.get(f"/events?since={cursor}")[1] == {"events": [], "cursor": cursor}
    for wrong in ("since=x", "limit=x", "limit=-1", "lane=%0a", "task_id=..", "since=1:0&since=1:0"):
        status, answer = http.get(f"/events?{wrong}")
        assert status == 400 and wrong.partition("=")[0].replace("_", " ") in answer["error"]


def test_the_end_of_the_server_ends_streams_and_answers_polls(run: Command) -> None:
    with serving(run) as http:
        id = submit(http)["id"]
        later = Later(lambda: http.get(f"/tasks/{id}/response?wait_seconds=120"))
        idle = Later(lambda: http.get("/tasks/next?lane=idle&wait_seconds=120"))
        with stream(http) as events:
            until(lambda: listeners(run) == 1)
            http.server.process.terminate()
            assert events.ended()
        assert later.answer()[0] == 408 and idle.answer() == (200, {"task": None})
        http.server.end(0)


def test_clients_that_wait_cost_no_threads_and_leave_nothing_behind(run: Command, http: Client) -> None:
    id = submit(http)["id"]
    before = descriptors(http)
    request = "GET {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nAccept: {}\r\n\r\n"
    waits = [
        (f"/tasks/{id}/response?wait_seconds=300", "*/*"),
        ("/tasks/next?lane=idle&wait_seconds=300", "*/*"),
        ("/events", "text/event-stream"),
    ]
    clients = list[socket.socket]()
    for _ in range(100):
        for path, accept in waits:
            clients.append(socket.create_connection(("127.0.0.1", http.port)))
            clients[-1].sendall(request.format(path, http.token, accept).encode())
    until(lambda: listeners(run) == 100)
    until(lambda: descriptors(http) >= before + 400)
    assert threads(http) <= 20
    assert http.get(f"/tasks/{id}")[0] == 200
    for client in clients:
        client.close()
    until(lambda: listeners(run) == 0 and descriptors(http) <= before + 2)


def test_what_ends_a_hold_wakes_who_waits_for_the_lane(run: Command, http: Client) -> None:
    run("hold", "--lane", "default")
    id = submit(http)["id"]
    later = Later(lambda: http.get("/tasks/next?lane=default&wait_seconds=120"))
    until(lambda: listeners(run) == 1)
    run("resume", "--lane", "default")
    assert later.answer()[1]["task"]["id"] == id


def until(true: Callable[[], bool]) -> None:
    """Wait for a condition, which must come."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def listeners(run: Command) -> int:
    return len(list((run.folder / "handoff/state/presence").rglob("*.json")))


def threads(http: Client) -> int:
    found = re.search(r"Threads:\s+(\d+)", Path(f"/proc/{http.server.process.pid}/status").read_text())
    assert found
    return int(found[1])


def descriptors(http: Client) -> int:
    return len(os.listdir(f"/proc/{http.server.process.pid}/fd"))
