"""Who may use a server: the token, where it lies, and the ways in without one."""

from __future__ import annotations

import http.client
import json
import socket
import stat
from pathlib import Path

import pytest
from cli.process import BAD_DATA, IO_ERROR, NOT_ALLOWED, NOT_FOUND, USAGE, Command

from server.client import Client, answer_of, serving

TOKEN = "a-token-for-these-tests"
ROUTES = [("POST", "/tasks"), *(("GET", path) for path in ("/tasks", "/events", "/metrics", "/nothing", "/mcp"))]


@pytest.mark.parametrize(
    "shown", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}, {"Authorization": ""}]
)
def test_without_the_token_nothing_is_told_and_nothing_done(run: Command, http: Client, shown: dict[str, str]) -> None:
    http.token = None
    for method, path in ROUTES:
        status, answer = http.send(method, path, b'{"lane": "x", "prompt": "y"}' if method == "POST" else None, shown)
        assert (status, answer["code"]) == (401, "unauthorized") and "Authorization" in answer["error"]
    assert run("list").json["count"] == 0


def test_health_and_the_description_need_no_token_but_the_right_host(http: Client) -> None:
    http.token = None
    assert http.get("/health")[1]["status"] == "ok"
    assert http.get("/openapi.json")[1]["openapi"] == "3.1.0"
    assert http.get("/health", Host="example.com")[0] == 403


def test_the_token_is_made_once_for_this_user_alone(run: Command) -> None:
    file = run.folder / "handoff/state/serve.token"
    with serving(run):
        token = file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(token.strip()) >= 32
    with serving(run):
        assert file.read_bytes() == token
    run("doctor")


def test_a_token_that_others_may_read_is_refused(run: Command) -> None:
    file = run.folder / "mine.token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    assert "chmod 600" in run("serve", "--port", "0", "--token-file", "mine.token", code=NOT_ALLOWED).why
    file.chmod(0o600)
    file.write_text("short")
    assert "holds no token" in run("serve", "--port", "0", "--token-file", "mine.token", code=BAD_DATA).why
    assert "no token file" in run("serve", "--port", "0", "--token-file", "none", code=NOT_FOUND).why
    file.write_text(TOKEN)
    with serving(run, "--token-file", str(file)) as client:
        assert client.token == TOKEN and client.get("/tasks")[0] == 200


def test_the_token_may_come_from_the_environment(run: Command) -> None:
    with serving(run, token=TOKEN) as client:
        assert client.get("/tasks")[0] == 200
    assert not (run.folder / "handoff/state/serve.token").exists()
    why = run("serve", "--port", "0", code=BAD_DATA, env={"AGENT_LANES_TOKEN": "a b"}).why
    assert "AGENT_LANES_TOKEN" in why


def test_without_auth_it_is_as_in_v01_with_a_warning(run: Command) -> None:
    with serving(run, "--no-auth") as client:
        assert client.token is None
        assert client.post("/tasks", {"lane": "x", "prompt": "y"})[0] == 201
        form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d says
        assert client.send("POST", "/tasks", b'{"lane": "x", "prompt": "y"}', form)[0] == 201
        assert client.get("/tasks", Origin="http://example.com")[0] == 403
        assert client.send("POST", "/tasks", b"{}", {"Content-Type": "text/plain"})[0] == 415
    assert not (run.folder / "handoff/state/serve.token").exists()


def test_without_auth_only_this_machine_is_served(run: Command) -> None:
    assert "--no-auth" in run("serve", "--port", "0", "--host", "0.0.0.0", "--no-auth", code=USAGE).why
    assert "--token-file" in run("serve", "--port", "0", "--no-auth", "--token-file", "x", code=USAGE).why


def test_a_unix_socket_is_for_this_user_alone_and_goes_with_the_server(run: Command) -> None:
    path = run.folder / "s"
    with run.start("serve", "--uds", "s", env={"AGENT_LANES_TOKEN": TOKEN}) as server:
        server.line("agent-lanes serve: unix:s")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert over(path, {})[0] == 401 and over(path, {"Authorization": f"Bearer {TOKEN}"})[0] == 200
        assert "cannot listen" in run("serve", "--uds", "s", code=IO_ERROR).why
        server.interrupt()
        server.end(0)
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # and nobody listens: what a killed server leaves
    with run.start("serve", "--uds", "s", "--no-auth") as server:
        server.line("agent-lanes serve: unix:s")
        assert over(path, {})[0] == 200


def over(path: Path, headers: dict[str, str]) -> tuple[int, object]:
    """GET /tasks through a Unix socket."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    try:
        connection.request("GET", "/tasks", headers=headers)
        return answer_of(connection.getresponse())
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_any_web_page_could_send_is_415(http: Client, kind: str) -> None:
    status, answer = http.send("POST", "/tasks", b'{"lane": "x", "prompt": "y"}', {"Content-Type": kind})
    assert (status, answer["code"]) == (415, "wrong_media")
    for fine in ("application/json", "application/json; charset=utf-8", "application/vnd.x+json", "Application/JSON"):
        body = b'{"lane": "x", "prompt": "y"}'
        assert http.send("POST", "/tasks", body, {"Content-Type": fine})[0] == 201


def test_a_workspace_that_nobody_named_is_refused(run: Command, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "request.md").write_text("x")
    asked = {"lane": "x", "workspace_root": str(other), "request_path": "request.md"}
    with serving(run) as client:
        for root in (str(other), "/", "..", str(tmp_path)):
            status, answer = client.post("/tasks", {**asked, "workspace_root": root})
            assert (status, answer["code"]) == (400, "not_allowed") and "workspace_root" in answer["error"]
    with serving(run, "--workspace", str(other)) as client:
        assert client.post("/tasks", asked)[0] == 201


@pytest.mark.parametrize("words", [(), ("--no-auth",)])
def test_no_file_of_the_store_is_given_away_as_a_request(run: Command, words: tuple[str, ...]) -> None:
    state = run.folder / "handoff/state"
    id = run("submit", "--lane", "default", "--prompt", "x", "--quiet").line
    run("claim", id)
    (state / "serve.token").write_text(TOKEN)
    (state / "serve.token").chmod(0o600)
    (run.folder / "link").symlink_to(state / "serve.token")
    paths = ("handoff/state/serve.token", f"handoff/state/tasks/{id}/claim.json", str(state / "store.json"), "link")
    with serving(run, *words) as http:
        for path in paths:
            for named in ({"request_path": path}, {"supporting_paths": ["request.md", path]}):
                for route, body in (("/tasks", {"lane": "x", "prompt": "y", **named}), ("/tasks/many", named)):
                    wanted = body if route == "/tasks" else {"tasks": [{"lane": "x", "prompt": "y", **body}]}
                    told = json.dumps(http.post(route, wanted)[1])
                    assert "lies inside the store" in told and next(iter(named)) in told
    assert run("list").json["count"] == 1
