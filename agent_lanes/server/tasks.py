"""The routes on one task: making it, looking at it, working on it, steering it. CONTRACT.md, "HTTP"."""

from __future__ import annotations

from agent_lanes.core import names, terms
from agent_lanes.core.answers import public_response
from agent_lanes.core.presence import HTTP
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, TimedOut
from agent_lanes.server import shapes
from agent_lanes.server.fields import flag, instant_after, mapping, maybe_number, text, texts, whole
from agent_lanes.server.route import Pending, Reply, as_object
from agent_lanes.services import artifacts, batches, control, presence, receipts, retries, waiting
from agent_lanes.services.submission import Submission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import Json, JsonObject
    from agent_lanes.server.route import Call, Outcome
    from agent_lanes.services.batches import Outcome as Submitted

LONGEST_POLL_SECONDS = 300.0
NUMERIC = frozenset("0123456789.eE+-")


def submit(call: Call) -> Outcome:
    """POST /tasks"""
    audience = presence.Audience(call.queue.backend, every=True)
    wanted = _submission(call, call.body)
    audience.look(wanted)
    task, new = call.queue.submit(wanted)
    record = call.queue.record(Snapshot(task=task) if new else call.queue.read(task.id))
    answer: JsonObject = {"task_id": task.id, "task": record, "already_done": not new}
    answer["listeners"] = audience.count(task)
    return Reply(status=201 if new else 200, body=answer)


def submit_many(call: Call) -> Outcome:
    """POST /tasks/many: each is submitted or not, whatever becomes of the others; the results stand in their order."""
    tasks = call.body.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise BadData("tasks: not a list of objects")
    results: list[Json] = []
    stream = call.queue.stream()
    for batch in batches.commits(_wanted(call, task) for task in tasks if isinstance(task, dict)):
        results += map(_result, stream.add(batch))
    return Reply(body={"results": [*results, *map(_result, stream.close())]})


def upcoming(call: Call) -> Outcome:
    """GET /tasks/next"""
    lane, vendor = names.lane(call.needed("lane")), call.one("vendor")
    backend = call.queue.backend

    def seen(found: Snapshot) -> Reply:
        receipts.seen(backend, found, HTTP)
        return Reply(body={"task": call.queue.record(found)})

    return Pending(
        sought=waiting.work(
            backend,
            lane,
            lambda: call.queue.peek_next(lane, vendor=vendor),
            lambda: presence.attending(backend, lane, vendor=vendor, kind=HTTP),
        ),
        seconds=poll_seconds(call),
        found=seen,
        over=lambda: Reply(body={"task": None}),
    )


def status(call: Call) -> Outcome:
    """GET /tasks/<id>"""
    found = call.queue.read(call.id)
    return Reply(body={"task": call.queue.status(found), **call.queue.told(found)})


def claim(call: Call) -> Outcome:
    """POST /tasks/<id>/claim"""
    owner, lease_seconds = text(call.body, "owner") or "worker", maybe_number(call.body, "lease_seconds")
    taken = call.queue.claim(call.id, owner=owner, lease_seconds=lease_seconds)
    assert taken.claim is not None
    told: JsonObject = {"status": "claimed", "task_id": call.id, "claim_token": taken.claim.token}
    return Reply(body={**told, "task": call.queue.record(taken)})


def renew(call: Call) -> Outcome:
    """POST /tasks/<id>/renew"""
    lease_seconds = maybe_number(call.body, "lease_seconds")
    renewed = call.queue.renew(call.id, _token(call), lease_seconds=lease_seconds)
    return Reply(body={"status": "renewed", "task_id": call.id, "task": call.queue.record(renewed)})


def release(call: Call) -> Outcome:
    """POST /tasks/<id>/release"""
    released, _ = call.queue.release(call.id, _token(call), reason=text(call.body, "reason") or "")
    return Reply(body={"status": "released", "task_id": call.id, "task": call.queue.record(released)})


def event(call: Call) -> Outcome:
    """POST /tasks/<id>/events"""
    call.queue.event(
        call.id,
        type=text(call.body, "type") or "note",
        message=text(call.body, "message") or "",
        data=mapping(call.body, "data"),
        token=text(call.body, "claim_token"),
    )
    return Reply(body={"ok": True})


