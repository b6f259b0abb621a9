"""All routes: one table, from which requests are answered and the OpenAPI description is made. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.errors import BadData, BadUsage, NotFound, WrongMethod
from agent_lanes.server import lanes, observing, openapi, relations, shapes, tasks
from agent_lanes.server.route import Call, Reply, Route
from agent_lanes.server.shapes import BY, FOR, LANE, LETTERS, LIMIT, TEXT, TOKEN, WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.server.route import Outcome, Request
    from agent_lanes.server.shapes import Fields
    from agent_lanes.server.workspaces import Workspaces
    from agent_lanes.services.queue import QueueService

    Run = Callable[[Call], Outcome]

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


TABLE: tuple[Route, ...] = (
    post("/tasks", tasks.submit, "queue a task", SUBMITTED, shapes.TASK, "lane").replace(statuses=(201, 200)),
    get("/tasks", relations.listed, "the newest tasks, a page at a time", "tasks count damaged cursor",
        shapes.LISTED),
    post("/tasks/many", tasks.submit_many, "queue tasks together; they may name each other", "results",
         shapes.MANY, "tasks"),
    get("/tasks/next", tasks.upcoming, "the task offered next, untaken",
         "task", {**LANE, **WAIT, "vendor": TEXT}, "lane"),
    post("/tasks/wait", relations.wait, "wait for some tasks",
         "responses open", shapes.SEVERAL, "ids"),
    get("/tasks/ready", relations.ready, "what may be claimed, the next one first",
        "tasks count", shapes.READY, "lane"),
    get("/tasks/tree", relations.tree_of_thread, "a thread",
         "tasks count left_off", {"thread": TEXT, **LIMIT}, "thread"),
    get("/tasks/{id}", tasks.status, "how a task stands", "task attempts_history receipts"),
    get("/tasks/{id}/show", observing.story, "a task with its request, answer and history",
         "task events attempts_history receipts response request"),
    get("/tasks/{id}/tree", relations.tree_of_task, "what follows from a task", "tasks count left_off", LIMIT),
    get("/tasks/{id}/response", tasks.response, "the answer to a task", "response", WAIT),
    post("/tasks/{id}/claim", tasks.claim, "take a task",
         f"{TAKEN} claim_token", shapes.CLAIM),
    post("/tasks/{id}/renew", tasks.renew, "lengthen a lease",
         TAKEN, {**TOKEN, "lease_seconds": shapes.NUMBER}, "claim_token"),
    post("/tasks/{id}/release", tasks.release, "put a claimed task back",
         TAKEN, {**TOKEN, **shapes.fields("reason", TEXT)}, "claim_token"),
    post("/tasks/{id}/events", tasks.event, "add to the history of a task", "ok", shapes.EVENT),
    post("/tasks/{id}/response", tasks.respond, "answer a task, once and for all", "response", shapes.ANSWER),
    post("/tasks/{id}/cancel", tasks.cancel, "cancel a task", STEERED, BY),
    post("/tasks/{id}/hold", tasks.hold, "do not offer a task", STEERED, FOR),
    post("/tasks/{id}/resume", tasks.resume, "offer a task again", "task", shapes.fields("by", TEXT)),
    post("/tasks/{id}/retry", tasks.retry, "do a finished task again, as a new one",
         "task_id task already_done").replace(statuses=(201, 200)),
    get("/holds", lanes.listed, "lanes and vendors on hold", "holds"),
    post("/holds", lanes.hold, "put a lane, a vendor, or both on hold",
         "hold already_done", {**shapes.HELD, **FOR}),
    post("/holds/resume", lanes.resume, "end such a hold", "status lane vendor", shapes.HELD),
    get("/dead", lanes.letters, "dead letters", "tasks", {**LANE, **LIMIT}),
    post("/dead/retry", lanes.retry, "do dead letters again", "status retried", LETTERS).replace(statuses=(201,)),
    post("/dead/discard", lanes.discard, "let dead letters be", "status discarded", {**LETTERS, **BY}),
    get("/events", observing.events, "what happened; as an event stream, what happens", "events cursor",
        shapes.EVENTS),
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
        """The route of a request. Raises NotFound, WrongMethod."""
        own = [route for route in TABLE if route.parts == parts]
        here = own or [route for route in TABLE if route.lies_at(parts)]
        for route in here:
            if route.method == method:
                return route
        path = names.shown("/" + "/".join(parts))
        if here:
            allowed = ", ".join(sorted({route.method for route in here}))
            raise WrongMethod(f"{names.shown(method)} is no method of {path}", allowed=allowed)
        raise NotFound(f"no such route: {names.shown(method)} {path}", hint="GET /openapi.json describes all of them")

    def is_open(self, request: Request) -> bool:
        """Whether it is for a route that asks for no token."""
        return any(route.is_open and route.fits(request.method, request.parts) for route in TABLE)

    def answer(self, request: Request) -> Outcome:
        """What becomes of a request. Raises AgentLanesError, which carries its status."""
        route = self.route(request.method, request.parts)
        what = f"{route.method} {route.path}"
        shapes.known(BadUsage, request.query, route.query, f"parameter of {what}")
        shapes.known(BadData, request.body, route.body or {}, f"field of {what}")
        id = names.task_id(request.parts[1]) if "{id}" in route.parts else ""
        return route.run(Call(self.queue, self.workspaces, request, id))
