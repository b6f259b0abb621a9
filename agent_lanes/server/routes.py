"""All routes: one table, from which requests are answered and the OpenAPI description is made. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from agent_lanes.core import names, terms
from agent_lanes.core.task import ACTIVE, FINISHED
from agent_lanes.errors import NotFound
from agent_lanes.server import lanes, observing, openapi, relations, tasks
from agent_lanes.server.route import FLAG, NUMBER, OBJECT, TEXT, TEXTS, WHOLE, Call, Reply, Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.server.route import Outcome, Request
    from agent_lanes.server.workspaces import Workspaces
    from agent_lanes.services.queue import QueueService

LANE: dict[str, JsonObject] = {"lane": TEXT}
LIMIT: dict[str, JsonObject] = {"limit": {"type": "integer", "minimum": 0}}
WAIT: dict[str, JsonObject] = {"wait_seconds": {"type": "number", "minimum": 0}}
TOKEN: dict[str, JsonObject] = {"claim_token": TEXT}
BY: dict[str, JsonObject] = {"by": TEXT, "reason": TEXT}
FOR: dict[str, JsonObject] = {"for_seconds": NUMBER, **BY}
LETTERS: dict[str, JsonObject] = {"task_id": TEXT, "lane": TEXT, "all": FLAG}
TERMS: dict[str, JsonObject] = {
    **{"priority": WHOLE, "not_before": TEXT, "expires_at": TEXT, "max_attempts": WHOLE, "depends_on": TEXTS},
    **{"on_failure": TEXT, "unique_key": TEXT, "if_exists": TEXT},
}
TASK: dict[str, JsonObject] = {
    **{"lane": TEXT, "request": TEXT, "request_path": TEXT, "prompt": TEXT, "response_path": TEXT},
    **{"workspace_id": TEXT, "workspace_root": TEXT, "worktree_path": TEXT, "expected_branch": TEXT},
    **{"supporting_paths": TEXTS, "metadata": OBJECT, "source_agent": TEXT, "correlation_id": TEXT},
    **{"idempotency_key": TEXT},
    **{key: TERMS.get(key, {"type": ["number", "string"]}) for key in terms.KEYS},
}
ANSWER: dict[str, JsonObject] = {
    **{"body": TEXT, **TOKEN, "reviewer": TEXT, "status": TEXT, "verdict": TEXT, "blocking_count": WHOLE},
    **{"nonblocking_count": WHOLE, "follow_up_required": FLAG, "expect_sha256": TEXT, "metadata": OBJECT},
}
LISTED: dict[str, JsonObject] = {
    **{**LANE, "state": {"type": "string", "enum": [*ACTIVE, *FINISHED]}, "active_only": FLAG, "match": TEXTS},
    **{**LIMIT, "cursor": TEXT},
}
EVENTS: dict[str, JsonObject] = {"since": TEXT, **LANE, "task_id": TEXT, "type": TEXTS, **LIMIT}
STEERED = {200: ("task", "already_done")}

TABLE = (
    Route(method="POST", path="/tasks", run=tasks.submit, summary="queue a task",
          body=TASK, needed=("lane",), answers={201: ("task_id", "task", "already_done", "listeners"), 200: ("task_id", "task", "already_done", "listeners")}),
    Route(method="GET", path="/tasks", run=relations.listed, summary="the newest tasks, a page at a time",
          query=LISTED, answers={200: ("tasks", "count", "damaged", "cursor")}),
    Route(method="POST", path="/tasks/many", run=tasks.submit_many, summary="queue tasks together; they may name each other",
          body={"tasks": {"type": "array", "items": OBJECT}}, needed=("tasks",), answers={200: ("results",)}),
    Route(method="GET", path="/tasks/next", run=tasks.upcoming, summary="the task that is offered next, without taking it",
          query={**LANE, **WAIT, "vendor": TEXT}, needed=("lane",), answers={200: ("task",)}),
    Route(method="POST", path="/tasks/wait", run=relations.wait, summary="wait for all of some tasks, or for the first so many",
          body={"ids": TEXTS, "first": WHOLE, **WAIT}, needed=("ids",), answers={200: ("responses", "open")}),
    Route(method="GET", path="/tasks/ready", run=relations.ready, summary="what may be claimed, in the order in which it is offered",
          query={**LANE, "vendor": TEXT, "match": TEXTS, **LIMIT}, needed=("lane",), answers={200: ("tasks", "count")}),
    Route(method="GET", path="/tasks/tree", run=relations.tree_of_thread, summary="the tasks of a thread",
          query={"thread": TEXT, **LIMIT}, needed=("thread",), answers={200: ("tasks", "count", "left_off")}),
    Route(method="GET", path="/tasks/{id}", run=tasks.status, summary="how a task stands",
          answers={200: ("task", "attempts_history")}),
    Route(method="GET", path="/tasks/{id}/tree", run=relations.tree_of_task, summary="what follows from a task",
          query=LIMIT, answers={200: ("tasks", "count", "left_off")}),
    Route(method="GET", path="/tasks/{id}/response", run=tasks.response, summary="the answer to a task",
          query=WAIT, answers={200: ("response",)}),
    Route(method="POST", path="/tasks/{id}/claim", run=tasks.claim, summary="take a task",
          body={"owner": TEXT, "lease_seconds": NUMBER}, answers={200: ("status", "task_id", "claim_token", "task")}),
    Route(method="POST", path="/tasks/{id}/renew", run=tasks.renew, summary="lengthen the lease of a claim",
          body={**TOKEN, "lease_seconds": NUMBER}, needed=("claim_token",), answers={200: ("status", "task_id", "task")}),
    Route(method="POST", path="/tasks/{id}/release", run=tasks.release, summary="put a claimed task back",
          body={**TOKEN, "reason": TEXT}, needed=("claim_token",), answers={200: ("status", "task_id", "task")}),
    Route(method="POST", path="/tasks/{id}/events", run=tasks.event, summary="add a line to the history of a task",
          body={"type": TEXT, "message": TEXT, "data": OBJECT, **TOKEN}, answers={200: ("ok",)}),
    Route(method="POST", path="/tasks/{id}/response", run=tasks.respond, summary="answer a task, once and for all",
          body=ANSWER, answers={200: ("response",)}),
    Route(method="POST", path="/tasks/{id}/cancel", run=tasks.cancel, summary="cancel a task", body=BY, answers=STEERED),
    Route(method="POST", path="/tasks/{id}/hold", run=tasks.hold, summary="do not offer a task", body=FOR, answers=STEERED),
    Route(method="POST", path="/tasks/{id}/resume", run=tasks.resume, summary="offer a task again",
          body={"by": TEXT}, answers={200: ("task",)}),
    Route(method="POST", path="/tasks/{id}/retry", run=tasks.retry, summary="do a finished task again, as a new one",
          body={}, answers={201: ("task_id", "task")}),
    Route(method="GET", path="/holds", run=lanes.listed, summary="lanes and vendors on hold", answers={200: ("holds",)}),
    Route(method="POST", path="/holds", run=lanes.hold, summary="put a lane, a vendor, or a vendor on a lane on hold",
          body={**LANE, "vendor": TEXT, **FOR}, answers={200: ("hold", "already_done")}),
    Route(method="POST", path="/holds/resume", run=lanes.resume, summary="end such a hold",
          body={**LANE, "vendor": TEXT}, answers={200: ("status", "lane", "vendor")}),
    Route(method="GET", path="/dead", run=lanes.letters, summary="dead letters", query=LANE, answers={200: ("tasks",)}),
    Route(method="POST", path="/dead/retry", run=lanes.retry, summary="do dead letters again, as new tasks",
          body=LETTERS, answers={201: ("status", "retried")}),
    Route(method="POST", path="/dead/discard", run=lanes.discard, summary="let dead letters be",
          body={**LETTERS, **BY}, answers={200: ("status", "discarded")}),
    Route(method="GET", path="/events", run=observing.events, summary="what happened; as an event stream, what happens",
          query=EVENTS, answers={200: ("events", "cursor")}),
    Route(method="GET", path="/listeners", run=observing.listeners, summary="who waits for work",
          query=LANE, answers={200: ("listeners",)}),
    Route(method="GET", path="/health", run=observing.health, summary="whether the server is well",
          answers={200: ("status", "version")}, is_open=True),
    Route(method="GET", path="/openapi.json", run=lambda call: Reply(body=openapi.description(TABLE)),
          summary="this description", answers={200: ("openapi", "info", "paths")}, is_open=True),
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
