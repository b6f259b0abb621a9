"""Which agents are installed, in which versions, and whether the table was tried with them.

The table says how each agent is run without a person, and how its output is read; `vendors:` in handoff.yaml and
~/.config/agent-lanes/vendors.yaml are laid over it. A version that it was not tried with usually works as well.
"""

from __future__ import annotations

from agent_lanes.cli import output
from agent_lanes.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.cli.options import Arguments, Option
    from agent_lanes.config.model import Config
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.dispatch.installed import Installed
    from agent_lanes.wiring import Session

OPTIONS: tuple[Option, ...] = ()


def run(args: Arguments, session: Session) -> int:
    """Print them."""
    from agent_lanes.dispatch.installed import installed
    from agent_lanes.dispatch.vendors import load

    found = installed(load(_config(session)).values())
    if args.json:
        output.json({"status": "ok", "vendors": [_json(one) for one in found]})
        return 0
    width = max((len(one.vendor.name) for one in found), default=0)
    for one in found:
        output.line(output.one_line(_line(one, width)))
    return 0


def _config(session: Session) -> Config | None:
    """The config, where there is one: agents are there without it, too."""
    try:
        return session.config
    except NotFound:
        return None


def _line(one: Installed, width: int) -> str:
    vendor = one.vendor
    if not one.path:
        return (
            f"{vendor.name:<{width}}  {'-':<14} not installed ({vendor.install or 'no ' + vendor.program + ' on PATH'})"
        )
    tried = {
        "yes": "verified with this version",
        "other_version": f"verified with {vendor.verified.version}",
        "no": "not verified",
        "unknown": f"verified with {vendor.verified.version}; it does not tell its version",
    }[one.verified]
    more = "" if vendor.permission == "safe" else f"; permission: {vendor.permission}"
    return f"{vendor.name:<{width}}  {one.version or '?':<14} {tried}{more}  {one.path}"


def _json(one: Installed) -> JsonObject:
    vendor = one.vendor
    return {
        "name": vendor.name,
        "program": vendor.program,
        "path": one.path or None,
        "version": one.version or None,
        "verified": one.verified,
        "verified_version": vendor.verified.version or None,
        "verified_on": vendor.verified.date or None,
        "verified_how": vendor.verified.how or None,
        "permission": vendor.permission,
        "install": vendor.install or None,
        "login": vendor.login or None,
    }
