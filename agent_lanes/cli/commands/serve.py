"""The HTTP server, on loopback: JSON routes, event streams, long polls.

Runs until Ctrl-C or SIGTERM; what a script has started in the background, with SIGINT ignored, until SIGTERM. Clients
show a token: `Authorization: Bearer TOKEN`. It is made at the first start and lies in the state folder as serve.token,
for this user alone. Every route is a thin layer over what the commands do; CONTRACT.md, "HTTP", lists them, and so does
/openapi.json. Installed as agent-lanes[server] it takes thousands of clients that wait; a bare install serves the same
routes with a thread for each request, without event streams.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, PAIRS, WHOLE, Arguments, Option
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.server.http import Mount
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(flag="--host", metavar="H", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"),
    Option(flag="--port", metavar="N", kind=WHOLE, default=8765, help="the port; 0 picks one (default: 8765)"),
    Option(flag="--uds", metavar="PATH", help="listen on a Unix socket instead, for this user alone"),
    Option(flag="--token-file", metavar="PATH", help="the token is in this file, or AGENT_LANES_TOKEN"),
    Option(flag="--no-auth", kind=FLAG, default=False, help="ask for no token: only on loopback or a Unix socket"),
    Option(flag="--workspace", metavar="DIR", kind=PAIRS, help="tasks may lie in this folder, too; repeatable"),
)


def run(args: Arguments, session: Session) -> int:
    """Serve until interrupted."""
    import os

    from agent_lanes.server import http
    from agent_lanes.server.routes import Routes
    from agent_lanes.server.workspaces import Workspaces

    if args.no_auth and args.token_file is not None:
        raise BadUsage("serve: --no-auth and --token-file exclude each other")
    place = http.Place(host=args.host, port=args.port, uds=args.uds)
    workspace_id, root = session.workspace
    roots = [root, *(os.path.join(session.folder, more) for more in args.workspace)]
    routes = Routes(session.queue, Workspaces(workspace_id, roots, session.found.config_path))

    def credentials() -> tuple[str | None, str]:
        if args.no_auth:
            output.warning("serve --no-auth: every program and every user of this machine may use this queue")
            return None, "no token asked for"
        session.backend.prepare()
        return http.token_of(session.store_address, args.token_file)

    linked, mounts = output.on_terminal(2), _mcp(session)
    return http.serve(routes, place, credentials, linked=linked, say=output.note, mounts=mounts)


def _mcp(session: Session) -> tuple[Mount, ...]:
    """The MCP server below /mcp, where its extra is installed."""
    try:
        from agent_lanes.mcp.server import mount
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("agent_lanes"):
            raise
        return ()
    return (mount(session),)
