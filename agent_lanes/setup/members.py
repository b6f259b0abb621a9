"""One member of a JSON file, put in and taken out, every other byte as it was. Pure.

The file may have comments and trailing commas, as settings of editors and agents do: what is not ours is only passed
over. What comes out is parsed and compared with what was there before.
"""

from __future__ import annotations

import json
import re

from agent_lanes.core.frozen import Frozen
from agent_lanes.setup.piece import ByHand, Edit, Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STRING, COMMENT = r'"(?:[^"\\\n]|\\.)*"', r"//[^\n]*|/\*.*?\*/"
GAP = re.compile(rf"(?:\s+|{COMMENT})*", re.DOTALL)
KEY = re.compile(STRING)
SCALAR = re.compile(r"[^\s,\]}/\"{\[]+")
BRACKETS = re.compile(rf"{STRING}|{COMMENT}|[\[\]{{}}]", re.DOTALL)
EXTRA = re.compile(rf"({STRING})|{COMMENT}|,(?=(?:\s|{COMMENT})*[\]}}])", re.DOTALL)
UNIT = "  "


class Member(Frozen):
    """Where a member stands: its key, its value, the end of it."""

    key: str
    start: int
    value: int
    end: int


def parsed(text: str) -> Any:
    """What a file says, without its comments and trailing commas. Raises ByHand."""
    try:
        return json.loads(EXTRA.sub(lambda found: found[1] or "", text))
    except (ValueError, RecursionError) as wrong:
        raise ByHand(f"it is not JSON ({wrong})") from None


def span(text: str, keys: tuple[str, ...]) -> tuple[int, int] | None:
    """Where the member stands that the keys lead to. Raises ByHand."""
    found = _walk(text, keys)[1]
    return (found.start, found.end) if found else None


def inserted(text: str, piece: Piece) -> Edit:
    """The file with the member in it, after those that are there. Raises ByHand."""
    parsed(text)
    opened, _, missing = _walk(text, piece.keys)
    depth = len(piece.keys) - len(missing) + 1
    line_end = "\r\n" if "\r\n" in text else "\n"
    there = _members(text, opened)
    at = there[-1].end if there else opened + 1
    between = text[opened + 1 : there[0].start] if there else ""
    unit, own_lines = _unit(text), not there or "\n" in between
    pad = (between if between.strip() == "" else line_end + unit * depth) if own_lines and there else None
    if own_lines:
        step = pad or line_end + unit * depth
        lead, tail = ("," if there else "") + step, "" if there or _blank_line(text, opened) else step[: -len(unit)]
    else:
        step, lead, tail = "", ", ", ""
    for key in missing[:-1]:
        lead += json.dumps(key) + ": {"
        inner = step and step + unit
        lead, tail, step = lead + inner, step + "}" + tail, inner
    core = _member(missing[-1], piece.entry, step, unit)
    edit = Edit(text=text[:at] + lead + core + tail + text[at:], lead=lead, core=core, tail=tail)
    check(text, edit.text, piece.keys, piece.entry)
    return edit


def created(piece: Piece) -> Edit:
    """A file of its own for the member."""
    edit = inserted("{}\n", piece)
    at = edit.text.index(edit.core)
    return edit.replace(lead=edit.text[:at], tail=edit.text[at + len(edit.core) :])


def replaced(text: str, piece: Piece, where: tuple[int, int]) -> Edit:
    """The file with the member in the place of an older one. Raises ByHand."""
    line = text[text.rfind("\n", 0, where[0]) + 1 : where[0]]
    step = "\n" + line if "\n" in text and not line.strip() else ""
    core = _member(piece.keys[-1], piece.entry, step, _unit(text))
    after = text[: where[0]] + core + text[where[1] :]
    check(text, after, piece.keys, piece.entry)
    return Edit(text=after, core=core, replaced=text[slice(*where)])


def removed(text: str, where: tuple[int, int]) -> str:
    """The file without the member, and without one comma. Raises ByHand."""
    start, end = where
    before, behind = re.search(r",\s*\Z", text[:start]), re.match(r"\s*,", text[end:])
    if before:
        return text[: before.start()] + text[end:]
    return text[:start].rstrip() + text[end + (behind.end() if behind else 0) :]


def says(core: str) -> Any:
    """The value of a member. Raises ByHand."""
    return next(iter(parsed("{" + core + "}").values()))


def check(before: str, after: str, keys: tuple[str, ...], entry: object) -> None:
    """Does a file say the same as before, with this entry? Raises ByHand."""
    wanted = inner = parsed(before)
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = entry
    if parsed(after) != wanted:
        raise ByHand("the entry cannot be added without changing what else it says")


def _walk(text: str, keys: tuple[str, ...]) -> tuple[int, Member | None, tuple[str, ...]]:
    """The innermost mapping on the way that is there, the last member, and the keys that are missing."""
    opened = _gap(text, 0)
    for number, key in enumerate(keys):
        if text[opened : opened + 1] != "{":
            raise ByHand(f"{'.'.join(keys[:number]) or 'it'} is not a mapping")
        found = [member for member in _members(text, opened) if member.key == key]
        if len(found) > 1:
            raise ByHand(f"it says {key} twice")
        if not found:
            return opened, None, keys[number:]
        if number == len(keys) - 1:
            return opened, found[0], ()
        opened = found[0].value
    raise ByHand("it is not a mapping")


def _members(text: str, opened: int) -> list[Member]:
    found: list[Member] = []
    at = _gap(text, opened + 1)
    while text[at : at + 1] not in ("}", ""):
        key = KEY.match(text, at)
        colon = _gap(text, key.end()) if key else at
        if key is None or text[colon : colon + 1] != ":":
            raise ByHand("it is not JSON")
        value = _gap(text, colon + 1)
        end = _value_end(text, value)
        found.append(Member(key=json.loads(key[0]), start=at, value=value, end=end))
        at = _gap(text, end)
        if text[at : at + 1] == ",":
            at = _gap(text, at + 1)
    return found


def _value_end(text: str, at: int) -> int:
    if text[at : at + 1] not in ("{", "["):
        found = KEY.match(text, at) or SCALAR.match(text, at)
        if found is None:
            raise ByHand("it is not JSON")
        return found.end()
    depth = 0
    for token in BRACKETS.finditer(text, at):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    raise ByHand("it is not JSON: a bracket is not closed")


def _gap(text: str, at: int) -> int:
    found = GAP.match(text, at)
    return found.end() if found else at


def _blank_line(text: str, opened: int) -> bool:
    """Whether a mapping without members ends on another line than it begins on."""
    return "\n" in text[opened : _gap(text, opened + 1)]


def _unit(text: str) -> str:
    found = re.search(r"[{\[]\r?\n([ \t]+)\"", text)
    return found[1] if found and (len(found[1]) <= 8 or "\t" in found[1]) else UNIT


def _member(key: str, entry: object, step: str, unit: str) -> str:
    """A member; `step`: what each of its lines begins with, or empty for one line."""
    value = json.dumps(entry, indent=unit, ensure_ascii=False) if step else json.dumps(entry, ensure_ascii=False)
    return f"{json.dumps(key)}: " + value.replace("\n", step)
