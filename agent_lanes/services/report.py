"""A task told as text: the page that `show` prints, and the input that an agent is given."""

from __future__ import annotations

from agent_lanes.core.answers import public_response
from agent_lanes.core.attempts import history
from agent_lanes.core.codec import public_event
from agent_lanes.core.jsontext import dumps
from agent_lanes.core.times import iso
from agent_lanes.errors import AgentLanesError
from agent_lanes.services import requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event, Snapshot, Task
    from agent_lanes.services.looks import Looks

MORE = "\n      "
MOST_PARENTS, LONGEST_THREAD = 50, 1 << 20
LONGEST_SHOWN = 4000


def agent_input(queue: Looks, snapshot: Snapshot) -> str:
    """Prompt, request and supporting files as one text; it begins with a plain line, never with a slash.

    Raises StorageFailed where the request cannot be read.
    """
    task = snapshot.task
    parts = [f"Task {task.id} on lane {task.lane}.\n"]
    if task.prompt:
        parts.append(f"\n{task.prompt.rstrip()}\n")
    parts += _thread(queue, snapshot)
    request = requests.text(queue.backend, task)
    if request is not None:
        where = "" if task.request_stored else f" (the file {task.request_path})"
        parts.append(f"\n--- the request{where} ---\n{request.rstrip()}\n--- end of the request ---\n")
    if task.supporting_paths:
        parts.append("\nSupporting files:\n" + "".join(f"- {file.path}\n" for file in task.supporting_paths))
    if task.worktree_path:
        branch = f", on branch {task.expected_branch}" if task.expected_branch else ""
        parts.append(f"\nWork in {task.worktree_path}{branch}.\n")
    if task.response_schema is not None:
        schema = dumps(task.response_schema).rstrip()
        parts.append(f"\nYour answer must be JSON, and nothing else, that matches this JSON Schema:\n{schema}\n")
        return "".join(parts)
    parts.append("\nYour answer is what you print last. For a review, end with a line: VERDICT: accept, ")
    parts.append("VERDICT: accept-with-follow-ups, or VERDICT: needs-revision.\n")
    return "".join(parts)


def _thread(queue: Looks, snapshot: Snapshot) -> list[str]:
    """What the parents of a task were answered, oldest first: metadata parent_task_id, as far as it leads."""
    told: list[str] = []
    seen, left = {snapshot.id}, LONGEST_THREAD
    while len(seen) <= MOST_PARENTS:
        parent = snapshot.task.metadata.get("parent_task_id")
        if not isinstance(parent, str) or parent in seen:
            break
        seen.add(parent)
        try:
            snapshot = queue.read(parent)
        except AgentLanesError:
            break  # gone, or damaged: the work can go on without it
        if snapshot.response is not None and left > 0:
            body = snapshot.response.body[-left:]
            left -= len(body)
            told.append(f"\n--- earlier in this thread: {parent} ---\n{body.rstrip()}\n--- end of {parent} ---\n")
    return told[::-1]


def page(queue: Looks, snapshot: Snapshot, events: list[Event]) -> str:
    """The whole story, for people."""
    task, claim, response = snapshot.task, snapshot.claim, snapshot.response
    view = queue.status(snapshot)
    lines = [
        f"{task.id}",
        f"  {snapshot.state} · lane {task.lane} · for {task.vendor} · from {task.source_agent}",
        f"  submitted {iso(task.created_at)} in {task.workspace_root}",
    ]
    if claim is not None and claim.held:
        lines.append(f"  claimed by {claim.owner} until {iso(claim.lease.expires_at)} (epoch {claim.epoch})")
    lines.append(f"  next: {view['next_action']}")
    lines = [line.replace("\n", MORE) for line in lines]  # nothing here may pass for another part of the page
    if task.prompt:
        lines += ["", "PROMPT", _indented(task.prompt)]
    if task.request_stored or task.request_path is not None:
        where = (queue.backend.request_location(task) or "").replace("\n", MORE)
        lines += ["", f"REQUEST  {where}", _indented(_shown(queue, task))]
    lines += ["", "HISTORY"]
    for event in events:
        data = " ".join(f"{key}={value}" for key, value in event.data.items())
        line = f"  {iso(event.created_at)}  {event.type:<12} {event.message}{'  ' + data if data else ''}"
        lines.append(line.replace("\n", MORE))
    if response is not None:
        verdict = f" · verdict {response.verdict}" if response.verdict else ""
        lines += ["", f"ANSWER  by {response.reviewer} · {response.status}{verdict}", _indented(response.body)]
    return "\n".join(lines) + "\n"


def whole(queue: Looks, snapshot: Snapshot, events: list[Event]) -> JsonObject:
    """The same as JSON."""
    return {
        "status": "ok",
        "task": queue.status(snapshot),
        "events": [public_event(event) for event in events],
        "attempts_history": [*history(events, snapshot.response)],
        "response": public_response(snapshot.response) if snapshot.response else None,
    }


def _shown(queue: Looks, task: Task) -> str:
    try:
        text = requests.text(queue.backend, task) or ""
    except AgentLanesError as wrong:
        return f"({wrong.message})"
    cut = len(text) - LONGEST_SHOWN
    return f"{text[:LONGEST_SHOWN]}\n... {cut} characters more" if cut > 0 else text


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.rstrip("\n").split("\n"))
