"""Queue a task.

The request is a file inside the workspace, or text on stdin (-), which the store then keeps. Prints the id:

    id=$(agent-lanes submit --lane review --request-from plan.md --response-to outputs/review.md)
    agent-lanes wait "$id"

--many takes tasks as lines of JSON, with the keys of a task file, and submits them together: many times faster than
one by one. Each line is done or not done, whatever becomes of the others. It prints an id for each line, in order, or
- for one that was refused; which, and why, stands on stderr. Exit code 65: some were refused.

A line may have a name, and depend on the lines that have these names, before or behind it:

    {"name": "a", "lane": "build", "prompt": "..."}
    {"name": "b", "lane": "test", "prompt": "...", "depends_on": ["@a"]}
"""

from __future__ import annotations

import os

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, SUBMISSION, Arguments, Option, pairs
from agent_lanes.errors import BadData, BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.config.taskfile import TaskFile
    from agent_lanes.core.task import Task
    from agent_lanes.core.terms import Terms
    from agent_lanes.services.presence import Audience
    from agent_lanes.services.submission import Submission
    from agent_lanes.wiring import Session

OPTIONS = (
    *SUBMISSION,
    Option(
        flag="--many",
        metavar="FILE.jsonl",
        help="tasks as lines of JSON, - for stdin; flags hold for each of them",
    ),
    Option(flag="--quiet", kind=FLAG, default=False, help="no warning where nobody is listening"),
)
STDIN = "-"
TERMS = (
    *("priority", "delay", "at", "expires", "max_attempts", "backoff", "depends_on", "on_failure"),
    *("unique_key", "if_exists", "max_cost_usd"),
)
TIMES = {"delay": "not_before", "at": "not_before", "expires": "expires_at"}


def run(args: Arguments, session: Session) -> int:
    """Submit, and print the id."""
    if args.many is not None:
        from agent_lanes.cli import many

        return many.run(args, session, lambda given: submission(args, session, given), warn)
    from agent_lanes.services.presence import Audience

    wanted, audience = submission(args, session), Audience(session.backend, every=args.json)
    audience.look(wanted)
    with output.shielded():  # a task whose id nobody saw would be submitted twice
        task, new = session.queue.submit(wanted)
        tell(task, new, wanted)
        if args.json:
            from agent_lanes.core.task import Snapshot

            view = session.queue.record(Snapshot(task=task) if new else session.queue.read(task.id))
            output.json({"task_id": task.id, "task": view, "already_done": not new, "listeners": audience.count(task)})
        else:
            output.line(task.id)
    if new:
        warn(audience, task, args)
    return 0


def warn(audience: Audience, task: Task, args: Arguments) -> None:
    """Say so where nobody was there who would take it: it is queued, and waits."""
    line = None if args.quiet else audience.warning(task)
    if line is not None:
        output.note(f"agent-lanes {args.verb}: {line}")


def tell(task: Task, new: bool, wanted: Submission) -> None:
    """Say so where the task is not new: its idempotency key was used before, or it has the unique key."""
    if new:
        return
    if wanted.idempotency_key is not None and task.idempotency_key == wanted.idempotency_key:
        output.note(f"agent-lanes: task {task.id} was submitted before with this idempotency key")
    else:
        output.note(f"agent-lanes: task {task.id} is open and has this unique key; nothing was submitted")


