"""Task files: reusable descriptions of a task, YAML or JSON; CONTRACT.md, "Task files"."""

from __future__ import annotations

import os

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import BadData, BadUsage, NotAllowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject

PATHS = ("prompt_file", "request_from", "response_to", "worktree_path")
TEXTS = ("lane", "prompt", "branch", *PATHS)
KEYS = (*TEXTS, "metadata", "supporting_paths")


class TaskFile(Frozen):
    """What a task file states; None where it says nothing."""

    path: str = ""
    lane: str | None = None
    prompt: str | None = None
    prompt_file: str | None = None
    request_from: str | None = None
    response_to: str | None = None
    worktree_path: str | None = None
    branch: str | None = None
    metadata: JsonObject
    supporting_paths: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def stem(self) -> str | None:
        """The file's name without its suffix: the correlation id of tasks submitted from it."""
        return os.path.splitext(os.path.basename(self.path))[0] or None


def load(path: str) -> TaskFile:
    """Read and check one. Raises NotFound, BadData (file and key named), StorageFailed."""
    from agent_lanes.config.load import document

    data = document(path, "task file")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise BadData(f"{path}: not a mapping of keys to values")
    found: dict[str, object] = {key: _text(data, key, path) for key in TEXTS}
    unknown = sorted(str(key) for key in data if key not in KEYS)
    try:
        for key in TEXTS:
            if found[key] is not None:
                _check(key, found[key])
        metadata = data.get("metadata")
        found["metadata"] = {} if metadata is None else names.metadata("metadata", metadata)
        supporting = data.get("supporting_paths")
        if supporting is not None and not isinstance(supporting, list):
            raise BadUsage(f"supporting_paths: {names.shown(supporting)} is not a list of paths")
        found["supporting_paths"] = tuple(names.path("supporting_paths", item) for item in supporting or ())
    except BadUsage as wrong:
        raise BadData(f"{path}: {wrong.message}") from None
    found["warnings"] = (f"task file {path} has unknown keys (ignored): {', '.join(unknown)}",) if unknown else ()
    return TaskFile(path=path, **found)  # type: ignore[arg-type]


def prompt_from(path: str, base: str, root: str) -> str:
    """The text of a prompt file, which must resolve inside the workspace. Raises NotFound, NotAllowed, BadData."""
    from agent_lanes.config.load import content

    try:
        real, real_root = os.path.realpath(os.path.join(base, path)), os.path.realpath(root)
    except ValueError:  # a NUL, or half a character
        raise BadData(f"prompt_file: {names.shown(path)} is not a path") from None
    if os.path.commonpath((real, real_root)) != real_root:
        raise NotAllowed(f"prompt_file is outside workspace_root: {path}", hint=f"workspace_root is {real_root}")
    try:
        return content(real, "prompt file").decode()
    except UnicodeDecodeError as wrong:
        raise BadData(f"prompt file: not UTF-8 at byte {wrong.start}: {path}") from None


def _check(key: str, value: object) -> None:
    if key == "lane":
        names.lane(value)
    elif key == "branch":
        names.agent(key, value)
    elif key in PATHS:
        names.path(key, value)
    else:
        names.whole_text(key, value)


def _text(data: dict[object, object], key: str, path: str) -> str | None:
    value = data.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadData(f"{path}: {key}: {names.shown(value)} is not a text; quote it if it is meant as one")
    return value
