"""The routes about lanes as a whole: holds, dead letters, costs. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from agent_lanes.core.holds import encode_hold
from agent_lanes.core.terms import instant
from agent_lanes.errors import NotFound
from agent_lanes.server.fields import flag, instant_after, text
from agent_lanes.services import costs, dead, holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Snapshot
    from agent_lanes.services.queue import QueueService

    Answer = tuple[int, JsonObject]


def answer(queue: QueueService, method: str, parts: list[str], query: dict[str, str], body: JsonObject) -> Answer:
    """The answer to /holds, /dead and /costs. Raises AgentLanesError."""
    route = ROUTES.get((method, *parts))
    if route is None:
        raise NotFound(f"no such route: {method} /{'/'.join(parts)[:100]}")
    return route(queue, query, body)


def _holds(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    return 200, {"holds": [encode_hold(hold) for hold in queue.holds()]}


def _hold(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    until = instant_after(body, "for_seconds", queue.backend.now().wall)
    by, reason = text(body, "by") or "api", text(body, "reason") or ""
    lane, vendor = text(body, "lane"), text(body, "vendor")
    held, again = holds.hold(queue.backend, lane, vendor, until=until, reason=reason, by=by)
    return 200, {"hold": encode_hold(held), "already_done": again}


def _resume(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    lane, vendor = text(body, "lane"), text(body, "vendor")
    holds.resume(queue.backend, lane, vendor)
    return 200, {"status": "resumed", "lane": lane, "vendor": vendor}


def _dead(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    return 200, {"tasks": [queue.status(letter) for letter in dead.letters(queue.backend, query.get("lane"))]}


def _retry(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    done = [(dead.retry(queue.backend, letter).id, letter.id) for letter in _chosen(queue, body)]
    return 201, {"status": "retried", "retried": [{"task_id": new, "retry_of": old} for new, old in done]}


def _discard(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    by, reason = text(body, "by") or "api", text(body, "reason") or ""
    letters = _chosen(queue, body)
    for letter in letters:
        dead.discard(queue.backend, letter.id, by=by, reason=reason)
    return 200, {"status": "discarded", "discarded": [letter.id for letter in letters]}


def _costs(queue: QueueService, query: dict[str, str], body: JsonObject) -> Answer:
    since = None if query.get("since") is None else instant("since", query["since"])
    return 200, costs.report(queue.backend, by=query.get("by", costs.DEFAULT_BY), since=since, lane=query.get("lane"))


def _chosen(queue: QueueService, body: JsonObject) -> list[Snapshot]:
    return dead.chosen(queue.backend, text(body, "task_id"), text(body, "lane"), flag(body, "all"))


ROUTES = {
    ("GET", "holds"): _holds,
    ("POST", "holds"): _hold,
    ("POST", "holds", "resume"): _resume,
    ("GET", "costs"): _costs,
    ("GET", "dead"): _dead,
    ("POST", "dead", "retry"): _retry,
    ("POST", "dead", "discard"): _discard,
}
