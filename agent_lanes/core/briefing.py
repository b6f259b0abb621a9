"""The text that an agent is given for a task, as a pure function of what was gathered for it.

It begins with a plain line, never with a slash or a dash: agent programs take those for commands of their own.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Task


class Earlier(Frozen):
    """What a task before this one in its thread was answered; `cut`: how many characters of it were left out."""

    id: str
    body: str
    cut: int = 0


class Attached(Frozen):
    """A supporting file as it stands now: what there is to say about it, or nothing if it is as it was submitted."""

    path: str
    remark: str = ""


class Briefing(Frozen):
    """Everything that goes into the text; `thread` is oldest first, `folder` empty where the task names none."""

    task: Task
    request: str | None = None
    request_path: str | None = None
    thread: tuple[Earlier, ...] = ()
    attached: tuple[Attached, ...] = ()
    folder: str = ""
    branch: str = ""


def text(given: Briefing) -> str:
    """Prompt, thread, request, supporting files, place and how to answer, in this order."""
    task = given.task
    parts = [f"Task {task.id} on lane {task.lane}.\n"]
    if task.prompt:
        parts.append(f"\n{task.prompt.rstrip()}\n")
    parts += map(_earlier, given.thread)
    if given.request is not None:
        where = f" (the file {given.request_path})" if given.request_path else ""
        parts.append(f"\n--- the request{where} ---\n{given.request.rstrip()}\n--- end of the request ---\n")
    if given.attached:
        parts.append("\nSupporting files:\n" + "".join(map(_attached, given.attached)))
    if given.folder:
        parts.append(f"\nWork in {given.folder}{f', on branch {given.branch}' if given.branch else ''}.\n")
    effort = task.metadata.get("effort")
    if isinstance(effort, str) and effort.isprintable():
        parts.append(f"\nEffort asked for: {effort}.\n")
    if task.response_schema is not None:
        schema = dumps(task.response_schema).rstrip()
        parts.append(f"\nYour answer must be JSON, and nothing else, that matches this JSON Schema:\n{schema}\n")
        return "".join(parts)
    parts.append("\nYour answer is what you print last. For a review, end with a line: VERDICT: accept, ")
    parts.append("VERDICT: accept-with-follow-ups, or VERDICT: needs-revision.\n")
    return "".join(parts)


def _earlier(one: Earlier) -> str:
    cut = f" (its last part; {one.cut} characters before it are left out)" if one.cut else ""
    return f"\n--- earlier in this thread: {one.id}{cut} ---\n{one.body.rstrip()}\n--- end of {one.id} ---\n"


def _attached(one: Attached) -> str:
    return f"- {one.path}{f' ({one.remark})' if one.remark else ''}\n"
