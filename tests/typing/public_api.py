"""The public API as a type checker sees it. Checked by mypy --strict (test_public_api.py), never run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import agent_lanes
from agent_lanes import AgentLanesError, ClaimedTask, NewTask, Queue, Submitted
from agent_lanes.core.logged import Logged
from agent_lanes.core.task import Claim, Event, Response, Snapshot, Task
from agent_lanes.errors import Busy, TaskFailed

assert_type(agent_lanes.__version__, str)
queue = Queue.open()
assert_type(queue, Queue)
assert_type(Queue.open("memory:"), Queue)
assert_type(Queue.open(config="handoff/handoff.yaml"), Queue)
assert_type(queue.store, str)

id = queue.submit(
    "review",
    request="text",
    request_path=None,
    response_to="out/answer.md",
    prompt="",
    metadata={"required_vendor": "codex", "n": 1},
    supporting_paths=("a.md",),
    worktree_path=None,
    branch="main",
    source_agent="ann",
    correlation_id="plan",
)
assert_type(id, str)
new: NewTask = {"lane": "review", "prompt": "p", "idempotency_key": "k"}
assert_type(queue.submit_many([new, {"lane": "x", "request": "r"}]), list[Submitted])
one = queue.submit_many(iter([new]))[0]
assert_type(one.raise_if_failed(), str)
assert_type(one.already_done, bool)
assert_type(one.error, AgentLanesError | None)
assert_type(queue.wait(id, timeout_seconds=1), Response)
assert_type(queue.respond(id, "body", token=None, verdict="accept"), Response)
assert_type(queue.renew(id, "token", lease_seconds=1), Claim)
queue.release(id, "token", reason="lunch")
queue.event(id, "half-way", type="note", data={"done": 1})
assert_type(queue.events(id), list[Event])
assert_type(queue.events(cursor="1:0", follow=True), Iterator[Logged])
assert_type(queue.receipts(id), dict[str, str | None])
assert_type(queue.read(id), Snapshot)
assert_type(queue.status(id), dict[str, Any])
assert_type(queue.list(lane="review", active_only=True), list[dict[str, Any]])

maybe = queue.claim("review", vendor="codex", match={"size": "s"}, owner="ann", lease_seconds=0.5, wait_seconds=1)
assert_type(maybe, ClaimedTask | None)
unlooked: str = maybe.id  # type: ignore[union-attr]

task = queue.claim_task(id, owner="ann", lease_seconds=60)
assert_type(task, ClaimedTask)
assert_type(task.id, str)
assert_type(task.token, str)
assert_type(task.lost, bool)
assert_type(task.input, str)
assert_type(task.task, Task)
assert_type(task.snapshot, Snapshot)
assert_type(task.lease_seconds, float)
assert_type(task.respond("body", verdict="accept"), Response)
assert_type(task.fail("reason"), Response)
task.renew()
task.renew(60)
task.release("lunch")
task.event("half-way", data={})

with queue.work("review", lease_seconds=900) as working:
    assert_type(working, ClaimedTask | None)
with task.kept_alive() as same:
    assert_type(same, ClaimedTask)

snapshot = queue.read(id)
assert_type(snapshot.state, str)
assert_type(snapshot.task.created_at, int)
assert_type(snapshot.response, Response | None)
assert_type(snapshot.claim, Claim | None)
assert_type(snapshot.replace(claim=None), Snapshot)

try:
    queue.wait(id)
except TaskFailed as failed:
    assert_type(failed.hint, str)
except Busy as busy:
    assert_type(busy.retryable, bool)
except AgentLanesError as error:
    assert_type(error.exit_code, int)
    assert_type(error.http_status, int)
    assert_type(error.code, str)
    assert_type(error.message, str)

# What must not pass: each line is an error that mypy has to find (an ignore that is not needed is one itself).
queue.submit()  # type: ignore[call-arg]
queue.submit("review", metadata="a=b")  # type: ignore[arg-type]
queue.submit("review", "text")  # type: ignore[call-arg]
queue.submit_many([{"prompt": "p"}])  # type: ignore[typeddict-item]
queue.submit_many([{"lane": "a", "promt": "p"}])  # type: ignore[typeddict-unknown-key]
queue.wait(id, timeout="1")  # type: ignore[call-arg]
queue.claim("review", wait_seconds="1")  # type: ignore[arg-type]
snapshot.task.lane = "other"  # type: ignore[misc]
Task(id="x")  # type: ignore[call-arg]
