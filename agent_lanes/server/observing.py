"""The routes that tell what goes on: events, who listens, numbers, health. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from collections import deque

import agent_lanes
from agent_lanes.core import names
from agent_lanes.core.logged import is_cursor, public_logged
from agent_lanes.core.terms import instant
from agent_lanes.errors import BadUsage
from agent_lanes.server import metrics
from agent_lanes.server.route import Reply, Stream
from agent_lanes.services import costs, following, presence, report, stats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.logged import Logged
    from agent_lanes.server.route import Call, Outcome

MOST_EVENTS = 10_000
EVENTS = 100
LONGEST_REQUEST = 1_000_000  # characters
STREAM = "text/event-stream"


def events(call: Call) -> Outcome:
    """GET /events: the newest, or those after a cursor; for who accepts an event stream, those that come."""
    since, lane, task = call.one("since"), call.one("lane"), call.one("task_id")
    if since is not None and not is_cursor(since):
        raise BadUsage(f"since: {names.shown(since)} is no cursor; take one of an earlier answer")
    if lane is not None:
        names.lane(lane)
    if task is not None:
        names.task_id(task)
    limit = call.whole("limit", EVENTS, MOST_EVENTS)
    wanted = following.wanted(task_id=task, lane=lane, types=call.each("type"))
    if STREAM in call.headers.get("accept", ""):
        last = call.headers.get("last-event-id", "")
        return Stream(cursor=last if is_cursor(last) else since, wanted=wanted)
    backend = call.queue.backend
    found: deque[Logged] = deque(maxlen=None if since is not None else limit)
    cursor = since or backend.log_end()
    for one in backend.log(since) if limit else ():
        if since is not None and len(found) >= limit:
            break
        cursor = one.cursor
        if wanted(one):
            found.append(one)
    return Reply(body={"events": [public_logged(one) for one in found], "cursor": cursor})


def story(call: Call) -> Outcome:
    """GET /tasks/<id>/show: everything about one task."""
    found = call.queue.read(call.id)
    whole = report.whole(call.queue, found, list(call.queue.events(call.id)))
    del whole["status"]
    return Reply(body={**whole, "request": report.request(call.queue, found.task, LONGEST_REQUEST)})


def listeners(call: Call) -> Outcome:
    """GET /listeners"""
    return Reply(body={"listeners": presence.listed(call.queue.backend, call.one("lane"))})


def numbers(call: Call) -> Outcome:
    """GET /stats"""
    return Reply(body={"lanes": [*stats.of_all(call.queue.backend, call.one("lane"))]})


def spent(call: Call) -> Outcome:
    """GET /costs"""
    given = call.one("since")
    since = None if given is None else instant("since", given)
    by = call.one("by") or costs.DEFAULT_BY
    return Reply(body=costs.report(call.queue.backend, by=by, since=since, lane=call.one("lane")))


def measured(call: Call) -> Outcome:
    """GET /metrics"""
    return Reply(text=metrics.text(call.queue.backend), content_type=metrics.CONTENT_TYPE)


def health(call: Call) -> Outcome:
    """GET /health: that the server answers, and can look into its store."""
    call.queue.backend.log_end()
    return Reply(body={"status": "ok", "version": agent_lanes.__version__})
