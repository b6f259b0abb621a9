"""The sockets under the routes: the standard library's threading server, in a first, careful form.

JSON in, JSON out; errors as {error, code, hint, retryable} with v0.1's 400, 404 and 408. A request may come from
this machine's browser only if it says so itself: a foreign Host or Origin is refused, so that no web page can reach
the queue. Bodies are bounded and slow clients are cut off.
"""

from __future__ import annotations

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from agent_lanes.core.jsontext import dumps, loads_object
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, Forbidden, StorageFailed
from agent_lanes.server.routes import Routes, as_object
from agent_lanes.services.bodies import MAX_BODY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.jsontext import JsonObject

MAX_REQUEST_BYTES = 2 * MAX_BODY_BYTES
SLOWEST_SECONDS = 60
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(routes: Routes, host: str, port: int, *, say: Callable[[str], None]) -> int:
    """Serve until interrupted; returns the exit code."""
    if not 0 <= port <= 65535:
        raise BadUsage(f"--port: {port} is not a port from 0 to 65535")
    try:
        server = Server((host, port), routes)
    except OSError as wrong:
        raise StorageFailed(
            f"cannot listen on {host}:{port}: {wrong.strerror}", hint="choose another --port"
        ) from wrong
    where = f"http://{host}:{server.server_address[1]}/ on {routes.queue.backend.address}"
    say(f"agent-lanes serve: {where}; Ctrl-C ends it")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say("agent-lanes serve: ended")
    finally:
        server.server_close()
    return 0


class Server(ThreadingHTTPServer):
    """One thread a request; none keeps the process alive."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], routes: Routes) -> None:
        self.routes = routes
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)

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
        """A route that reads."""
        self._serve("GET")

    def do_POST(self) -> None:
        """A route that changes."""
        self._serve("POST")

    def _other(self) -> None:
        """There are no others: 404 in JSON, like every route that is not there."""
        self.close_connection = True
        self._serve(self.command)

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _other

    def _serve(self, method: str) -> None:
        try:
            self._check_origin()
            body = self._body() if method == "POST" else self._no_body()
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20, errors="strict"))
            status, answer = self.server.routes.answer(method, unquote(parts.path, errors="strict"), query, body)
        except AgentLanesError as wrong:
            status, answer = wrong.http_status, as_object(wrong)
        except ValueError:
            status, answer = 400, as_object(BadUsage("the address of this request is malformed"))
        except ConnectionError:
            raise
        except Exception as wrong:
            status, answer = (
                500,
                as_object(AgentLanesError(f"a defect of agent-lanes: {type(wrong).__name__}: {wrong}")),
            )
        self._send(status, answer)

    def _check_origin(self) -> None:
        bound = str(self.server.server_address[0])
        host = urlsplit("//" + self.headers.get("Host", "")).hostname or ""
        if bound in LOOPBACK and host not in LOOPBACK:
            self.close_connection = True
            raise Forbidden(f"Host: {host!r} is not this server", hint="use 127.0.0.1 or localhost")
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != self.headers.get("Host"):
            self.close_connection = True
            raise Forbidden(f"Origin: {origin[:100]!r} may not use this server")

    def _body(self) -> JsonObject:
        self.close_connection = True  # until the body has been read, what follows on this connection is not a request
        length = ",".join(self.headers.get_all("Content-Length", []))  # two of them are not a number
        if self.headers.get("Transfer-Encoding") is not None or not (length.isascii() and length.isdigit()):
            raise BadUsage("Content-Length: missing, or not one number; send the body with its length")
        if len(length) > 12 or int(length) > MAX_REQUEST_BYTES:
            raise BadData(f"body: more than {MAX_REQUEST_BYTES >> 20} MiB, which is the limit")
        raw = self.rfile.read(int(length))
        if len(raw) < int(length):
            raise BadData("body: shorter than its Content-Length")
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        try:
            return loads_object(raw.decode()) if raw.strip() else {}
        except ValueError as wrong:
            raise BadData(f"body: {wrong}", hint="send a JSON object") from None

    def _no_body(self) -> JsonObject:
        """What a GET brings along is not read; so that it is not taken for a request, the connection ends."""
        if any(name in self.headers for name in ("Content-Length", "Transfer-Encoding")):
            self.close_connection = True
        return {}

    def _send(self, status: int, answer: JsonObject) -> None:
        data = dumps(answer).encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the store's events are the log."""
