"""Requests that a server must not take: wrong types, foreign pages, broken framing. It refuses and goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.process import Command, tree

from server.client import Client, serving
from server.conftest import project


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return project(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def queued(shared: Command) -> str:
    return shared("submit", "--lane", "default", "request.md").line


@pytest.fixture(scope="module")
def http(shared: Command, queued: str) -> Iterator[Client]:
    """One server for all of this file: what is refused changes nothing."""
    with serving(shared, token=TOKEN) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_is_written(shared: Command, http: Client) -> Iterator[None]:
    before = tree(shared.folder)
    yield
    assert tree(shared.folder) == before


TOKEN = "a-token-for-these-tests"
TEXT = [5, 1.5, True, ["a"], {"a": 1}]
LIST = ["a", 5, True, {"a": 1}, [1], [None], [["a"]]]
OBJECT = ["a", 5, True, ["a"], [["a", 1]]]
NAME = [*TEXT, "a\nb", "\x1b[31m", " a", "a ", "x" * 201]
SUBMIT: dict[str, list[Any]] = {
    "lane": [*NAME, None, ""],
    "workspace_id": NAME,
    "correlation_id": NAME,
    "source_agent": NAME,
    "expected_branch": NAME,
    "workspace_root": [*TEXT, "a\0b"],
    "worktree_path": [*TEXT, "a\0b"],
    "request_path": [*TEXT, "a\0b"],
    "request": TEXT,
    "idempotency_key": NAME,
    "response_path": [*TEXT, "a\0b"],
    "prompt": [*TEXT, "x" * (5 << 20)],
    "supporting_paths": [*LIST, ["a\0b"]],
    "metadata": [*OBJECT, {"a\nb": 1}, {"": 1}, {"required_vendor": 5}, {"k" * 101: 1}],
}
CLAIM: dict[str, list[Any]] = {
    "owner": NAME,
    "lease_seconds": ["60", True, [60], {}, None, -1, 0, 0.05, 1e10, 10**30],
}
EVENT: dict[str, list[Any]] = {"type": NAME, "message": [*TEXT, "x" * 70_000], "data": [*OBJECT, {"": 1}]}
RESPOND: dict[str, list[Any]] = {
    "body": [*TEXT, "x" * (33 << 20)],
    "claim_token": TEXT,
    "reviewer": NAME,
    "status": [*TEXT, "done", "cancelled", "queued"],
    "verdict": [*TEXT, "maybe"],
    "blocking_count": ["1", True, 1.5, [], -1, 10**9, 1],
    "nonblocking_count": ["1", True, 1.5, {}, -1, 10**9],
    "follow_up_required": ["yes", 1, 0, None, []],
    "expect_sha256": [*TEXT, "x", "A" * 64],
    "metadata": [*OBJECT, {"a\nb": 1}],
}
RELEASE: dict[str, list[Any]] = {"claim_token": [*TEXT, None], "reason": [*TEXT]}
ROUTES: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = {
    "/tasks": ({"lane": "x", "prompt": "y"}, SUBMIT),
    "/tasks/many": ({}, {"tasks": [None, *LIST, {}, [{"lane": "x", "prompt": "y"}, 5]]}),
    "/tasks/{id}/claim": ({}, CLAIM),
    "/tasks/{id}/events": ({}, EVENT),
    "/tasks/{id}/response": ({"body": "x"}, RESPOND),
    "/tasks/{id}/release": ({"claim_token": "x"}, RELEASE),
}


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, (_, fields) in ROUTES.items() for field in fields])
def test_a_field_of_a_wrong_type_is_400_and_named(http: Client, queued: str, path: str, field: str) -> None:
    good, fields = ROUTES[path]
    for value in fields[field]:
        status, answer = http.post(path.format(id=queued), {**good, field: value})
        assert status == 400 and answer["error"].startswith(field) and len(answer["error"]) < 1000, (value, answer)


@pytest.mark.parametrize("path", ROUTES)
def test_a_field_that_no_route_knows_is_refused_by_name(http: Client, queued: str, path: str) -> None:
    status, answer = http.post(path.format(id=queued), {**ROUTES[path][0], "depend_on": [queued]})
    assert (status, answer["code"]) == (400, "bad_data") and "'depend_on'" in answer["error"] and answer["hint"]


@pytest.mark.parametrize("path", ["/tasks?lan=x", "/tasks/next?lane=x&wait=5", "/tasks/{id}/response?w=5", "/dead?l"])
def test_a_parameter_that_no_route_knows_is_refused_by_name(http: Client, queued: str, path: str) -> None:
    status, answer = http.get(path.format(id=queued))
    assert (status, answer["code"]) == (400, "usage") and "parameter" in answer["error"]


@pytest.mark.parametrize("path", ["/tasks/next?lane=%ff", "/tasks/%ff", "/tasks/next?lane=x&" + "a=b&" * 150])
def test_an_address_that_is_no_text_or_too_much_is_400(http: Client, path: str) -> None:
    status, answer = http.get(path)
    assert status == 400 and "address" in answer["error"]


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "x", "", "1e400", "0x1", "1,5", "1_0", "%D9%A3"])
def test_wait_seconds_that_make_no_sense(http: Client, queued: str, value: str) -> None:
    for path in (f"/tasks/next?lane=default&wait_seconds={value}", f"/tasks/{queued}/response?wait_seconds={value}"):
        status, answer = http.get(path)
        assert status == 400 and "wait_seconds" in answer["error"]


@pytest.mark.parametrize("query", ["", "?lane=", "?lane=%0A", "?lane=%1b%5b", "?vendor=x", "?lane=a&vendor=%0a"])
def test_a_lane_that_is_none(http: Client, query: str) -> None:
    status, answer = http.get(f"/tasks/next{query}")
    assert status == 400 and ("lane" in answer["error"] or "vendor" in answer["error"])


PATHS = ("..", ".", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "a..b", ".hidden", "a%00b", "%ff", "a%0ab", "x" * 300)


@pytest.mark.parametrize("id", PATHS)
@pytest.mark.parametrize("rest", ["", "/response"])
def test_paths_that_are_no_ids_reach_no_file(http: Client, id: str, rest: str) -> None:
    assert http.get(f"/tasks/{id}{rest}")[0] in (400, 404)
    assert http.post(f"/tasks/{id}/claim")[0] in (400, 404)


@pytest.mark.parametrize("field", ["request_path", "response_path"])
def test_paths_that_leave_the_workspace_are_400(shared: Command, http: Client, field: str, tmp_path: Path) -> None:
    outside = tmp_path / "secret.md"
    outside.write_text("secret")
    for value in (str(outside), "../../../../../../../../etc/hostname"):
        status, answer = http.post("/tasks", {"lane": "x", "prompt": "y", field: value})
        assert (status, answer["code"]) == (400, "not_allowed") and field in answer["error"]


@pytest.mark.parametrize("value", ["request.md", "handoff/state/x", ".git/config", "handoff"])
def test_a_response_path_that_must_not_be_one_is_400(http: Client, value: str) -> None:
    body = {"lane": "x", "request_path": "request.md", "response_path": value}
    status, answer = http.post("/tasks", body)
    assert (status, answer["code"]) == (400, "not_allowed") and "response_path" in answer["error"]


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1.example.com", "", "0.0.0.0", "[::2]"])
def test_a_foreign_host_is_403(http: Client, queued: str, host: str) -> None:
    for method, path in (("GET", f"/tasks/{queued}"), ("POST", f"/tasks/{queued}/claim")):
        status, answer = http.send(method, path, b"{}" if method == "POST" else None, {"Host": host})
        assert (status, answer["code"]) == (403, "forbidden") and "Host" in answer["error"]


@pytest.mark.parametrize(
    "origin", ["http://example.com", "null", "http://127.0.0.1:1", "https://localhost", "x\x01y", ""]
)
def test_a_foreign_origin_is_403(http: Client, queued: str, origin: str) -> None:
    for path in (f"/tasks/{queued}/claim", "/tasks"):
        status, answer = http.post(path, {"lane": "x", "prompt": "y"}, Origin=origin)
        assert (status, answer["code"]) == (403, "forbidden") and "Origin" in answer["error"]
    assert http.get(f"/tasks/{queued}", Origin=origin)[0] == 403


def test_the_own_origin_and_every_name_of_loopback_are_fine(http: Client, queued: str) -> None:
    for host in (f"127.0.0.1:{http.port}", f"localhost:{http.port}", "localhost", f"[::1]:{http.port}", "LOCALHOST"):
        assert http.get(f"/tasks/{queued}", Host=host)[0] == 200
    own = f"127.0.0.1:{http.port}"
    assert http.get(f"/tasks/{queued}", Host=own, Origin=f"http://{own}")[0] == 200


BODIES = {
    "no JSON": b"{",
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "NaN": b'{"lane": NaN}',
    "infinite": b'{"lane": 1e999}',
    "two values": b"{} {}",
    "not UTF-8": b'{"lane": "\xff"}',
    "UTF-16": '{"lane": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"lane": "x", "prompt": "y"}',
    "nested deeply": b'{"lane": ' + b"[" * 100_000,
    "nested metadata": b'{"lane": "x", "prompt": "y", "metadata": {"a": ' + b"[" * 30 + b"]" * 30 + b"}}",
    "a huge number": b'{"lane": "x", "prompt": "y", "metadata": {"a": ' + b"9" * 5000 + b"}}",
    "a form": b"lane=x&prompt=y",
    "control characters": b'{"lane": "a\nb"}',
    "half a character": b'{"lane": "x", "prompt": "\\ud800"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_json_object_is_400(http: Client, name: str) -> None:
    status, answer = http.send("POST", "/tasks", BODIES[name])
    assert status == 400 and answer["code"] in ("bad_data", "usage"), answer


def head(*lines: str, path: str = "/tasks", method: str = "POST") -> bytes:
    always = ["Host: 127.0.0.1", f"Authorization: Bearer {TOKEN}"]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *always, *lines, "", ""]).encode()


BODY = b'{"lane": "x", "prompt": "y"}'
FRAMING = {
    "no length": head() + BODY,
    "a negative length": head("Content-Length: -1") + BODY,
    "a length that is no number": head("Content-Length: ten") + BODY,
    "a length with a sign": head(f"Content-Length: +{len(BODY)}") + BODY,
    "a length in other digits": head("Content-Length: \uff12\uff18") + BODY,
    "a length too long": head("Content-Length: 99999999999") + BODY,
    "a length beyond all numbers": head("Content-Length: " + "9" * 5000) + BODY,
    "two lengths": head("Content-Length: 28", "Content-Length: 5") + BODY,
    "chunks": head("Transfer-Encoding: chunked") + b"1c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks and a length": head("Transfer-Encoding: chunked", "Content-Length: 28") + BODY,
    "less than announced": head("Content-Length: 500") + BODY,
    "a bare line": b"hello\r\n\r\n",
    "no such version": b"POST /tasks HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "a vast line": b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    "a vast header": b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "another method": head("Content-Length: 0", method="DELETE"),
    "no method": b" /tasks HTTP/1.1\r\n\r\n",
    "an absolute address": head(f"Content-Length: {len(BODY)}", path="http://example.com/tasks", method="GET") + BODY,
    "a broken address": head("Content-Length: 0", path="//[/tasks"),
    "nothing": b"",
    "half a line": b"POST /ta",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


UNFINISHED = ("less than announced", "nothing", "half a line")


@pytest.mark.parametrize("name", FRAMING)
def test_broken_framing_gets_one_refusal_at_most_and_the_server_goes_on(http: Client, queued: str, name: str) -> None:
    answer = http.raw(FRAMING[name], ends=name in UNFINISHED)
    statuses = [line.split()[1] for line in answer.split(b"\n") if line.startswith(b"HTTP/1.")]
    assert len(statuses) <= 1 and all(400 <= int(status) < 600 for status in statuses), answer
    assert b"Traceback" not in answer
    assert http.get(f"/tasks/{queued}")[0] == 200


def test_a_body_behind_a_get_is_not_taken_for_a_request(http: Client, queued: str) -> None:
    hidden = head(f"Content-Length: {len(BODY)}") + BODY
    front = head(f"Content-Length: {len(hidden)}", path=f"/tasks/{queued}", method="GET") + hidden
    assert http.raw(front).count(b"HTTP/1.1 ") == 1


def test_what_follows_a_refused_request_is_not_taken(http: Client) -> None:
    behind = head(f"Content-Length: {len(BODY)}") + BODY
    for front in (head() + BODY, head("Transfer-Encoding: chunked"), head("Content-Length: 99999999999")):
        assert http.raw(front + behind).count(b"HTTP/1.1 ") == 1


def test_a_client_that_goes_away_is_no_news(http: Client, queued: str) -> None:
    for request in (head("Content-Length: 500"), head(path=f"/tasks/{queued}/response?wait_seconds=30", method="GET")):
        with socket.create_connection(("127.0.0.1", http.port)) as connection:
            connection.sendall(request + b'{"lane"')
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close by a reset
    assert http.get(f"/tasks/{queued}")[0] == 200


def test_an_error_is_json_of_one_line(http: Client, queued: str) -> None:
    status, answer = http.post(f"/tasks/{queued}/claim", {"owner": "\x1b[31m\n"})
    assert status == 400 and json.dumps(answer) and answer["error"].isprintable()
