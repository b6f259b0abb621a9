"""A task told as text: the page that `show` prints."""

from __future__ import annotations

from agent_lanes.core.answers import public_response
from agent_lanes.core.codec import public_event
from agent_lanes.core.task import CLAIMED
from agent_lanes.core.times import iso
from agent_lanes.errors import AgentLanesError
from agent_lanes.services import requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Event, Snapshot, Task
    from agent_lanes.services.looks import Looks

MORE = "\n      "
LONGEST_SHOWN = 4000


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
        until = f"until {iso(claim.lease.expires_at)} " if snapshot.state == CLAIMED else ""
        lines.append(f"  {'claimed' if until else 'last claimed'} by {claim.owner} {until}(epoch {claim.epoch})")
    if view["retried_as"]:
        lines.append(f"  submitted again as {view['retried_as']}")
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
        **queue.told(snapshot, events),
        "response": public_response(snapshot.response) if snapshot.response else None,
    }


def request(queue: Looks, task: Task, longest: int) -> JsonObject | None:
    """The request with at most so many characters, and how many are left off; or why it cannot be read.

    None where there is only a prompt.
    """
    try:
        text = requests.text(queue.backend, task)
    except AgentLanesError as wrong:
        return {"text": None, "left_off": 0, "error": wrong.message}
    if text is None:
        return None
    return {"text": text[:longest], "left_off": max(0, len(text) - longest), "error": None}


def _shown(queue: Looks, task: Task) -> str:
    found = request(queue, task, LONGEST_SHOWN)
    if found is None or found["error"] is not None:
        return "" if found is None else f"({found['error']})"
    return f"{found['text']}\n... {found['left_off']} characters more" if found["left_off"] else str(found["text"])


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.rstrip("\n").split("\n"))
