"""The plain transport: the standard library's server, for installations without `agent-lanes[server]`.

A thread a connection, also while a request waits; no event streams. Routes, rules and limits are the same (routes.py,
guard.py, limits.py). The library's server waits for each byte anew; `Patience` reads until a deadline.
"""

from __future__ import annotations

import contextlib
import io
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent_lanes.core import names
from agent_lanes.core.jsontext import dumps
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, NotFound, install
from agent_lanes.server import guard, limits
from agent_lanes.server.route import Pending, Reply, Request, Stream, refusal
from agent_lanes.services import waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from _typeshed import WriteableBuffer

    from agent_lanes.server.guard import Guard
    from agent_lanes.server.route import Outcome
    from agent_lanes.server.routes import Routes


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
    """One thread a connection; none keeps the process alive."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, routes: Routes, rules: Guard) -> None:
        self.routes, self.rules, self.bodies = routes, rules, limits.Bodies()
        self._lock, self._connections = threading.Lock(), 0
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening

    def get_request(self) -> tuple[socket.socket, str]:
        """The next connection; the address of a client on a Unix socket is empty."""
        connection, _ = self.socket.accept()
        return connection, ""

    @contextlib.contextmanager
    def counted(self) -> Iterator[bool]:
        """One connection more, for so long; whether there is room for it."""
        with self._lock:
            self._connections += 1
            fits = self._connections <= limits.MOST_CONNECTIONS
        try:
            yield fits
        finally:
            with self._lock:
                self._connections -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news; anything else is one line."""
        wrong = sys.exception()
        if not isinstance(wrong, (ConnectionError, TimeoutError)):
            sys.stderr.write(f"agent-lanes serve: {type(wrong).__name__}: {wrong}\n")


class Patience(io.RawIOBase):
    """A connection that is read until a deadline, however slowly the bytes come. Raises TimeoutError then."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self.lasts(seconds)

    def lasts(self, seconds: float) -> None:
        """From now on."""
        self._ends_at = time.monotonic() + seconds

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See io.RawIOBase."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """From a request on the wire to Routes.answer and back."""

    server: Server
    server_version, sys_version = "agent-lanes", ""
    protocol_version = "HTTP/1.1"
    requestline = request_version = command = ""  # until there is a request

    def setup(self) -> None:
        """See the library."""
        super().setup()
        self._patience = Patience(self.connection, limits.HEAD_SECONDS)
        self.rfile = self._reader = io.BufferedReader(self._patience)

    def handle(self) -> None:
        """All requests of one connection; the first is owed at once."""
        with self.server.counted() as fits:
            if not fits:
                self.close_connection = True
                self._send(refusal(limits.too_many_connections()))
                return
            super().handle()

    def handle_one_request(self) -> None:
        """See the library: its head has little time from its first byte on."""
        self.close_connection = True
        with contextlib.suppress(TimeoutError):
            if self._reader.peek(1):
                self._patience.lasts(limits.HEAD_SECONDS)
                super().handle_one_request()
        self._patience.lasts(limits.IDLE_SECONDS)

    def do_GET(self) -> None:
        """Any method: what is no route is 404 in JSON."""
        try:
            reply = self._reply(self._outcome())
        except limits.SlowBody as wrong:
            self.close_connection, reply = True, refusal(wrong)
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
        if sum(len(name) + len(value) for name, value in self.headers.items()) > limits.MOST_HEADER_BYTES:
            raise BadUsage(f"a head of more than {limits.MOST_HEADER_BYTES >> 10} KiB")
        parts, query = guard.address(self.path)
        wanted = Request(method=self.command, parts=parts, query=query, headers=headers)
        self.server.rules.admit(headers, is_open=self.server.routes.is_open(wanted))
        closes = headers.get("connection", "").lower() == "close"
        if self.command != "POST":
            self.close_connection = closes or bool({"content-length", "transfer-encoding"} & headers.keys())
            return self.server.routes.answer(wanted)
        length = self.server.rules.length(headers)
        self.server.bodies.take(length)
        try:
            body = self._body(length)
            self.close_connection = closes
            return self.server.routes.answer(wanted.replace(body=guard.parsed(body)))
        finally:
            self.server.bodies.give(length)

    def _body(self, length: int) -> bytes:
        """All of it. Raises BadData, SlowBody."""
        self._patience.lasts(limits.BODY_SECONDS)
        try:
            raw = self.rfile.read(length)
        except TimeoutError:
            raise limits.SlowBody from None
        if len(raw) < length:
            raise BadData("body: shorter than its Content-Length")
        return raw

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
        self.connection.settimeout(limits.TAKING_SECONDS)
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
