"""The queue as an MCP server on stdin and stdout.

An agent starts it: claude mcp add agent-lanes -- agent-lanes mcp. It serves that one client until it leaves. Where
there is no queue, its tools say so. Needs the extra `mcp`: pip install 'agent-lanes[mcp]'.
"""

from __future__ import annotations

from agent_lanes.errors import missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Arguments, Option
    from agent_lanes.wiring import Session

OPTIONS: tuple[Option, ...] = ()


def run(args: Arguments, session: Session) -> int:
    """Serve until the client leaves."""
    try:
        from agent_lanes.mcp.server import stdio
    except ModuleNotFoundError as wrong:
        package = (wrong.name or "").partition(".")[0]
        if package == "agent_lanes":
            raise
        raise missing("mcp", package, "mcp") from None
    return stdio(session)
