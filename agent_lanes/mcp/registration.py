"""How each agent is told of this server, by its own convention. Pure: texts and values, nothing is written here.

Sources: the vendors' documents, and the real programs as tests/vendors runs them.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

NAME = "agent-lanes"
TOOL_TIMEOUT_SECONDS = 120  # Codex gives up a call after 60 s, unless it is told otherwise


class Registration(Frozen):
    """Where one agent looks, relative to the home (`user`) or the project folder, and what it must find there.

    `entry` is put below `keys` (a path of mappings) of a JSON or TOML file.
    """

    vendor: str
    path: str
    user: bool
    format: str
    keys: tuple[str, ...]
    entry: JsonObject


def registration(vendor: str, command: tuple[str, ...]) -> Registration | None:
    """Of one vendor, for the command line that starts the server; None for one whose convention is not known."""
    program, *words = command
    started: JsonObject = {"command": program, "args": list(words)}
    if vendor == "claude":  # a project's .mcp.json; `type` must be there as soon as there is a `url`
        return _json(vendor, ".mcp.json", False, ("mcpServers", NAME), {"type": "stdio", **started})
    if vendor == "codex":  # `exec` refuses each call of a tool that is not approved beforehand
        entry = {**started, "tool_timeout_sec": TOOL_TIMEOUT_SECONDS, "default_tools_approval_mode": "approve"}
        keys = ("mcp_servers", NAME)
        return Registration(vendor=vendor, path=".codex/config.toml", user=True, format="toml", keys=keys, entry=entry)
    if vendor == "gemini":  # without `trust` its headless mode does not see the tools
        return _json(vendor, ".gemini/settings.json", False, ("mcpServers", NAME), {**started, "trust": True})
    if vendor == "opencode":
        entry = {"type": "local", "command": [program, *words], "enabled": True}
        return _json(vendor, "opencode.json", False, ("mcp", NAME), entry)
    if vendor == "qwen":
        return _json(vendor, ".qwen/settings.json", False, ("mcpServers", NAME), started)
    return None


def _json(vendor: str, path: str, user: bool, keys: tuple[str, ...], entry: JsonObject) -> Registration:
    return Registration(vendor=vendor, path=path, user=user, format="json", keys=keys, entry=entry)
