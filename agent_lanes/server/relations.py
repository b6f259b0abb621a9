"""The routes on several tasks: waiting for them, what follows from one, what is ready. CONTRACT.md, "HTTP".

POST /tasks/wait                     GET /tasks/ready?lane=&vendor=&limit=
GET  /tasks/<id>/tree?limit=         GET /tasks/tree?thread=&limit=
"""

from __future__ import annotations

from itertools import islice

from agent_lanes.core import names
from agent_lanes.core.answers import public_response
from agent_lanes.errors import BadData, BadUsage, TimedOut
from agent_lanes.services import joins, trees, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.services.looks import Looks

    Query = dict[str, str]
    Answer = tuple[int, JsonObject]

LONGEST_POLL_SECONDS = 300.0
MOST_READY = 10_000


def wait(looks: Looks, body: JsonObject) -> Answer:
    """The answers of all the tasks, or of the `first` so many. Raises TimedOut, which names the open ones."""
    given = body.get("ids")
    if not isinstance(given, list):
        raise BadData("ids: not a list of task ids")
    ids = joins.checked(given)
    first = body.get("first")
    enough = len(ids) if first is None else joins.count("first", first, ids)
    seconds = min(waiting.timeout("wait_seconds", body.get("wait_seconds", 0)), LONGEST_POLL_SECONDS)
    joined = joins.until(looks.backend, ids, enough=enough, timeout_seconds=seconds)
    if len(joined.ended) < enough:
        raise TimedOut(joins.still_open(joined), hint="ask again")
    ended = joined.in_order(ids) if first is None else joined.ended[:enough]
    responses = [public_response(one.response) for one in ended if one.response is not None]
    return 200, {"responses": list(responses), "open": list(joined.open)}


def tree(looks: Looks, id: str | None, query: Query) -> Answer:
    """What follows from a task, or belongs to a thread."""
    limit, thread = _limit(query, trees.DEFAULT_LIMIT), query.get("thread")
    if id is not None:
        found = trees.of_task(looks.backend, id, limit=limit)
    elif thread is not None:
        found = trees.of_thread(looks.backend, thread, limit=limit)
    else:
        raise BadUsage("thread: missing; GET /tasks/tree?thread=T, or GET /tasks/<id>/tree")
    nodes = trees.view(found)
    return 200, {"tasks": list(nodes), "count": len(nodes), "left_off": found.left_off}


def ready(looks: Looks, query: Query) -> Answer:
    """The tasks of a lane that may be claimed, in the order in which they are offered."""
    lane = query.get("lane")
    if lane is None:
        raise BadUsage("lane: missing; GET /tasks/ready?lane=NAME")
    found = islice(looks.ready(lane, vendor=query.get("vendor")), _limit(query, MOST_READY))
    tasks = [looks.record(one) for one in found]
    return 200, {"tasks": list(tasks), "count": len(tasks)}


def _limit(query: Query, default: int) -> int:
    text = query.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadUsage(f"limit: {names.shown(text)} is not a whole number")
    return int(text)
