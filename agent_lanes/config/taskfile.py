"""Task files: descriptions of a task in YAML or JSON, and many of them as lines of a JSONL file.

CONTRACT.md, "Task files". One vocabulary for both; only what nobody has heard of is ignored in a file, with a
warning, and refused in a line, where there may be thousands of them.
"""

from __future__ import annotations

import os

from agent_lanes.core import names
from agent_lanes.core.frozen import Frozen
from agent_lanes.core.jsontext import loads_object
from agent_lanes.core.terms import KEYS as TERMS
from agent_lanes.core.terms import stated as check_terms
from agent_lanes.errors import BadData, BadUsage, NotAllowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_lanes.core.jsontext import JsonObject

PATHS = ("prompt_file", "request_from", "response_to", "worktree_path")
NAMES = ("branch", "correlation_id", "source_agent", "idempotency_key", "name")
TEXTS = ("lane", "prompt", "request", *NAMES, *PATHS)
KEYS = (*TEXTS, "metadata", "supporting_paths", *TERMS)
WHOEVER = "-"  # the unique key that a flag may give


class TaskFile(Frozen):
    """What a task file or a line states; None where it says nothing. `request` is a text, not a path.

    `terms` are those of core.terms as they were written, each of them right; who submits reads them once more, with
    the flags and the time.
    """

    path: str = ""
    lane: str | None = None
    prompt: str | None = None
    request: str | None = None
    correlation_id: str | None = None
    source_agent: str | None = None
    idempotency_key: str | None = None
    name: str | None = None
    prompt_file: str | None = None
    request_from: str | None = None
    response_to: str | None = None
    worktree_path: str | None = None
    branch: str | None = None
    metadata: JsonObject
    supporting_paths: tuple[str, ...] = ()
    terms: dict[str, object]
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
    unknown = _unknown(data)
    if unknown and len(unknown) == len(data):  # what stands in it may be nobody's business
        raise BadData(f"{path}: no task file: it has none of the keys of a task", hint=f"keys: {', '.join(KEYS)}")
    warnings = [f"task file {path} has unknown keys (ignored): {names.some(unknown)}"] if unknown else []
    if "name" in data:
        warnings.append(f"task file {path}: name is for the lines of submit --many (ignored)")
    return TaskFile(path=path, warnings=tuple(warnings), **_stated(data, path))  # type: ignore[arg-type]


def line(text: str, where: str, path: str) -> TaskFile:
    """Check one line of a JSONL file at `path` (empty: stdin). Raises BadData that begins with `where`."""
    try:
        data = loads_object(text)
    except ValueError as wrong:
        raise BadData(f"{where}: {wrong}") from None
    unknown = _unknown(data)
    if unknown:
        raise BadData(f"{where}: {names.shown(unknown[0])} is no key of a task", hint=f"keys: {', '.join(KEYS)}")
    return TaskFile(path=path, **_stated(data, where))  # type: ignore[arg-type]


def _stated(data: Mapping[str, object], where: str) -> dict[str, object]:
    found: dict[str, object] = {key: _text(data, key, where) for key in TEXTS}
    try:
        for key in TEXTS:
            if found[key] is not None:
                _check(key, found[key])
        metadata = data.get("metadata")
        found["metadata"] = {} if metadata is None else names.metadata("metadata", metadata)
        supporting = data.get("supporting_paths")
        if supporting is not None and not isinstance(supporting, list):
            raise BadUsage(f"supporting_paths: {names.shown(supporting)} is not a list of paths")
        if found["request"] is not None and found["request_from"] is not None:
            raise BadUsage("request: given twice, beside request_from; give one of the two")
        found["terms"] = stated = {key: data[key] for key in TERMS if data.get(key) is not None}
        check_terms({"unique_key": WHOEVER, **stated} if "if_exists" in stated else stated, now=0)
        found["supporting_paths"] = tuple(names.path("supporting_paths", item) for item in supporting or ())
    except BadUsage as wrong:
        raise BadData(f"{where}: {wrong.message}") from None
    return found


def _unknown(data: Mapping[str, object]) -> list[object]:
    return [key for key in data if key not in KEYS]


def prompt_from(path: str, base: str, root: str) -> str:
    """The text of a prompt file, which must resolve inside the workspace. Raises NotFound, NotAllowed, BadData."""
    from agent_lanes.config.load import MAX_PROMPT_BYTES, content

    try:
        real, real_root = os.path.realpath(os.path.join(base, path)), os.path.realpath(root)
    except ValueError:  # a NUL, or half a character
        raise BadData(f"prompt_file: {names.shown(path)} is not a path") from None
    if os.path.commonpath((real, real_root)) != real_root:
        raise NotAllowed(f"prompt_file is outside workspace_root: {path}", hint=f"workspace_root is {real_root}")
    try:
        return content(real, "prompt file", MAX_PROMPT_BYTES).decode()
    except UnicodeDecodeError as wrong:
        raise BadData(f"prompt file: not UTF-8 at byte {wrong.start}: {path}") from None


def _check(key: str, value: object) -> None:
    if key == "lane":
        names.lane(value)
    elif key in NAMES:
        names.agent(key, value)
    elif key in PATHS:
        names.path(key, value)
    else:
        names.whole_text(key, value)


def _text(data: Mapping[str, object], key: str, where: str) -> str | None:
    value = data.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadData(f"{where}: {key}: {names.shown(value)} is not a text; quote it if it is meant as one")
    return value
