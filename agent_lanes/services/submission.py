"""A task to be: what a caller states, and the checks that it must pass before anything is written."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.digest import sha256
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import Task
from agent_lanes.errors import BadData, BadUsage
from agent_lanes.services import artifacts, bodies
from agent_lanes.services.lanes import declared, of_lane
from agent_lanes.services.requests import file_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.rules import Lanes
    from agent_lanes.core.terms import Terms
    from agent_lanes.ports import Birth


WHY_EMPTY = "did the program fail that was to write it?"


class Submission(Frozen):
    """A task to be. Paths are given as the caller has them: `base` is what relative ones are relative to.

    `request` is a path, or None; `request_bytes` is a request that the store keeps itself. `config_path` is only
    there to be protected from being overwritten by the answer. `name` is what others of the same stream call it.
    """

    lane: str
    workspace_id: str
    workspace_root: str
    base: str
    request: str | None = None
    request_bytes: bytes | None = None
    response_to: str | None = None
    prompt: str = ""
    supporting_paths: tuple[str, ...] = ()
    worktree_path: str | None = None
    branch: str | None = None
    metadata: JsonObject
    source_agent: str = "orchestrator"
    correlation_id: str | None = None
    config_path: str | None = None
    idempotency_key: str | None = None
    name: str | None = None
    terms: Terms | None = None


def checked(wanted: Submission, store: str, lanes: Lanes, places: artifacts.Resolver) -> Task:
    """The task of a submission in which everything has been found right; `born` completes it.

    `store` is the address of the store, which an answer may not be written into. Raises BadUsage, BadData,
    NotFound, NotAllowed.
    """
    lane = names.lane(wanted.lane)
    rules = declared(lane, lanes)
    correlation = names.correlation_id(wanted.correlation_id or lane)
    workspace_id = names.workspace_id(wanted.workspace_id)
    key = None if wanted.idempotency_key is None else names.key("idempotency_key", wanted.idempotency_key)
    source_agent = names.agent("source_agent", wanted.source_agent)
    metadata = names.metadata("metadata", wanted.metadata)
    prompt = bodies.given("prompt", wanted.prompt, bodies.MAX_PROMPT_BYTES)
    branch = None if wanted.branch is None else names.agent("branch", wanted.branch)
    root = artifacts.inside("workspace_root", wanted.workspace_root, wanted.base, "/", places)
    request, digest = _request(wanted, root, places)
    if request is None and not wanted.request_bytes and not prompt:
        if wanted.request_bytes is None:
            raise BadUsage("request: missing; a task needs one, or at least a prompt")
        raise BadData("request: empty; a task needs one, or at least a prompt", hint=WHY_EMPTY)
    response = None
    if wanted.response_to is not None:
        response = artifacts.response_path(
            wanted.response_to,
            wanted.base,
            root,
            forbidden=(request, wanted.config_path),
            store=store,
            places=places,
        )
    worktree = wanted.worktree_path
    if worktree is not None:
        worktree = artifacts.inside("worktree_path", worktree, wanted.base, "/", places)
    asked = Task(
        id="",
        workspace_id=workspace_id,
        workspace_root=root,
        correlation_id=correlation,
        source_agent=source_agent,
        lane=lane,
        created_at=0,
        sequence=0,
        prompt=prompt,
        request_path=request,
        request_sha256=digest,
        request_stored=wanted.request_bytes is not None,
        response_path=response,
        supporting_paths=artifacts.supporting_paths(wanted.supporting_paths, root),
        worktree_path=worktree,
        expected_branch=branch,
        idempotency_key=key,
        metadata=metadata,
    )
    return asked.replace(**of_lane(lane, rules, metadata), **rules.agreed(wanted.terms))


def born(asked: Task, birth: Birth) -> Task:
    """The task, with what only the store can give it: an id, the time, a place in its lane."""
    id = birth.id or names.new_task_id(birth.now.wall, asked.correlation_id, birth.chance)
    return asked.replace(id=id, created_at=birth.now.wall, sequence=birth.sequence)


def _request(wanted: Submission, root: str, places: artifacts.Resolver) -> tuple[str | None, str | None]:
    if wanted.request is not None and wanted.request_bytes is not None:
        raise BadUsage("request: given twice, as a path and as a text; give one of the two")
    if wanted.request is not None:
        path = artifacts.request_path(wanted.request, wanted.base, root, places)
        return path, file_sha256(path)
    if wanted.request_bytes is not None:
        bodies.text("request", wanted.request_bytes)
        return None, sha256(wanted.request_bytes)
    return None, None
