"""Ours in a file of any format: put in, found, taken out. Pure.

file    the whole file is ours; it has MARK in it
block   lines between markers, in Markdown        toml   a table between markers
json    one member
"""

from __future__ import annotations

from agent_lanes.setup import marked, members
from agent_lanes.setup.piece import FILE, JSON, TOML, ByHand, Edit, Piece

MARK = "written by agent-lanes setup"


def put(text: str | None, piece: Piece, known: tuple[str, ...] | None) -> Edit:
    """The file with ours in it; `known`: what setup put there before, None where it never did. Raises ByHand."""
    if text is None:
        return members.created(piece) if piece.format == JSON else _checked("", marked.appended("", piece), piece)
    where = span(text, piece.format, piece.keys)
    if where is None:
        if piece.format == FILE:
            raise ByHand("it is there already, and was not written by agent-lanes")
        return (
            members.inserted(text, piece)
            if piece.format == JSON
            else _checked(text, marked.appended(text, piece), piece)
        )
    there = text[slice(*where)]
    if same(there, piece):
        return Edit(text=text, core=there)
    if known is None:
        raise ByHand(f"it has another {piece.what} already, which was not put there by setup here")
    if not is_known(there, piece.format, known):
        raise ByHand("what agent-lanes had put there was edited since")
    if piece.format == JSON:
        return members.replaced(text, piece, where)
    core = piece.core.replace("\n", "\r\n") if "\r\n" in text and piece.format != FILE else piece.core
    edit = Edit(text=text[: where[0]] + core + text[where[1] :], core=core, replaced=there)
    return _checked(text[: where[0]] + text[where[1] :], edit, piece)


def take(text: str, format: str, keys: tuple[str, ...], edits: tuple[Edit, ...]) -> str | None:
    """The file without ours, which is one of `edits`; None where it is not there any more. Raises ByHand."""
    for edit in edits:
        whole = edit.lead + edit.core + edit.tail
        if text == whole or (format != FILE and text.count(whole) == 1):
            after = text.replace(whole, edit.replaced)
            if format != JSON or not after.strip() or _parses(after):
                return after
    where = span(text, format, keys)
    if where is None:
        return None
    if not is_known(text[slice(*where)], format, tuple(edit.core for edit in edits)):
        raise ByHand("what agent-lanes had put there was edited since")
    if format == JSON:
        return members.removed(text, where)
    return text[: where[0]] + text[where[1] :]


def span(text: str, format: str, keys: tuple[str, ...]) -> tuple[int, int] | None:
    """Where ours stands, whatever it says by now. Raises ByHand."""
    if format == FILE:
        return (0, len(text)) if MARK in text else None
    return members.span(text, keys) if format == JSON else marked.span(text)


def same(there: str, piece: Piece) -> bool:
    """Whether what stands there is what should."""
    if piece.format == JSON:
        return bool(members.says(there) == piece.entry)
    return there.replace("\r\n", "\n") == piece.core


def is_known(there: str, format: str, cores: tuple[str, ...]) -> bool:
    """Whether what stands there is one of those, however its lines end or are indented."""
    if format == JSON:
        return members.says(there) in [members.says(core) for core in cores]
    return there.replace("\r\n", "\n") in [core.replace("\r\n", "\n") for core in cores]


def snippet(piece: Piece) -> str:
    """What to paste where a file is left to the user."""
    return members.created(piece).text if piece.format == JSON else piece.core


def _checked(before: str, edit: Edit, piece: Piece) -> Edit:
    if piece.format == TOML:
        marked.check_table(before, edit.text, piece)
    return edit


def _parses(text: str) -> bool:
    try:
        members.parsed(text)
    except ByHand:
        return False
    return True
