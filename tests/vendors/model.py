"""A model server on loopback that does what a script says, in the wire formats of four APIs; and a proxy that refuses.

    with Model(Say("42")) as model:
        ... run an agent with model.url as the address of its API ...
        model.requests      what it was asked
        model.strangers     the hosts that the agent tried to reach beside it

The script is a list of steps: each request that offers tools takes the next one, and the last one stays. A request
without tools (the title of a chat) is answered with a word; a refusal is for every request. A function in place of a
step is asked with each request what to do.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vendors.wires import Anthropic, Chat, Cut, Fail, Gemini, Hang, Responses, Say, Step

PATHS = (
    ("/v1/messages", Anthropic),
    ("/chat/completions", Chat),
    ("/responses", Responses),
    ("GenerateContent", Gemini),
    (":generateContent", Gemini),
)


@dataclass(frozen=True)
class Request:
    """What an agent asked for."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def main(self) -> bool:
        """Whether it is the agent's work, not one of its errands."""
        return bool(self.body.get("tools"))

    @property
    def texts(self) -> str:
        """Every text in it, one after another."""
        return "\n".join(texts_in({key: value for key, value in self.body.items() if key != "tools"}))


class Model:
    """The server; a context manager."""

    def __init__(self, *script: Step | Callable[[Request], Step]) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.strangers: list[str] = []
        self.asked = threading.Condition()
        self.ending = threading.Event()
        self._taken = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def work(self) -> list[Request]:
        """The requests that offered tools."""
        return [request for request in self.requests if request.main]

    def __enter__(self) -> Model:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for_request(self, seconds: float = 60) -> None:
        """Return once an agent has asked for something."""
        with self.asked:
            assert self.asked.wait_for(lambda: self.requests, seconds), "no request came"

    def step(self, request: Request) -> Step:
        """What to do with a request."""
        with self.asked:
            self.requests.append(request)
            self.asked.notify_all()
            step = self.script[min(self._taken, len(self.script) - 1)]
            if not request.main and not isinstance(step, Fail | Hang):
                return Say("A title")
            self._taken += request.main
            return step(request) if callable(step) else step


def handler(model: Model) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        close_connection = True

        def log_message(self, format: str, *words: object) -> None:
            pass

        def do_CONNECT(self) -> None:
            model.strangers.append(self.path)
            self.send_error(403, "loopback only")

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            if self.path.startswith("http"):
                model.strangers.append(self.path)
            self.whole(200, {"object": "list", "data": [], "models": []})

        def do_POST(self) -> None:
            content = self.content()
            if self.path.startswith("http"):
                model.strangers.append(self.path)
            wire = next((wire for part, wire in PATHS if part in self.path), None)
            try:
                body = json.loads(content or b"{}")
            except ValueError:
                body = {}
            if wire is None or "count_tokens" in self.path or "countTokens" in self.path:
                self.whole(200, {"input_tokens": 1, "totalTokens": 1})
                return
            request = Request(self.path, {key.lower(): value for key, value in self.headers.items()}, body)
            step = model.step(request)
            try:
                self.reply(wire, step, body)
            except (BrokenPipeError, ConnectionResetError):
                pass

        def reply(self, wire: Any, step: Step, body: dict[str, Any]) -> None:
            name, number = str(body.get("model") or self.path.rpartition("/")[2].partition(":")[0]), len(model.requests)
            if isinstance(step, Hang):
                model.ending.wait()
            elif isinstance(step, Fail):
                self.whole(step.status, wire.error(step), step.headers)
            elif body.get("stream") or "stream" in self.path:
                self.stream(wire.events(step, name, number), wire is Chat, cut=isinstance(step, Cut))
            else:
                self.whole(200, wire.whole(step, name, number))

        def content(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def whole(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        def stream(self, events: list[tuple[str, dict[str, Any]]], done: bool, *, cut: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for name, data in events[: len(events) - 2] if cut else events:
                line = f"event: {name}\n" if name else ""
                self.wfile.write(f"{line}data: {json.dumps(data)}\n\n".encode())
            if done and not cut:
                self.wfile.write(b"data: [DONE]\n\n")

    return Handler


def texts_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return []
