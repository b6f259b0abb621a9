"""The life of one task as seven commands: what C1, C3 and T1 have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from stores import Workspace

NAMES = ("submit", "status", "claim", "renew", "event", "respond", "wait")


def life(space: Workspace, call: Callable[[str, list[str]], str]) -> None:
    """Run the seven commands on one new task; `call` gets the name and the argv, and returns what it printed."""
    command = space.build.command
    files = ["--request-from", "request.md", "--response-to", "answers/answer.md"]
    id = call("submit", [command, "submit", "--lane", "review", *files]).split()[0]
    call("status", [command, "status", id])
    claimed = call("claim", [command, "claim", id, "--owner", "bench"])
    token = next(line for line in claimed.splitlines() if line.startswith("claim_token=")).split("=")[1]
    call("renew", [command, "renew", id, "--claim-token", token])
    call("event", [command, "event", id, "--message", "half done"])
    call("respond", [command, "respond", id, "--claim-token", token, "--body", "ok"])
    call("wait", [command, "wait", id])
