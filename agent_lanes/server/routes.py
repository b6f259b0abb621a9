"""All routes: one table, from which requests are answered and the OpenAPI description is made. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from agent_lanes.core import names, terms
from agent_lanes.core.task import ACTIVE, FINISHED
from agent_lanes.errors import NotFound
from agent_lanes.server import lanes, observing, openapi, relations, tasks
from agent_lanes.server.route import FLAG, NUMBER, OBJECT, TEXT, TEXTS, WHOLE, Call, Reply, Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.server.route import Outcome, Request
    from agent_lanes.server.workspaces import Workspaces
    from agent_lanes.services.queue import QueueService

    Fields = dict[str, JsonObject]
    Run = Callable[[Call], Outcome]

LANE: Fields = {"lane": TEXT}
LIMIT: Fields = {"limit": {"type": "integer", "minimum": 0}}
WAIT: Fields = {"wait_seconds": {"type": "number", "minimum": 0}}
TOKEN: Fields = {"claim_token": TEXT}
BY: Fields = {"by": TEXT, "reason": TEXT}
FOR: Fields = {"for_seconds": NUMBER, **BY}
LETTERS: Fields = {"task_id": TEXT, "lane": TEXT, "all": FLAG}
PERIOD: JsonObject = {"type": ["number", "string"]}
TERMS: Fields = {
    **dict.fromkeys(terms.KEYS, TEXT),
    **dict.fromkeys(("priority", "max_attempts"), WHOLE),
    **dict.fromkeys(("delay", "expires", "backoff"), PERIOD),
    "depends_on": TEXTS,
}
TASK: Fields = {
    **dict.fromkeys(
        ("lane", "request", "request_path", "prompt", "response_path", "workspace_id", "workspace_root"), TEXT
    ),
    **dict.fromkeys(("worktree_path", "expected_branch", "source_agent", "correlation_id", "idempotency_key"), TEXT),
    "supporting_paths": TEXTS,
    "metadata": OBJECT,
    **TERMS,
}
ANSWER: Fields = {
    **dict.fromkeys(("body", "claim_token", "reviewer", "status", "verdict", "expect_sha256"), TEXT),
    **dict.fromkeys(("blocking_count", "nonblocking_count"), WHOLE),
    "follow_up_required": FLAG,
    "metadata": OBJECT,
}
STATE: Fields = {"state": {"type": "string", "enum": [*ACTIVE, *FINISHED]}, "active_only": FLAG}
LISTED: Fields = {**LANE, **STATE, "match": TEXTS, **LIMIT, "cursor": TEXT}
READY: Fields = {**LANE, "vendor": TEXT, "match": TEXTS, **LIMIT}
EVENTS: Fields = {"since": TEXT, **LANE, "task_id": TEXT, "type": TEXTS, **LIMIT}
SUBMITTED, TAKEN, STEERED = "task_id task already_done listeners", "status task_id task", "task already_done"


def get(path: str, run: Run, summary: str, keys: str, query: Fields | None = None, needed: str = "") -> Route:
    """A route that reads; `keys` are those of its answer, `needed` what its query must have."""
    words = tuple(needed.split())
    return Route(
        method="GET", path=path, run=run, summary=summary, keys=tuple(keys.split()), query=query or {}, needed=words
    )


def post(path: str, run: Run, summary: str, keys: str, body: Fields | None = None, needed: str = "") -> Route:
    """A route that changes; `needed` is what its body must have."""
    words = tuple(needed.split())
    return Route(
        method="POST", path=path, run=run, summary=summary, keys=tuple(keys.split()), body=body or {}, needed=words
    )


def description(call: Call) -> Outcome:
    """GET /openapi.json"""
    return Reply(body=openapi.description(TABLE))


MANY: Fields = {"tasks": {"type": "array", "items": OBJECT}}
TABLE: tuple[Route, ...] = (
    post("/tasks", tasks.submit, "queue a task", SUBMITTED, TASK, "lane").replace(statuses=(201, 200)),
    get("/tasks", relations.listed, "the newest tasks, a page at a time", "tasks count damaged cursor", LISTED),
    post("/tasks/many", tasks.submit_many, "queue tasks together; they may name each other", "results", MANY, "tasks"),
    get("/tasks/next", tasks.upcoming, "the task offered next, untaken",
         "task", {**LANE, **WAIT, "vendor": TEXT}, "lane"),
    post("/tasks/wait", relations.wait, "wait for some tasks",
         "responses open", {"ids": TEXTS, "first": WHOLE, **WAIT}, "ids"),
    get("/tasks/ready", relations.ready, "what may be claimed, the next one first", "tasks count", READY, "lane"),
    get("/tasks/tree", relations.tree_of_thread, "a thread",
         "tasks count left_off", {"thread": TEXT, **LIMIT}, "thread"),
    get("/tasks/{id}", tasks.status, "how a task stands", "task attempts_history receipts"),
    get("/tasks/{id}/show", observing.story, "a task with its request, answer and history",
         "task events attempts_history receipts response request"),
    get("/tasks/{id}/tree", relations.tree_of_task, "what follows from a task", "tasks count left_off", LIMIT),
    get("/tasks/{id}/response", tasks.response, "the answer to a task", "response", WAIT),
    post("/tasks/{id}/claim", tasks.claim, "take a task",
         f"{TAKEN} claim_token", {"owner": TEXT, "lease_seconds": NUMBER}),
    post("/tasks/{id}/renew", tasks.renew, "lengthen a lease",
         TAKEN, {**TOKEN, "lease_seconds": NUMBER}, "claim_token"),
    post("/tasks/{id}/release", tasks.release, "put a claimed task back",
         TAKEN, {**TOKEN, "reason": TEXT}, "claim_token"),
    post("/tasks/{id}/events", tasks.event, "add to the history of a task", "ok",
         {"type": TEXT, "message": TEXT, "data": OBJECT, **TOKEN}),
    post("/tasks/{id}/response", tasks.respond, "answer a task, once and for all", "response", ANSWER),
    post("/tasks/{id}/cancel", tasks.cancel, "cancel a task", STEERED, BY),
    post("/tasks/{id}/hold", tasks.hold, "do not offer a task", STEERED, FOR),
    post("/tasks/{id}/resume", tasks.resume, "offer a task again", "task", {"by": TEXT}),
    post("/tasks/{id}/retry", tasks.retry, "do a finished task again, as a new one",
         "task_id task already_done").replace(statuses=(201, 200)),
    get("/holds", lanes.listed, "lanes and vendors on hold", "holds"),
    post("/holds", lanes.hold, "put a lane, a vendor, or both on hold",
         "hold already_done", {**LANE, "vendor": TEXT, **FOR}),
    post("/holds/resume", lanes.resume, "end such a hold", "status lane vendor", {**LANE, "vendor": TEXT}),
    get("/dead", lanes.letters, "dead letters", "tasks", {**LANE, **LIMIT}),
    post("/dead/retry", lanes.retry, "do dead letters again", "status retried", LETTERS).replace(statuses=(201,)),
    post("/dead/discard", lanes.discard, "let dead letters be", "status discarded", {**LETTERS, **BY}),
    get("/events", observing.events, "what happened; as an event stream, what happens", "events cursor", EVENTS),
    get("/listeners", observing.listeners, "who waits for work", "listeners", LANE),
    get("/stats", observing.numbers, "how each lane stands, and what it has done", "lanes", LANE),
    get("/costs", observing.spent, "what it took", "by since lane costs total", {"since": TEXT, "by": TEXT, **LANE}),
    get("/metrics", observing.measured, "the same for Prometheus", "").replace(media="text/plain"),
    get("/health", observing.health, "whether the server is well", "status version").replace(is_open=True),
    get("/openapi.json", description, "this description", "openapi info paths").replace(is_open=True),
)  # fmt: skip


class Routes:
    """The routes of one queue."""

    def __init__(self, queue: QueueService, workspaces: Workspaces) -> None:
        self.queue, self.workspaces = queue, workspaces

    def route(self, method: str, parts: tuple[str, ...]) -> Route:
        """The route of a request. Raises NotFound."""
        for route in TABLE:
            if route.fits(method, parts):
                return route
        raise NotFound(f"no such route: {names.shown(method)} {names.shown('/' + '/'.join(parts))}")

    def is_open(self, request: Request) -> bool:
        """Whether it is for a route that asks for no token."""
        return any(route.is_open and route.fits(request.method, request.parts) for route in TABLE)

    def answer(self, request: Request) -> Outcome:
        """What becomes of a request. Raises AgentLanesError, which carries its status."""
        route = self.route(request.method, request.parts)
        id = names.task_id(request.parts[1]) if "{id}" in route.parts else ""
        return route.run(Call(self.queue, self.workspaces, request, id))
