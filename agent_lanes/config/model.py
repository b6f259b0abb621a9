"""What a handoff.yaml says, as a value; and that value as JSON, for the compiled copy."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


class Config(Frozen):
    """One engine. Paths are absolute; `path` is the file it was read from; `vendors` is checked by dispatch.table."""

    path: str
    workspace_id: str
    workspace_root: str
    queue_root: str
    lanes: dict[str, str]
    worktree_path: str | None = None
    expected_branch: str | None = None
    vendors: JsonObject = {}
    warnings: tuple[str, ...] = ()


def dump(config: Config) -> JsonObject:
    """A Config as JSON, for the compiled copy."""
    return {**config.__dict__, "warnings": list(config.warnings)}


def restore(record: JsonObject) -> Config:
    """The Config of a compiled copy. Raises TypeError, KeyError if it is not one."""
    lanes, vendors, warnings = record["lanes"], record["vendors"], record["warnings"]
    if not isinstance(lanes, dict) or not isinstance(vendors, dict) or not isinstance(warnings, list):
        raise TypeError("lanes, vendors, warnings")
    needed = [record[key] for key in ("path", "workspace_id", "workspace_root", "queue_root")]
    maybe = [record[key] for key in ("worktree_path", "expected_branch") if record[key] is not None]
    if not all(isinstance(value, str) for value in (*needed, *maybe, *lanes.values(), *warnings)):
        raise TypeError("not a text")
    return Config(**{**record, "warnings": tuple(warnings)})  # type: ignore[arg-type]
