"""Errors in the words of the caller: services name a field, and who gave it by a flag knows it by that.

One rule: what came by a flag is named as the flag, what came from a file or over another door as the field.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.cli.options import Arguments, Option
    from agent_lanes.errors import AgentLanesError

OTHER_NAMES = {
    "--task-id": "correlation_id",
    "--delay": "not_before",
    "--expires": "expires_at",
    "--request-from": "request_path",
    "--response-to": "response_path",
}


def name(error: AgentLanesError, options: Iterable[Option], args: Arguments) -> None:
    """Put the flag in the place of a field that a message begins with and that came by it, or that was not given."""
    for option in options:
        error.message = error.message.replace(f"no {option.name} was given", f"no {option.flag} was given")
        field = OTHER_NAMES.get(option.flag, option.name)
        rest = error.message.removeprefix(field)
        begun = rest != error.message and (rest[:1] in (":", ".") or (rest[:1] == " " and field.endswith("_path")))
        if begun and not option.positional and args.__dict__[option.name] not in (None, [], option.default):
            error.message = option.flag + (" " + rest[1:] if rest[0] == "." else rest)
            return
