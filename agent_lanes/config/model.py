"""What a handoff.yaml says, as a value; and that value as JSON, for the compiled copy.

The copy is trusted as far as its owner and its stamp tell (cache.py): it was written by `dump`.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.rules import Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.notices import Notice


class Config(Frozen):
    """One engine. Paths are absolute; `path` is the file it was read from; `vendors` is checked by dispatch.table."""

    path: str
    workspace_id: str
    workspace_root: str
    queue_root: str
    lanes: dict[str, Rules]
    strict_lanes: bool = False
    worktree_path: str | None = None
    expected_branch: str | None = None
    max_cost_usd_per_day: float | None = None
    vendors: JsonObject = {}
    notify: tuple[Notice, ...] = ()
    warnings: tuple[str, ...] = ()


def dump(config: Config) -> JsonObject:
    """A Config as JSON, for the compiled copy."""
    lanes: JsonObject = {name: _stated(rules) for name, rules in config.lanes.items()}
    notify = [dict(rule.__dict__) for rule in config.notify]
    return {**config.__dict__, "lanes": lanes, "notify": notify, "warnings": list(config.warnings)}


def restore(record: JsonObject) -> Config:
    """The Config of a compiled copy. Raises TypeError, KeyError if it is not one."""
    lanes, vendors, warnings = record["lanes"], record["vendors"], record["warnings"]
    if not isinstance(lanes, dict) or not isinstance(vendors, dict) or not isinstance(warnings, list):
        raise TypeError("lanes, vendors, warnings")
    rules = {
        name: Rules(**stated)  # type: ignore[arg-type]
        for name, stated in lanes.items()
    }
    needed = [record[key] for key in ("path", "workspace_id", "workspace_root", "queue_root")]
    maybe = [record[key] for key in ("worktree_path", "expected_branch") if record[key] is not None]
    if not all(isinstance(value, str) for value in (*needed, *maybe, *warnings)):
        raise TypeError("not a text")
    more = {"lanes": rules, "notify": _notices(record["notify"]), "warnings": tuple(warnings)}
    return Config(**{**record, **more})  # type: ignore[arg-type]


def _notices(stated: object) -> tuple[Notice, ...]:
    if not stated:
        return ()  # most configs have none: no module for them
    from agent_lanes.core.notices import Notice

    return tuple(
        Notice(**{**rule, "on": tuple(rule["on"]), "command": tuple(rule["command"])})
        for rule in stated  # type: ignore[attr-defined]
    )


def _stated(rules: Rules) -> JsonObject:
    """What a lane says, without what it leaves out: most lanes have a description alone."""
    return {field: value for field, value in rules.__dict__.items() if value != getattr(Rules, field)}
