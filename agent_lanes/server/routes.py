"""v0.1's routes, as a function from a request to an answer: no sockets here. CONTRACT.md, "HTTP".

POST /tasks                        GET  /tasks/next?lane=&wait_seconds=
POST /tasks/many                   POST /tasks/wait
GET  /tasks/ready?lane=            GET  /tasks/tree?thread=           GET  /tasks/<id>/tree
GET  /tasks/<id>                   POST /tasks/<id>/claim | events | response | release | cancel | hold | resume | retry
GET  /tasks/<id>/response?wait_seconds=
GET  /holds                        POST /holds
POST /holds/resume
GET  /dead?lane=                   POST /dead/retry | discard
GET  /listeners?lane=              GET  /costs?by=&since=&lane=
"""

from __future__ import annotations

import os

from agent_lanes.core import names, terms
from agent_lanes.core.answers import public_response
from agent_lanes.core.presence import HTTP
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, NotFound, TimedOut
from agent_lanes.server import lanes, relations
from agent_lanes.server.fields import flag, instant_after, mapping, maybe_number, text, whole
from agent_lanes.services import batches, control, presence, waiting
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.jsontext import Json, JsonObject
    from agent_lanes.services.batches import Outcome

    Query = dict[str, str]
    Answer = tuple[int, JsonObject]

LONGEST_POLL_SECONDS = 300.0


