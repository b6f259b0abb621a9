"""The routes about lanes as a whole: holds and dead letters. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from agent_lanes.core.holds import encode_hold
from agent_lanes.server.fields import flag, instant_after, text
from agent_lanes.server.route import Reply
from agent_lanes.services import dead, holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import Json
    from agent_lanes.core.task import Snapshot
    from agent_lanes.server.route import Call, Outcome


def listed(call: Call) -> Outcome:
    """GET /holds"""
    return Reply(body={"holds": [encode_hold(hold) for hold in call.queue.holds()]})


def hold(call: Call) -> Outcome:
    """POST /holds"""
    body, backend = call.body, call.queue.backend
    until = instant_after(body, "for_seconds", backend.now().wall)
    by, reason = text(body, "by") or "api", text(body, "reason") or None
    lane, vendor = text(body, "lane"), text(body, "vendor")
    held, again = holds.hold(backend, lane, vendor, until=until, reason=reason, by=by)
    return Reply(body={"hold": encode_hold(held), "already_done": again})


def resume(call: Call) -> Outcome:
    """POST /holds/resume"""
    lane, vendor = text(call.body, "lane"), text(call.body, "vendor")
    holds.resume(call.queue.backend, lane, vendor)
    return Reply(body={"status": "resumed", "lane": lane, "vendor": vendor})


def letters(call: Call) -> Outcome:
    """GET /dead"""
    limit = call.whole("limit", dead.MOST_LISTED, dead.MOST_LISTED)
    found = dead.letters(call.queue.backend, call.one("lane"), limit)
    return Reply(body={"tasks": [call.queue.status(letter) for letter in found]})


def retry(call: Call) -> Outcome:
    """POST /dead/retry"""
    done = [(dead.retry(call.queue.backend, letter).id, letter.id) for letter in _chosen(call)]
    retried: list[Json] = [{"task_id": new, "retry_of": old} for new, old in done]
    return Reply(status=201, body={"status": "retried", "retried": retried})


def discard(call: Call) -> Outcome:
    """POST /dead/discard"""
    by, reason = text(call.body, "by") or "api", text(call.body, "reason") or ""
    letters = _chosen(call)
    for letter in letters:
        dead.discard(call.queue.backend, letter.id, by=by, reason=reason)
    return Reply(body={"status": "discarded", "discarded": [letter.id for letter in letters]})


def _chosen(call: Call) -> list[Snapshot]:
    body = call.body
    return dead.chosen(call.queue.backend, text(body, "task_id"), text(body, "lane"), flag(body, "all"))