def submission(args: Arguments, session: Session, given: TaskFile | None = None) -> Submission:
    """What flags, task file (or `given`, a line of --many), config and stdin ask for together."""
    from agent_lanes.services.submission import Submission

    of_many = given is not None
    given = given or _task_file(args, session)
    workspace_id, root = session.workspace
    config = session.config
    request, base = _request(args, given, session.folder, root)
    lane = args.lane or (given.lane if given else None)
    if lane is None and of_many:
        raise BadData("lane: missing", hint="state one in the line, or --lane for all of them")
    if lane is None:
        hint = f"agent-lanes {args.verb} --lane LANE ..."
        raise BadUsage(f"{args.verb} needs --lane, or a task file that states one", hint=hint)
    session.look_up(lane)
    response_to = args.response_to or (given.response_to if given else None)
    if response_to is None and args.response_to is not None:
        raise BadUsage("--response-to: empty; give a path, or leave the flag out: then wait prints the answer")
    prompt = _prompt(args, given, session.folder, root)
    text = _stdin() if request == STDIN else _text(given, request)
    if request is None and text is None and not prompt and not of_many:
        raise BadUsage(
            f"{args.verb} needs a request: --request-from FILE, or - for stdin, or at least --prompt",
            hint=f"agent-lanes {args.verb} --lane LANE --request-from FILE",
        )
    metadata = {**(given.metadata if given else {}), **pairs("--metadata", args.metadata)}
    worktree = args.worktree_path or (given.worktree_path if given else None)
    if worktree is None and config is not None and config.worktree_path is not None:
        worktree = os.path.join(root, config.worktree_path)
    return Submission(
        lane=lane,
        workspace_id=workspace_id,
        workspace_root=root,
        base=base,
        request=None if request == STDIN else request,
        request_bytes=text,
        response_to=response_to,
        prompt=prompt,
        supporting_paths=given.supporting_paths if given else (),
        worktree_path=worktree,
        branch=args.branch or (given.branch if given else None) or (config.expected_branch if config else None),
        metadata=metadata,
        source_agent=args.source_agent or (given.source_agent if given else None) or "orchestrator",
        correlation_id=args.task_id or (given.correlation_id or given.name or given.stem if given else None),
        config_path=config.path if config else None,
        idempotency_key=given.idempotency_key if given and args.idempotency_key is None else args.idempotency_key,
        name=given.name if given else None,
        terms=_terms(args, given, session),
    )


def _terms(args: Arguments, given: TaskFile | None, session: Session) -> Terms | None:
    """On which terms, as flags and task file state them; None where neither states any."""
    flags = {name: getattr(args, name) for name in TERMS if getattr(args, name) not in (None, [])}
    if not flags and not (given and given.terms):
        return None
    from agent_lanes.core import terms

    now = session.queue.backend.now().wall
    if "delay" in flags and "at" in flags:
        raise BadUsage("--at: given beside --delay; give one of the two")
    stated = terms.stated({**(given.terms if given else {}), **_without_times(flags)}, now)
    for flag, field in TIMES.items():
        if flag in flags:
            from agent_lanes.cli import when

            stated = stated.replace(**{field: when.instant(f"--{flag}", flags[flag], now)})
    return stated


def _without_times(flags: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in flags.items() if name not in TIMES}


def _task_file(args: Arguments, session: Session) -> TaskFile | None:
    if args.task is None:
        return None
    from agent_lanes.config import taskfile

    given = taskfile.load(os.path.join(session.folder, args.task))
    for line in given.warnings:
        output.warning(line)
    return given


def _request(args: Arguments, given: TaskFile | None, folder: str, root: str) -> tuple[str | None, str]:
    """The request, and the folder that paths are relative to: a task file's, if they are not there, to the root."""
    if args.request is not None and args.request_from is not None:
        raise BadUsage(f"the request is given twice: {args.request} and --request-from {args.request_from}")
    flag = args.request if args.request is not None else args.request_from
    if flag is not None or given is None or given.request_from is None:
        return flag, folder
    here = os.path.exists(os.path.join(folder, given.request_from))
    return given.request_from, folder if here or given.request_from == STDIN else root


def _prompt(args: Arguments, given: TaskFile | None, folder: str, root: str) -> str:
    if args.prompt is not None:
        return str(args.prompt)
    file, base = args.prompt_file or None, folder
    if file is None and given is not None:
        if given.prompt is not None:
            return given.prompt
        file, base = given.prompt_file, os.path.dirname(given.path)
    if file is None:
        return ""
    from agent_lanes.config.taskfile import prompt_from

    return prompt_from(file, base, root)


def _stdin() -> bytes:
    from agent_lanes.cli.stdin import read

    return read("request")


def _text(given: TaskFile | None, path: str | None) -> bytes | None:
    """The request that a task file holds itself; a path on the command line beats it, one beside it does not."""
    if given is None or given.request is None or (path is not None and path != given.request_from):
        return None
    return given.request.encode()
