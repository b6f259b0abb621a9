"""The HTTP server: v0.1's routes, on loopback.

Runs until interrupted. Every route is a thin layer over what the commands do; CONTRACT.md, "HTTP", lists them.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.cli.options import WHOLE, Arguments, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.wiring import Session

OPTIONS = (
    Option(flag="--host", metavar="H", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"),
    Option(flag="--port", metavar="N", kind=WHOLE, default=8765, help="the port; 0 picks one (default: 8765)"),
)


def run(args: Arguments, session: Session) -> int:
    """Serve until interrupted."""
    from agent_lanes.server import http
    from agent_lanes.server.routes import Routes

    workspace_id, root = session.workspace
    routes = Routes(session.queue, workspace_id, root, session.found.config_path)
    return http.serve(routes, args.host, args.port, say=output.note)