def respond(call: Call) -> Outcome:
    """POST /tasks/<id>/response"""
    body = call.body
    answered, _ = call.queue.respond(
        call.id,
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
    return Reply(body={"response": public_response(answered.response)})


def response(call: Call) -> Outcome:
    """GET /tasks/<id>/response"""

    def over() -> Reply:
        raise TimedOut(f"no response yet: {call.id}", hint="ask again")

    def fetched(found: Snapshot) -> Reply:
        assert found.response is not None
        receipts.fetched(call.queue.backend, [found], HTTP)
        return Reply(body={"response": public_response(found.response)})

    return Pending(
        sought=waiting.answer(call.queue.backend, call.id),
        seconds=poll_seconds(call),
        found=fetched,
        over=over,
    )


def cancel(call: Call) -> Outcome:
    """POST /tasks/<id>/cancel"""
    by, reason = _who_and_why(call)
    after, again = control.cancel(call.queue.backend, call.id, by=by, reason=reason)
    return Reply(body={"task": call.queue.status(after), "already_done": again})


def hold(call: Call) -> Outcome:
    """POST /tasks/<id>/hold"""
    by, reason = _who_and_why(call)
    until = instant_after(call.body, "for_seconds", call.queue.backend.now().wall)
    after, again = control.hold(call.queue.backend, call.id, by=by, reason=reason or None, until=until)
    return Reply(body={"task": call.queue.status(after), "already_done": again})


def resume(call: Call) -> Outcome:
    """POST /tasks/<id>/resume"""
    resumed = control.resume(call.queue.backend, call.id, by=text(call.body, "by") or "api")
    return Reply(body={"task": call.queue.status(resumed)})


def retry(call: Call) -> Outcome:
    """POST /tasks/<id>/retry"""
    queue = call.queue
    task, new = retries.again(queue.backend, call.id)
    found = Snapshot(task=task) if new else queue.read(task.id)
    body: JsonObject = {"task_id": task.id, "task": queue.record(found), "already_done": not new}
    return Reply(status=201 if new else 200, body=body)


def poll_seconds(call: Call) -> float:
    """How long a request may wait. Raises BadUsage."""
    given = call.one("wait_seconds")
    if given is None:
        return 0
    try:
        if not NUMERIC.issuperset(given):  # float() reads blanks, underscores and the digits of every script
            raise ValueError
        return min(waiting.timeout("wait_seconds", float(given)), LONGEST_POLL_SECONDS)
    except ValueError:
        raise BadUsage(f"wait_seconds: {names.shown(given)} is not a number of seconds") from None


def _who_and_why(call: Call) -> tuple[str, str]:
    return text(call.body, "by") or "api", text(call.body, "reason") or ""


def _token(call: Call) -> str:
    token = text(call.body, "claim_token")
    if token is None:
        raise BadData("claim_token: missing")
    return token


def _wanted(call: Call, body: JsonObject) -> Submission | AgentLanesError:
    try:
        shapes.known(BadData, body, shapes.NAMED, "field of a task")
        return _submission(call, body)
    except AgentLanesError as wrong:
        return wrong


def _submission(call: Call, body: JsonObject) -> Submission:
    lane = text(body, "lane")
    if lane is None:
        raise BadData("lane: missing")
    request = text(body, "request")
    root = call.workspaces.root(text(body, "workspace_root"))
    request_path, supporting = text(body, "request_path"), texts(body, "supporting_paths")
    store = call.queue.backend.address
    if request_path is not None:
        artifacts.no_record("request_path", request_path, root, store)
    for path in supporting:
        artifacts.no_record("supporting_paths", path, root, store)
    asked = {key: body[key] for key in terms.KEYS if body.get(key) is not None}
    return Submission(
        lane=lane,
        terms=terms.stated(asked, call.queue.backend.now().wall) if asked else None,
        workspace_id=text(body, "workspace_id") or call.workspaces.id,
        workspace_root=root,
        base=root,
        config_path=call.workspaces.config,
        request=request_path,
        request_bytes=None if request is None else request.encode("utf-8", "surrogatepass"),
        response_to=text(body, "response_path"),
        prompt=text(body, "prompt") or "",
        supporting_paths=supporting,
        worktree_path=text(body, "worktree_path"),
        branch=_branch(body),
        metadata=mapping(body, "metadata"),
        source_agent=text(body, "source_agent") or "api",
        correlation_id=text(body, "correlation_id"),
        idempotency_key=text(body, "idempotency_key"),
        name=text(body, "name"),
    )


def _branch(body: JsonObject) -> str | None:
    """Checked here, for its name here is not that of the commands."""
    branch = text(body, "expected_branch")
    return None if branch is None else names.agent("expected_branch", branch)


def _result(outcome: Submitted) -> JsonObject:
    if outcome.task is not None:
        return {"task_id": outcome.task.id, "already_done": not outcome.new}
    assert outcome.error is not None
    return as_object(outcome.error)
