"""A task to be: what a caller states, and the checks that it must pass before anything is written."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.task import Task
from agent_lanes.errors import BadUsage
from agent_lanes.services import artifacts, bodies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.ports import Birth


class Submission(Frozen):
    """A task to be. Paths are given as the caller has them: `base` is what relative ones are relative to.

    `request` is a path, or None; `request_bytes` is a request that the store keeps itself. `config_path` is only
    there to be protected from being overwritten by the answer.
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


def checked(wanted: Submission, store: str) -> Callable[[Birth], Task]:
    """How to make the task of a submission in which everything has been found right.

    `store` is the address of the store, which an answer may not be written into. Raises BadUsage, BadData,
    NotFound, NotAllowed.
    """
    lane = names.lane(wanted.lane)
    correlation = names.correlation_id(wanted.correlation_id or lane)
    workspace_id = names.workspace_id(wanted.workspace_id)
    source_agent = names.agent("source_agent", wanted.source_agent)
    metadata = names.metadata("metadata", wanted.metadata)
    prompt = bodies.given("prompt", wanted.prompt, bodies.MAX_PROMPT_BYTES)
    branch = None if wanted.branch is None else names.agent("branch", wanted.branch)
    root = artifacts.inside("workspace_root", wanted.workspace_root, wanted.base, "/")
    request, digest = _request(wanted, root)
    if request is None and wanted.request_bytes is None and not prompt:
        raise BadUsage(
            "submit needs a request: --request-from FILE, or - for stdin, or at least --prompt",
            hint="agent-lanes submit --lane LANE --request-from FILE",
        )
    response = None
    if wanted.response_to is not None:
        response = artifacts.response_path(
            wanted.response_to,
            wanted.base,
            root,
            forbidden=(request, wanted.config_path),
            store=store,
        )
    worktree = wanted.worktree_path
    if worktree is not None:
        worktree = artifacts.inside("worktree_path", worktree, wanted.base, "/")
    supporting = artifacts.supporting_paths(wanted.supporting_paths, root)

    def make(birth: Birth) -> Task:
        return Task(
            id=names.new_task_id(birth.now.wall, correlation, birth.chance),
            workspace_id=workspace_id,
            workspace_root=root,
            correlation_id=correlation,
            source_agent=source_agent,
            lane=lane,
            created_at=birth.now.wall,
            sequence=birth.sequence,
            prompt=prompt,
            request_path=request,
            request_sha256=digest,
            request_stored=wanted.request_bytes is not None,
            response_path=response,
            supporting_paths=supporting,
            worktree_path=worktree,
            expected_branch=branch,
            metadata=metadata,
        )

    return make


def _request(wanted: Submission, root: str) -> tuple[str | None, str | None]:
    if wanted.request is not None:
        path = artifacts.request_path(wanted.request, wanted.base, root)
        return path, artifacts.file_sha256(path)
    if wanted.request_bytes is not None:
        bodies.text("request", wanted.request_bytes)
        return None, artifacts.sha256(wanted.request_bytes)
    return None, None
