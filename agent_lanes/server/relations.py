"""The routes on several tasks: waiting for them, what follows from one, what is ready, all. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from itertools import islice

from agent_lanes.core import names
from agent_lanes.core.answers import public_response
from agent_lanes.core.task import ACTIVE, FINISHED
from agent_lanes.errors import BadUsage, TimedOut
from agent_lanes.server.fields import texts
from agent_lanes.server.route import Pending, Reply
from agent_lanes.server.tasks import LONGEST_POLL_SECONDS
from agent_lanes.services import joins, pages, trees, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import Json
    from agent_lanes.server.route import Call, Outcome

MOST_LISTED = 10_000
PAGE = 100


def listed(call: Call) -> Outcome:
    """GET /tasks"""
    state = call.one("state")
    if state is not None and state not in (*ACTIVE, *FINISHED):
        raise BadUsage(f"state: {names.shown(state)} is none of {', '.join((*ACTIVE, *FINISHED))}")
    page = pages.newest(
        call.queue,
        lane=call.one("lane"),
        state=state,
        active_only=call.yes("active_only"),
        match=_match(call),
        limit=call.whole("limit", PAGE, MOST_LISTED),
        cursor=call.one("cursor"),
    )
    damaged: list[Json] = [{"message": wrong.message, "hint": wrong.hint} for wrong in page.damaged]
    tasks: list[Json] = [*page.tasks]
    return Reply(body={"tasks": tasks, "count": len(tasks), "damaged": damaged, "cursor": page.cursor})


def wait(call: Call) -> Outcome:
    """POST /tasks/wait: the answers of all the tasks, or of the `first` so many."""
    first = call.body.get("first")
    ids = joins.checked(texts(call.body, "ids"))
    enough = len(ids) if first is None else joins.count("first", first, ids)
    seconds = min(waiting.timeout("wait_seconds", call.body.get("wait_seconds", 0)), LONGEST_POLL_SECONDS)
    join = joins.Join(call.queue.backend, ids, enough)

    def found(_: object) -> Reply:
        joined = join.joined()
        ended = joined.in_order(ids) if first is None else joined.ended[:enough]
        responses = [public_response(one.response) for one in ended if one.response is not None]
        return Reply(body={"responses": [*responses], "open": [*joined.open]})

    def over() -> Reply:
        raise TimedOut(joins.still_open(join.joined()), hint="ask again")

    return Pending(sought=join.sought(), seconds=seconds, found=found, over=over)


def tree_of_task(call: Call) -> Outcome:
    """GET /tasks/<id>/tree"""
    return _tree(trees.of_task(call.queue.backend, call.id, limit=_limit(call, trees.DEFAULT_LIMIT)))


def tree_of_thread(call: Call) -> Outcome:
    """GET /tasks/tree"""
    thread = call.needed("thread")
    return _tree(trees.of_thread(call.queue.backend, thread, limit=_limit(call, trees.DEFAULT_LIMIT)))


def ready(call: Call) -> Outcome:
    """GET /tasks/ready"""
    found = call.queue.ready(call.needed("lane"), vendor=call.one("vendor"), match=_match(call))
    tasks = [call.queue.record(one) for one in islice(found, _limit(call, MOST_LISTED))]
    return Reply(body={"tasks": [*tasks], "count": len(tasks)})


def _tree(found: trees.Tree) -> Reply:
    nodes = trees.view(found)
    return Reply(body={"tasks": [*nodes], "count": len(nodes), "left_off": found.left_off})


def _limit(call: Call, default: int) -> int:
    return call.whole("limit", default, 10**9)


def _match(call: Call) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in call.each("match")]
    for key, sign, _ in pairs:
        if not key or not sign:
            raise BadUsage(f"match: {names.shown(key)} is not KEY=VALUE")
    return {key: value for key, _, value in pairs}
