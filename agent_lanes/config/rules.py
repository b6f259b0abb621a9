"""Are those the rules of lanes? Pure: from the parsed `lanes` of a handoff.yaml to Rules; CONTRACT.md, "Lanes"."""

from __future__ import annotations

import posixpath

from agent_lanes.core import names, terms
from agent_lanes.core.rules import Rules
from agent_lanes.core.task import LEAST_URGENT
from agent_lanes.errors import BadData, BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LANES = 1_000
RETENTION = "retention"  # a text such as 30d; of all others the key is the field of Rules


def lanes(value: object, path: str) -> tuple[dict[str, Rules], tuple[str, ...]]:
    """The rules by lane, and warnings. Raises BadData that names file, lane and key."""
    if value is None:
        return {}, ()
    if not isinstance(value, dict) or len(value) > MAX_LANES:
        raise BadData(f"{path}: lanes: {names.shown(value)} is not a mapping of lane names to settings")
    found: dict[str, Rules] = {}
    warnings: list[str] = []
    for name, settings in value.items():
        try:
            lane = names.lane(name)
        except BadUsage as wrong:
            raise BadData(f"{path}: lanes: {wrong.message}") from None
        if settings is None or isinstance(settings, str):
            settings = {"description": settings or ""}
        if not isinstance(settings, dict):
            raise BadData(f"{path}: lanes.{lane}: {names.shown(settings)} is neither a description nor settings")
        unknown = [key for key in settings if key not in KEYS]
        if unknown:
            warnings.append(f"{path}: lanes.{lane} has unknown keys (ignored): {names.some(unknown)}")
        try:
            found[lane] = _rules({key: settings[key] for key in KEYS if settings.get(key) is not None}, path)
        except BadUsage as wrong:
            raise BadData(f"{path}: lanes.{lane}.{wrong.message}") from None
    return found, tuple(warnings)


def _rules(stated: dict[str, object], path: str) -> Rules:
    checked: dict[str, object] = {key: CHECKS[key](key, value) for key, value in stated.items()}
    if RETENTION in checked:
        checked["retention_seconds"] = checked.pop(RETENTION)
    schema = checked.get("response_schema")
    if isinstance(schema, str):
        checked["response_schema"] = posixpath.normpath(posixpath.join(posixpath.dirname(path), schema))
    return Rules(**checked)  # type: ignore[arg-type]


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadUsage(f"{key}: {names.shown(value)} is not a text")
    return value


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadUsage(f"{key}: {names.shown(value)} is not true or false")
    return value


def _key(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadUsage(f"{key}: {names.shown(value)} is not a key of metadata")
    names.metadata(key, {value: 0})
    return value


def _limits(key: str, value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise BadUsage(f"{key}: {names.shown(value)} is not a mapping of metadata keys to numbers")
    return {_key(key, name): terms.whole(f"{key}.{name}", most, terms.MOST_AT_ONCE, 1) for name, most in value.items()}


def _schema(key: str, value: object) -> object:
    return names.path(key, value) if isinstance(value, str) else names.metadata(key, value)


def _lease(key: str, value: object) -> float:
    return terms.lease_seconds(value, key)


CHECKS: dict[str, Callable[[str, object], object]] = {
    "description": _text,
    "priority": lambda key, value: terms.whole(key, value, LEAST_URGENT),
    "max_attempts": lambda key, value: terms.whole(key, value, terms.MOST_ATTEMPTS),
    "backoff_seconds": terms.backoff,
    "lease_seconds": _lease,
    "max_lease_seconds": _lease,
    "concurrency": lambda key, value: terms.whole(key, value, terms.MOST_AT_ONCE, 1),
    "concurrency_by": _limits,
    "fair": _flag,
    "route_by": _key,
    "response_schema": _schema,
    RETENTION: terms.seconds,
    "max_cost_usd": terms.usd,
    "max_cost_usd_per_day": terms.usd,
}
KEYS = tuple(CHECKS)
