"""The plain transport: the standard library's server, for installations without `agent-lanes[server]`.

A thread a request, also while it waits; no event streams. The routes and the rules are the same (routes.py, guard.py).
"""

from __future__ import annotations

import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent_lanes.core import names
from agent_lanes.core.jsontext import dumps
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, NotFound, install
from agent_lanes.server import guard
from agent_lanes.server.route import Pending, Reply, Request, Stream, refusal
from agent_lanes.services import waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_lanes.server.guard import Guard
    from agent_lanes.server.route import Outcome
    from agent_lanes.server.routes import Routes

SLOWEST_SECONDS = 60


def serve(
    listening: socket.socket, routes: Routes, rules: Guard, ends: Sequence[int], ready: Callable[[], None]
) -> None:
    """Serve on a socket that listens, until one of these signals; they are heeded before `ready` is told."""
    server = Server(listening, routes, rules)
    for number in ends:
        signal.signal(number, signal.default_int_handler)
    try:
        ready()
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


class Server(ThreadingHTTPServer):
    """One thread a request; none keeps the process alive."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, routes: Routes, rules: Guard) -> None:
        self.routes, self.rules = routes, rules
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening

    def get_request(self) -> tuple[socket.socket, str]:
        """The next connection; the address of a client on a Unix socket is empty."""
        connection, _ = self.socket.accept()
        return connection, ""

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is one line."""
        wrong = sys.exception()
        if not isinstance(wrong, (ConnectionError, TimeoutError)):
            sys.stderr.write(f"agent-lanes serve: {type(wrong).__name__}: {wrong}\n")


class Handler(BaseHTTPRequestHandler):
    """From a request on the wire to Routes.answer and back."""

    server: Server
    server_version, sys_version = "agent-lanes", ""
    protocol_version = "HTTP/1.1"
    timeout = SLOWEST_SECONDS

    def do_GET(self) -> None:
        """Any method: what is no route is 404 in JSON."""
        try:
            reply = self._reply(self._outcome())
        except AgentLanesError as wrong:
            reply = refusal(wrong)
        except ConnectionError:
            raise
        except Exception as wrong:
            reply = refusal(AgentLanesError(f"a defect of agent-lanes: {type(wrong).__name__}: {wrong}"))
        self._send(reply)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Whatever method it is."""
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses by itself: no HTTP, or too much of it."""
        self.close_connection = True
        self._send(refusal(BadUsage("this is no HTTP request that makes sense")))

    def _outcome(self) -> Outcome:
        self.close_connection = True  # until all of it has been read, what follows on this connection is no request
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            if not value.replace("\t", "").isprintable():
                raise BadUsage(f"{names.shown(name)}: a header with characters that cannot be printed")
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
        parts, query = guard.address(self.path)
        wanted = Request(method=self.command, parts=parts, query=query, headers=headers)
        self.server.rules.admit(headers, is_open=self.server.routes.is_open(wanted))
        if self.command == "POST":
            length = self.server.rules.length(headers)
            raw = self.rfile.read(length)
            if len(raw) < length:
                raise BadData("body: shorter than its Content-Length")
            wanted = wanted.replace(body=guard.parsed(raw))
        if self.command == "POST" or not {"content-length", "transfer-encoding"} & headers.keys():
            self.close_connection = headers.get("connection", "").lower() == "close"
        return self.server.routes.answer(wanted)

    def _reply(self, outcome: Outcome) -> Reply:
        if isinstance(outcome, Stream):
            raise NotFound("event streams need more than a bare install", hint=install("server"))
        if isinstance(outcome, Pending):
            found = waiting.until(outcome.sought, outcome.seconds)
            return outcome.over() if found is None else outcome.found(found)
        return outcome

    def _send(self, reply: Reply) -> None:
        text = dumps(reply.body) if reply.text is None else reply.text
        data = text.encode("utf-8", "backslashreplace")
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in guard.headers_of(reply.status):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the store's events are the log."""
