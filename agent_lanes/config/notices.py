"""Are those rules of `notify`? Pure: from the parsed list of a handoff.yaml to Notices; CONTRACT.md, "Notices"."""

from __future__ import annotations

from agent_lanes.core import names
from agent_lanes.core.notices import OCCASIONS, Notice
from agent_lanes.errors import BadData, BadUsage

KEYS = ("on", "lane", "command", "desktop")
MOST = 100


def notices(value: object, path: str) -> tuple[tuple[Notice, ...], tuple[str, ...]]:
    """The rules, in order, and warnings. Raises BadData that names file, rule and key."""
    if value is None:
        return (), ()
    if not isinstance(value, list) or len(value) > MOST:
        raise BadData(f"{path}: notify: {names.shown(value)} is not a list of at most {MOST} rules")
    found, warnings = list[Notice](), list[str]()
    for number, rule in enumerate(value, start=1):
        where = f"{path}: notify, rule {number}"
        if not isinstance(rule, dict):
            raise BadData(f"{where}: {names.shown(rule)} is not a mapping with on, and command or desktop")
        if True in rule:  # how YAML reads an `on` without quotes
            rule = {("on" if key is True else key): item for key, item in rule.items()}
        unknown = [key for key in rule if key not in KEYS]
        if unknown:
            warnings.append(f"{where} has unknown keys (ignored): {names.some(unknown)}")
        try:
            found.append(_notice(rule))
        except BadUsage as wrong:
            raise BadData(f"{where}: {wrong.message}") from None
    return tuple(found), tuple(warnings)


def _notice(rule: dict[object, object]) -> Notice:
    lane, desktop = rule.get("lane"), rule.get("desktop", False)
    if not isinstance(desktop, bool):
        raise BadUsage(f"desktop: {names.shown(desktop)} is not true or false")
    command = _command(rule.get("command"))
    if bool(command) == desktop:
        raise BadUsage("it needs command: [PROGRAM, ...] or desktop: true, one of the two")
    return Notice(
        on=_occasions(rule.get("on")),
        lane=None if lane is None else names.lane(lane),
        command=command,
        desktop=desktop,
    )


def _occasions(value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise BadUsage(f"on: {names.shown(value)} is not a list of occasions ({', '.join(OCCASIONS)})")
    for word in words:
        if word not in OCCASIONS:
            raise BadUsage(f"on: {names.shown(word)} is not one of {', '.join(OCCASIONS)}")
    return tuple(words)


def _command(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    words = isinstance(value, list) and value and all(isinstance(word, str) and "\0" not in word for word in value)
    if not isinstance(value, list) or not words or not value[0]:
        raise BadUsage(f"command: {names.shown(value)} is not a list of texts, the program first")
    return tuple(value)
