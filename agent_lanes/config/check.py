"""Is that a handoff.yaml? Pure: from parsed data to a Config; CONTRACT.md, "Engine config"."""

from __future__ import annotations

import posixpath

from agent_lanes.config import rules
from agent_lanes.config.model import Config
from agent_lanes.core import names, terms
from agent_lanes.errors import BadData, BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from agent_lanes.core.jsontext import Json, JsonObject
    from agent_lanes.core.notices import Notice

    T = TypeVar("T")

KEYS = (
    *("workspace_id", "workspace_root", "queue_root", "lanes", "strict_lanes", "worktree_path", "expected_branch"),
    *("vendors", "notify", "max_cost_usd_per_day"),
)
DEFAULT_ROOT, DEFAULT_QUEUE = "..", "state"


def parse(data: object, path: str) -> Config:
    """The Config of a parsed handoff.yaml. Raises BadData that names the file and the key."""
    if not isinstance(data, dict):
        raise BadData(f"{path}: not a mapping of keys to values; it needs at least workspace_id: NAME")
    if "checkpoints" in data:
        raise BadData(
            f"{path}: checkpoints are no longer part of this file",
            hint="write each one as a task file, tasks/<id>.yaml",
        )
    folder = posixpath.dirname(path)
    try:
        workspace_id = names.workspace_id(data.get("workspace_id"))
    except BadUsage as wrong:
        raise BadData(f"{path}: {wrong.message}", hint="add a line: workspace_id: NAME") from None
    root = _path(data, "workspace_root", path) or DEFAULT_ROOT
    queue = _path(data, "queue_root", path) or DEFAULT_QUEUE
    lanes, warnings = rules.lanes(data.get("lanes"), path)
    strict = data.get("strict_lanes")
    if strict is not None and not isinstance(strict, bool):
        raise BadData(f"{path}: strict_lanes: {names.shown(strict)} is not true or false")
    told: tuple[Notice, ...] = ()
    if data.get("notify") is not None:
        from agent_lanes.config import notices

        told, more = notices.notices(data["notify"], path)
        warnings += more
    unknown = [key for key in data if key not in KEYS]
    if unknown:
        warnings = (f"{path} has unknown keys (ignored): {names.some(unknown)}", *warnings)
    return Config(
        path=path,
        workspace_id=workspace_id,
        workspace_root=posixpath.normpath(posixpath.join(folder, root)),
        queue_root=posixpath.normpath(posixpath.join(folder, queue)),
        lanes=lanes,
        strict_lanes=bool(strict),
        worktree_path=_path(data, "worktree_path", path),
        expected_branch=_checked(data, "expected_branch", path, names.agent),
        max_cost_usd_per_day=_checked(data, "max_cost_usd_per_day", path, terms.usd),
        vendors=_vendors(data.get("vendors"), path),
        notify=told,
        warnings=warnings,
    )


def _path(data: dict[object, object], key: str, path: str) -> str | None:
    return _checked(data, key, path, names.path)


def _checked(data: dict[object, object], key: str, path: str, check: Callable[[str, object], T]) -> T | None:
    value = data.get(key)
    try:
        return None if value is None else check(key, value)
    except BadUsage as wrong:
        raise BadData(f"{path}: {wrong.message}") from None


def _vendors(value: object, path: str) -> JsonObject:
    """Rows for the table of vendors, which says what their keys mean: here only that they are data of JSON's kind."""
    found = _plain({} if value is None else value, f"{path}: vendors")
    if not isinstance(found, dict) or not all(isinstance(row, dict) for row in found.values()):
        raise BadData(f"{path}: vendors: {names.shown(value)} is not a mapping of vendors to what differs for them")
    return found


def _plain(value: object, where: str) -> Json:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise BadData(f"{where}: {names.shown(key)} is not a text; quote it if it is meant as one")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, where) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise BadData(f"{where}: {names.shown(value)} is neither a text nor a number")