class Routes:
    """The routes of one queue. `root` is the workspace that tasks must lie in."""

    def __init__(self, queue: QueueService, workspace_id: str, root: str, config: str | None = None) -> None:
        self.queue, self.workspace_id, self.root, self.config = queue, workspace_id, root, config

    def answer(self, method: str, path: str, query: Query, body: JsonObject) -> Answer:
        """The status and the JSON of one request. Raises AgentLanesError, which carries its status."""
        parts = path.strip("/").split("/")
        if parts[0] in ("holds", "dead", "costs"):
            return lanes.answer(self.queue, method, parts, query, body)
        if parts == ["listeners"] and method == "GET":
            return 200, {"listeners": presence.listed(self.queue.backend, query.get("lane"))}
        if parts[0] != "tasks" or len(parts) > 3:
            raise NotFound(f"no such route: {method} {path[:100]}")
        if len(parts) == 1 and method == "POST":
            return self._submit(body)
        if parts[1:] == ["many"] and method == "POST":
            return self._submit_many(body)
        if parts[1:] == ["wait"] and method == "POST":
            return relations.wait(self.queue, body)
        if parts[1:] == ["next"] and method == "GET":
            return self._next(query)
        if parts[1:] == ["ready"] and method == "GET":
            return relations.ready(self.queue, query)
        if parts[1:] == ["tree"] and method == "GET":
            return relations.tree(self.queue, None, query)
        if len(parts) == 2 and method == "GET":
            found = self.queue.read(parts[1])
            return 200, {"task": self.queue.status(found), "attempts_history": [*self.queue.attempts(found)]}
        if len(parts) == 3:
            route = self._of_task().get((method, parts[2]))
            if route is not None:
                return route(names.task_id(parts[1]), query, body)
        raise NotFound(f"no such route: {method} {path[:100]}")

    def _of_task(self) -> dict[tuple[str, str], Callable[[str, Query, JsonObject], Answer]]:
        return {
            ("POST", "claim"): self._claim,
            ("POST", "events"): self._event,
            ("POST", "response"): self._respond,
            ("POST", "release"): self._release,
            ("POST", "cancel"): self._cancel,
            ("POST", "hold"): self._hold,
            ("POST", "resume"): self._resume,
            ("POST", "retry"): self._retry,
            ("GET", "response"): self._response,
            ("GET", "tree"): lambda task, query, body: relations.tree(self.queue, task, query),
        }

    def _submit(self, body: JsonObject) -> Answer:
        audience = presence.Audience(self.queue.backend, every=True)
        wanted = self._submission(body)
        audience.look(wanted)
        task, new = self.queue.submit(wanted)
        record = self.queue.record(Snapshot(task=task) if new else self.queue.read(task.id))
        answer: JsonObject = {"task_id": task.id, "task": record, "already_done": not new}
        answer["listeners"] = audience.count(task)
        return 201 if new else 200, answer

    def _submit_many(self, body: JsonObject) -> Answer:
        """Each task is submitted or not, whatever becomes of the others; the results stand in their order."""
        tasks = body.get("tasks")
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise BadData("tasks: not a list of objects")
        results: list[Json] = []
        stream = self.queue.stream()
        for batch in batches.commits(self._wanted(task) for task in tasks if isinstance(task, dict)):
            results += map(_result, stream.add(batch))
        return 200, {"results": [*results, *map(_result, stream.close())]}

    def _wanted(self, body: JsonObject) -> Submission | AgentLanesError:
        try:
            return self._submission(body)
        except AgentLanesError as wrong:
            return wrong

    def _submission(self, body: JsonObject) -> Submission:
        lane = text(body, "lane")
        if lane is None:
            raise BadData("lane: missing")
        supporting = body.get("supporting_paths") or []
        if not isinstance(supporting, list) or not all(isinstance(item, str) for item in supporting):
            raise BadData("supporting_paths: not a list of paths")
        request = text(body, "request")
        root = os.path.join(self.root, text(body, "workspace_root") or "")
        asked = {key: body[key] for key in terms.KEYS if body.get(key) is not None}
        return Submission(
            lane=lane,
            terms=terms.stated(asked, self.queue.backend.now().wall) if asked else None,
            workspace_id=text(body, "workspace_id") or self.workspace_id,
            workspace_root=root,
            base=root,
            config_path=self.config,
            request=text(body, "request_path"),
            request_bytes=None if request is None else request.encode("utf-8", "surrogatepass"),
            response_to=text(body, "response_path"),
            prompt=text(body, "prompt") or "",
            supporting_paths=tuple(str(item) for item in supporting),
            worktree_path=text(body, "worktree_path"),
            branch=text(body, "expected_branch"),
            metadata=mapping(body, "metadata"),
            source_agent=text(body, "source_agent") or "api",
            correlation_id=text(body, "correlation_id"),
            idempotency_key=text(body, "idempotency_key"),
            name=text(body, "name"),
        )

    def _next(self, query: Query) -> Answer:
        lane = query.get("lane")
        if lane is None:
            raise BadUsage("lane: missing; GET /tasks/next?lane=NAME")
        found = waiting.for_work(
            self.queue.backend,
            names.lane(lane),
            lambda: self.queue.peek_next(lane, vendor=query.get("vendor")),
            timeout_seconds=_wait(query),
            attend=lambda: presence.attending(self.queue.backend, lane, vendor=query.get("vendor"), kind=HTTP),
        )
        return 200, {"task": self.queue.record(found) if found else None}

    def _claim(self, id: str, query: Query, body: JsonObject) -> Answer:
        taken = self.queue.claim(
            id,
            owner=text(body, "owner") or "worker",
            lease_seconds=maybe_number(body, "lease_seconds"),
        )
        assert taken.claim is not None
        return 200, {
            "status": "claimed",
            "task_id": id,
            "claim_token": taken.claim.token,
            "task": self.queue.record(taken),
        }

    def _event(self, id: str, query: Query, body: JsonObject) -> Answer:
        self.queue.event(
            id,
            type=text(body, "type") or "note",
            message=text(body, "message") or "",
            data=mapping(body, "data"),
            token=text(body, "claim_token"),
        )
        return 200, {"ok": True}

    def _respond(self, id: str, query: Query, body: JsonObject) -> Answer:
        answered, _ = self.queue.respond(
            id,
            text(body, "body") or "",
            token=text(body, "claim_token"),
            reviewer=text(body, "reviewer") or "worker",
            status=text(body, "status") or "completed",
            verdict=text(body, "verdict"),
            blocking_count=whole(body, "blocking_count"),
            nonblocking_count=whole(body, "nonblocking_count"),
            follow_up_required=flag(body, "follow_up_required"),
            expect_sha256=text(body, "expect_sha256"),
            metadata=mapping(body, "metadata"),
        )
        assert answered.response is not None
        return 200, {"response": public_response(answered.response)}

    def _cancel(self, id: str, query: Query, body: JsonObject) -> Answer:
        by, reason = text(body, "by") or "api", text(body, "reason") or ""
        after, again = control.cancel(self.queue.backend, id, by=by, reason=reason)
        return 200, {"task": self.queue.status(after), "already_done": again}

    def _hold(self, id: str, query: Query, body: JsonObject) -> Answer:
        by, reason = text(body, "by") or "api", text(body, "reason") or ""
        until = instant_after(body, "for_seconds", self.queue.backend.now().wall)
        after, again = control.hold(self.queue.backend, id, by=by, reason=reason, until=until)
        return 200, {"task": self.queue.status(after), "already_done": again}

    def _resume(self, id: str, query: Query, body: JsonObject) -> Answer:
        return 200, {"task": self.queue.status(control.resume(self.queue.backend, id, by=text(body, "by") or "api"))}

    def _retry(self, id: str, query: Query, body: JsonObject) -> Answer:
        task = control.again(self.queue.backend, id)
        return 201, {"task_id": task.id, "task": self.queue.record(Snapshot(task=task))}

    def _release(self, id: str, query: Query, body: JsonObject) -> Answer:
        token = text(body, "claim_token")
        if token is None:
            raise BadData("claim_token: missing")
        released, _ = self.queue.release(id, token, reason=text(body, "reason") or "")
        return 200, {"status": "released", "task_id": id, "task": self.queue.record(released)}

    def _response(self, id: str, query: Query, body: JsonObject) -> Answer:
        found = waiting.for_answer(self.queue.backend, id, timeout_seconds=_wait(query))
        if found is None or found.response is None:
            raise TimedOut(f"no response yet: {id}", hint="ask again")
        return 200, {"response": public_response(found.response)}


def _result(outcome: Outcome) -> JsonObject:
    if outcome.task is not None:
        return {"task_id": outcome.task.id, "already_done": not outcome.new}
    assert outcome.error is not None
    return as_object(outcome.error)


def as_object(wrong: AgentLanesError) -> JsonObject:
    """An error as answers have it."""
    return {"error": wrong.message, "code": wrong.code, "hint": wrong.hint, "retryable": wrong.retryable}


def _wait(query: Query) -> float:
    text = query.get("wait_seconds", "0")
    try:
        return min(waiting.timeout("wait_seconds", float(text)), LONGEST_POLL_SECONDS)
    except ValueError:
        raise BadUsage(f"wait_seconds: {names.shown(text)} is not a number of seconds") from None
