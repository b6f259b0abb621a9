"""Who may use the server at all: every route, for whoever has no token, another name, another page, another content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from holding.place import expect

from serving.house import TOKEN, House, unchanging

HOSTS = ("example.com", "127.0.0.1.example.com", "0.0.0.0", "[::2]", "127.0.0.1@example.com", "x" * 5000, "localhost.")
ORIGINS = ("http://example.com", "null", "http://127.0.0.1:1", "https://localhost", "file://", "x")
TOKENS = ("Bearer", "Bearer x", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xff\xfe")
CONTENTS = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "application/jsonp",
    "application/octet-stream",
    "json",
    "\xff",
)
LEADING_OUT = (
    "..",
    "%2e%2e",
    "%2E%2E%2F%2E%2E",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "%5c..%5c",
    "%252e%252e",
    "a%00b",
    "%00",
    "%ff",
    "a%0d%0ab",
    ".hidden",
    "~root",
    "x" * 300,
    "link.md",
    "%c0%ae%c0%ae",
)
TAKEN = {("response_path", "request.md/x")}  # a folder to come
TARGETS = (
    "/../../../../etc/passwd",
    "//etc/passwd",
    "/web/../../../../etc/passwd",
    "/web/%2e%2e/%2e%2e/route.py",
    "/web/..%2f..%2froute.py",
    "/web//etc/passwd",
    "/web/app.js%00.html",
    "/%2e%2e/outside/secret.md",
    "/linked/secret.md",
    "http://example.com/tasks",
    "http://127.0.0.1:1/health",
    "*",
    "tasks",
    "/tasks/\x7f",
    "/tasks\\..\\x",
    "/?../../etc/passwd",
)


def calls(house: House) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method and path of every route, and what the description says of it."""
    for path, methods in house.routes.items():
        for method, described in methods.items():
            yield method.upper(), path.replace("{id}", house.task), described
    yield "POST", "/mcp", {}


def closed(house: House) -> Iterator[tuple[str, str]]:
    """Those that ask for a token."""
    return ((method, path) for method, path, described in calls(house) if described.get("security") != [])


def _asked(house: House, method: str, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    body = b"{}" if method == "POST" else None
    return house.send(method, path, body, {"Content-Type": "application/json", **headers})


@unchanging("who has no token has changed the store")
def tokens(house: House) -> None:
    """401."""
    for method, path in closed(house):
        for shown in ("", *TOKENS):
            told = _asked(house, method, path, Authorization=shown)
            house.refused(told, 401, f"{method} {path} with {shown[:30]!r}", names="Authorization")


@unchanging("a foreign page has changed the store")
def foreign(house: House) -> None:
    """403."""
    for method, path, _ in calls(house):
        for host in HOSTS:
            told = _asked(house, method, path, Host=host)
            house.refused(told, 403, f"{method} {path} for Host {host[:30]}", names="Host")
        for origin in ORIGINS:
            told = _asked(house, method, path, Origin=origin)
            house.refused(told, 403, f"{method} {path} from {origin!r}", names="Origin")


@unchanging("what is no JSON has changed the store")
def contents(house: House) -> None:
    """415, and 400 for what is said to be JSON and is none."""
    broken = (b"{", b"[]", b"null", b'"x"', b'{"a": NaN}', b"{} {}", b"\xff", b"\0", '{"a": 1}'.encode("utf-16"))
    deep = (b'{"lane": ' + b"[" * 200_000, b'{"lane": ' + b"9" * 100_000 + b"}", b'{"lane": 1, "lane": 2}')
    for method, path in closed(house):
        if method != "POST" or path == "/mcp":
            continue
        for kind in CONTENTS:
            told = house.send("POST", path, b'{"lane": "x", "prompt": "y"}', {"Content-Type": kind})
            house.refused(told, 415, f"POST {path} of {kind!r}", names="Content-Type")
        for body in (*broken, *deep):
            told = house.send("POST", path, body, {"Content-Type": "application/json"})
            house.refused(told, 400, f"POST {path} of {body[:30]!r}")


@unchanging("an id that is none has changed the store")
def ids(house: House) -> None:
    """No such task, no such route, or no address; and nothing is shown of any file."""
    for method, path, _ in calls(house):
        if house.task in path:
            for id in LEADING_OUT:
                status, told = _asked(house, method, path.replace(house.task, id))
                expect(status in (400, 404, 405), f"{method} {path} of {id}: {status} {told}")


def targets(house: House) -> str:
    """A page, or a refusal; no other file."""
    for target in TARGETS:
        head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
        answer = house.raw(head.encode("latin-1"))
        shown, _, body = answer.partition(b"\r\n\r\n")
        status = int(shown.split()[1]) if shown else 400
        house.asked[status] += 1
        expect(status in (400, 404, 405) or target.startswith("/?"), f"GET {target}: {shown!r}")
        expect(b"root:" not in body and b"def " not in body and b"secret" not in body, f"GET {target}: {body[:200]!r}")
    return house.sound()


@unchanging("a task whose paths lead out was taken")
def files(house: House) -> None:
    """400, by the field's name; nothing of what lies outside is read, hashed or written."""
    outside = str(house.root / "outside")
    paths = (
        f"{outside}/secret.md",
        "../outside/secret.md",
        "link.md",
        "linked/secret.md",
        "linked/new.md",
        "/etc/passwd",
    )
    paths += ("/proc/self/environ", "/dev/zero", "pipe", "state/store.json", "a\0b", "", "x" * 5000, "request.md/x")
    roots = (outside, "..", "linked", "/", "/etc", "a\0b", "")
    good = {"lane": "work", "prompt": "x"}
    for path in paths:
        for field in ("request_path", "response_path", "supporting_paths"):
            value = [path] if field == "supporting_paths" else path
            if (field, path) in TAKEN:
                continue
            what = f"POST /tasks {field}={path[:40]!r}"
            status, told = house.post("/tasks", {**good, field: value})
            expect(status in (400, 404), f"{what}: {status} {json.dumps(told)[:300]}")
            expect(field in told["error"], f"{what}: the error does not name it: {told['error']}")
    for root in roots:
        told = house.post("/tasks", {**good, "workspace_root": root})
        house.refused(told, 400, f"POST /tasks workspace_root={root!r}", names="workspace_root")
        told = house.post("/tasks/many", {"tasks": [{**good, "workspace_root": root}]})
        expect("workspace_root" in told[1]["results"][0]["error"], f"POST /tasks/many workspace_root={root!r}: {told}")


def methods(house: House) -> str:
    """405, and the others are named."""
    for path in {path for _, path, _ in calls(house) if path != "/mcp"}:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", quote("a b")):
            house.refused(_asked(house, method, path), 405, f"{method} {path}")
    return house.sound()
