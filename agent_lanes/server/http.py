"""The server: where it listens, who may use it, and by which transport.

uvicorn, where `agent-lanes[server]` is installed: a coroutine for each request that waits, and event streams. Else the
standard library's server, as in v0.1: a thread for each. The limits are the same (limits.py).
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import stat
from urllib.parse import quote

from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import BadUsage, StorageFailed, install
from agent_lanes.server import token as tokens
from agent_lanes.server.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from agent_lanes.server.asgi import Asgi
    from agent_lanes.server.routes import Routes

    Mount = tuple[str, Asgi, AbstractAsyncContextManager[object]]

ENVIRONMENT = "AGENT_LANES_TOKEN"
BACKLOG = 1024
MOST_FILES = 16_384


class Place(Frozen):
    """Where to listen: `uds`, the path of a Unix socket, or else a host and a port (0: any)."""

    host: str
    port: int
    uds: str | None = None


def serve(
    routes: Routes,
    place: Place,
    credentials: Callable[[], tuple[str | None, str]],
    *,
    linked: bool = False,
    say: Callable[[str], None],
    mounts: Sequence[Mount] = (),
) -> int:
    """Serve until a signal of `ending`; returns the exit code. Raises BadUsage, StorageFailed.

    `credentials` gives the token (None: nobody is asked for one) and where it lies, in words; it is called once nothing
    about the place can be wrong.
    `linked` says a link to the web page, which holds the token. `mounts` are further ASGI applications: a path, the
    application, and what is entered while the server runs.
    """
    listening = listen(place)
    try:
        local = place.uds is None and _is_loopback(listening)
        token, token_said = credentials()
        if token is None and not local and place.uds is None:
            raise BadUsage("--no-auth is for loopback and Unix sockets only", hint="leave it out, or --host 127.0.0.1")
        if not local and place.uds is None:
            say(f"agent-lanes: warning: --host {place.host}: whoever reads the network reads the token, too")
        ends = ending()
        where = f"unix:{place.uds}" if place.uds is not None else _url(place.host, listening)
        line = f"agent-lanes serve: {where} on {routes.queue.backend.address}; {token_said}; {_how(ends)} ends it"

        def ready(has_page: bool) -> None:
            say(line)
            if has_page and linked and place.uds is None:
                say(f"agent-lanes serve: open {where}{'' if token is None else '#token=' + quote(token, safe='')}")

        _run(listening, routes, Guard(token, local=local), ends, ready, say, mounts)
        say("agent-lanes serve: ended")
    finally:
        listening.close()
        if place.uds is not None:
            _discard(place.uds)
    return 0


def ending() -> tuple[int, ...]:
    """The signals that end the server: SIGTERM, and SIGINT unless this process was started with that ignored.

    So a shell starts what a script puts into the background, that Ctrl-C in the terminal may end the script alone.
    """
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return (signal.SIGTERM,) if ignored else (signal.SIGTERM, signal.SIGINT)


def _how(ends: Sequence[int]) -> str:
    return "Ctrl-C" if signal.SIGINT in ends else "SIGTERM"


def token_of(store: str, given: str | None) -> tuple[str, str]:
    """The token, and where it lies, in words: `--token-file`, AGENT_LANES_TOKEN, or that of the store, made once."""
    if given is not None:
        return tokens.read(given), f"token in {given}"
    stated = os.environ.get(ENVIRONMENT)
    if stated:
        return tokens.checked(ENVIRONMENT, stated), f"token in {ENVIRONMENT}"
    if not os.path.isabs(store):
        raise BadUsage(f"a store in memory keeps no token: give one in {ENVIRONMENT}", hint="or --token-file PATH")
    path = f"{store}/{tokens.NAME}"
    return tokens.made_once(path), f"token in {path}"


def listen(place: Place) -> socket.socket:
    """A socket that listens. Raises BadUsage, StorageFailed."""
    if not 0 <= place.port <= 65535:
        raise BadUsage(f"--port: {place.port} is not a port from 0 to 65535")
    try:
        if place.uds is not None:
            return _unix(place.uds)
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        return socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
    except OSError as wrong:
        where = place.uds or f"{place.host}:{place.port}"
        hint = "choose another --uds" if place.uds else "choose another --port"
        raise StorageFailed(f"cannot listen on {where}: {_why(wrong)}", hint=hint) from wrong


def _why(wrong: OSError) -> str:
    """In the system's own words; those of the socket module repeat the address."""
    return os.strerror(wrong.errno) if isinstance(wrong.errno, int) and wrong.errno > 0 else str(wrong.strerror)


def _unix(path: str) -> socket.socket:
    """A Unix socket for this user alone; one that nobody listens on any more is replaced. Raises OSError."""
    if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listening.bind(path)
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    listening.listen(BACKLOG)
    return listening


def _run(
    listening: socket.socket,
    routes: Routes,
    rules: Guard,
    ends: Sequence[int],
    ready: Callable[[bool], None],
    say: Callable[[str], None],
    mounts: Sequence[Mount],
) -> None:
    _allow_files()
    try:
        from agent_lanes.server import listen as by_uvicorn
    except ImportError:
        from agent_lanes.server import threads

        say(f"agent-lanes: warning: a plain server, without event streams; better: {install('server')}")
        threads.serve(listening, routes, rules, ends, lambda: ready(False))
        return
    from agent_lanes.server.asgi import Application
    from agent_lanes.server.pages import Pages

    app = Application(routes, rules, Pages(), lambda: ready(True))
    for path, mounted, running in mounts:
        app.mount(path, mounted, running)
    by_uvicorn.serve(listening, app, ends)


def _allow_files() -> None:
    """Each connection is a descriptor: take as many as this user may have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_loopback(listening: socket.socket) -> bool:
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def _url(host: str, listening: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
