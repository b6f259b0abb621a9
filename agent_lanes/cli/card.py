"""One task as a card: what it is, how it stands, who has it, what is next."""

from __future__ import annotations

from agent_lanes.cli.screen import BOLD, DIM, Paint, shortened, wrapped
from agent_lanes.cli.tabular import STYLES
from agent_lanes.core import glance
from agent_lanes.core.escapes import one_line
from agent_lanes.core.names import short_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_lanes.core.jsontext import JsonObject

LABEL = 10


def lines(view: JsonObject, now: int, columns: int, paint: Paint) -> Iterator[str]:
    """The card of a status view, in lines of at most so many columns; only `next` may take more than one."""
    phase = glance.phase(view)
    yield f"{paint(short_id(str(view['id'])), BOLD)}  {paint(phase, STYLES.get(phase, ''), BOLD)}"
    yield f"  {paint(shortened(one_line(glance.title(view)), columns - 2))}"
    for label, value in _facts(view, now):
        text, room = one_line(value), columns - LABEL - 2
        pieces = wrapped(text, room) if label == "next" else [shortened(text, room)]
        for number, piece in enumerate(pieces if value else ()):
            yield f"  {paint(('' if number else label).ljust(LABEL), DIM)}{paint(piece)}"


def _facts(view: JsonObject, now: int) -> Iterator[tuple[str, str]]:
    metadata, last = view["metadata"], view["last_event"]
    vendor = metadata.get("required_vendor") if isinstance(metadata, dict) else None
    yield "lane", f"{view['lane']}{f' · for {vendor}' if vendor else ''} · priority {view['priority']}"
    yield "asked", f"{_ago(view['created_at'], now)} by {view['source_agent']}"
    if view["claim_owner"]:
        yield "held by" if view["state"] == "claimed" else "taken by", _holder(view, now)
    tries = glance.attempt(view)
    yield "attempt", tries.replace("/", " of ")
    yield "answered", _answered(view, now)
    if isinstance(last, dict):
        message = f": {last['message']}" if last["message"] else ""
        yield "last", f"{_ago(last['created_at'], now)} · {last['type']}{message}"
    yield "reason", str(view["failure_reason"] or view["hold_reason"] or view["parked_reason"] or "")
    yield "in", str(view["worktree_path"] or view["workspace_root"])
    yield "request", str(view["request_path"] or "")
    yield "answer to", str(view["response_path"] or "")
    yield "id", str(view["id"])
    yield "next", str(view["next_action"])


def _holder(view: JsonObject, now: int) -> str:
    who = f"{view['claim_owner']} for {glance.span(glance.seconds_since(view['claimed_at'], now))}"
    if view["state"] != "claimed":
        return str(view["claim_owner"])
    if view["lease_expired"]:
        return f"{who} · its lease has run out"
    left = view["seconds_until_lease_expiry"]
    return f"{who} · lease ends in {glance.span(left if isinstance(left, int) else 0)}"


def _answered(view: JsonObject, now: int) -> str:
    at = view["completed_at"] or view["failed_at"]
    return _ago(at, now) if at else ""


def _ago(at: object, now: int) -> str:
    return f"{glance.span(glance.seconds_since(at, now))} ago"
