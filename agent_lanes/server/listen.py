"""uvicorn, which `agent-lanes[server]` installs: the only door to it.

It reads HTTP with h11, which is strict about framing. What it lacks is a limit on the time that a client may take:
`Careful` counts from when a connection owes a request, or its answer is not taken, and ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from agent_lanes.core.jsontext import dumps
from agent_lanes.errors import AgentLanesError, BadUsage
from agent_lanes.server import guard, limits
from agent_lanes.server.route import JSON, as_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import FrameType

    from agent_lanes.server.asgi import Application

SWEEP_SECONDS = 2.0
GRACE_SECONDS = 5


class Careful(H11Protocol):
    """One connection: refused in JSON where it makes no sense, ended where it takes too long."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client; the clock runs for its first request."""
        super().connection_made(transport)
        self._owing_since: float | None = self.loop.time()
        self._stuck_since, self._unsent = self._owing_since, 0
        if len(self.connections) > limits.MOST_CONNECTIONS:
            self._refuse(limits.too_many_connections())

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of none."""
        if self._owing_since is None and self.conn.their_state is h11.IDLE:
            self._owing_since = self.loop.time()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._owing_since = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; it may stand behind a request that is being answered, and then that is the last one."""
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        if self.cycle is not None:
            self.cycle.disconnected = True  # whatever it was going to answer
        self._refuse(BadUsage("this is no HTTP request that makes sense"))

    def overdue(self, now: float) -> bool:
        """Whether the client takes too long: to send the head of a request, or to take what was sent."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self._stuck_since = unsent, now
        if self._owing_since is None and self._unread():
            self._owing_since = now
        owing = self._owing_since is not None and now - self._owing_since > limits.HEAD_SECONDS
        return owing or now - self._stuck_since > limits.TAKING_SECONDS

    def _unread(self) -> bool:
        """Whether the rest of a body is still to come that was refused: it is passed over, for a while."""
        refused = self.cycle is not None and self.cycle.response_complete
        return refused and self.conn.their_state is h11.SEND_BODY

    def end(self) -> None:
        """End it at once."""
        self.transport.abort()

    def _refuse(self, wrong: AgentLanesError) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            data = dumps(as_object(wrong)).encode()
            headers = [("Content-Type", JSON), ("Content-Length", str(len(data))), ("Connection", "close")]
            head = h11.Response(status_code=wrong.http_status, headers=headers + guard.headers_of(wrong.http_status))
            for event in (head, h11.Data(data=data), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Server(uvicorn.Server):
    """Sleeps until a signal, but for a look at the connections; what waits then is told that its time is over."""

    def __init__(self, config: uvicorn.Config, app: Application, ends: Sequence[int]) -> None:
        super().__init__(config)
        self._app, self._ends = app, ends

    async def main_loop(self) -> None:
        """Until a signal; ends what takes too long."""
        self._loop, self._signalled = asyncio.get_running_loop(), asyncio.Event()
        while not self.should_exit:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._signalled.wait()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Careful) and connection.overdue(self._loop.time()):
                    connection.end()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let everybody go."""
        self._app.end()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it when all is answered, a second one at once."""
        self.force_exit, self.should_exit = self.should_exit, True
        if hasattr(self, "_loop"):
            self._loop.call_soon_threadsafe(self._signalled.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As the original, but a server that was asked to end has ended well: no signal is raised again."""
        before = {sig: signal.signal(sig, self.handle_exit) for sig in self._ends}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


def serve(listening: socket.socket, app: Application, ends: Sequence[int]) -> None:
    """Serve on a socket that listens, until one of these signals."""
    config = uvicorn.Config(
        app,
        http=Careful,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=int(limits.IDLE_SECONDS),
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=limits.MOST_HEADER_BYTES,
        backlog=limits.MOST_CONNECTIONS,
    )
    Server(config, app, ends).run(sockets=[listening])
