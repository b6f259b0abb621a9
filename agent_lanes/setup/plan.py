"""What has to be changed, worked out before anything is: shown, asked about, then applied.

create, change    ours is put into a file                          current    it is there already
restore, remove   ours is taken out; a file made for it goes      gone       it is not there any more
shared            other agents go on using it                      by_hand    left to the user, with the reason
stale, missing    of a check: another version of ours; none
"""

from __future__ import annotations

import hashlib
import os

from agent_lanes.core.frozen import Frozen
from agent_lanes.setup import files, formats, members
from agent_lanes.setup.files import Content
from agent_lanes.setup.manifest import Entry
from agent_lanes.setup.piece import FILE, JSON, ByHand, Edit, Piece, Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CREATE, CHANGE, CURRENT, BY_HAND = "create", "change", "current", "by_hand"
RESTORE, REMOVE, GONE, SHARED = "restore", "remove", "gone", "shared"
STALE, MISSING = "stale", "missing"


class Change(Frozen):
    """One file: from `was` to `after`; `entry`: what the manifest says then, None for nothing."""

    path: str
    target: str
    format: str
    what: str
    agents: tuple[str, ...]
    scope: Scope
    status: str
    was: Content = Content()
    after: str | None = None
    edit: Edit | None = None
    entry: Entry | None = None
    exact: bool = True  # what is left is byte for byte what was there before setup
    reason: str = ""
    snippet: str = ""

    @property
    def pending(self) -> bool:
        """Whether there is something to do to the file."""
        return self.status in (CREATE, CHANGE, RESTORE, REMOVE)


def install(pieces: Iterable[Piece], entries: dict[str, Entry]) -> list[Change]:
    """Put these where they belong. Raises NotAllowed, StorageFailed for a file that cannot be read."""
    return [_put(piece, entries.get(os.path.realpath(piece.path))) for piece in pieces]


def uninstall(entries: Iterable[Entry], agents: tuple[str, ...]) -> list[Change]:
    """Take out what is there for these agents, or for all where none is named."""
    wanted = [entry for entry in entries if not agents or set(agents) & set(entry.agents)]
    return [_take(entry, tuple(name for name in entry.agents if agents and name not in agents)) for entry in wanted]


def check(pieces: Iterable[Piece], entries: Iterable[Entry]) -> list[Change]:
    """How what was put somewhere stands; `pieces`: what should be there today."""
    wanted = {os.path.realpath(piece.path): piece for piece in pieces}
    return [_looked_at(entry, wanted.get(entry.target)) for entry in entries]


def _put(piece: Piece, entry: Entry | None) -> Change:
    change = _of(piece, CURRENT)
    try:
        was = files.read(piece.path, piece.scope)
        known = tuple(edit.core for edit in entry.edits) if entry else None
        edit = formats.put(was.text, piece, known)
        if was.text is not None:
            _undoable(was.text, edit, piece)
    except ByHand as wrong:
        return change.replace(status=BY_HAND, reason=str(wrong), snippet=formats.snippet(piece))
    if edit.text == was.text:
        more = {*piece.agents} - {*entry.agents} if entry else set()
        widened = entry.replace(agents=(*entry.agents, *sorted(more))) if entry and more else entry
        return change.replace(was=was, after=was.text, entry=widened)
    status = CREATE if was.text is None else CHANGE
    return change.replace(
        status=status, was=was, after=edit.text, edit=edit, entry=_entry(piece, entry, was.text, edit)
    )


def _entry(piece: Piece, old: Entry | None, before: str | None, edit: Edit) -> Entry:
    """The record while the file is changed: what will stand there, then what may stand there still."""
    in_place = old is not None and bool(edit.replaced)
    if old is not None and in_place:  # what was around the older version of ours stays around this one
        stood = next((one for one in old.edits if one.core == edit.replaced), old.edits[0])
        edit = stood.replace(core=edit.core)
    return Entry(
        path=piece.path,
        target=os.path.realpath(piece.path),
        format=piece.format,
        what=piece.what,
        keys=piece.keys,
        agents=tuple(dict.fromkeys((*(old.agents if old else ()), *piece.agents))),
        scope=piece.scope,
        created=before is None or (old is not None and in_place and old.created),
        sha256=old.sha256 if old and in_place else "" if before is None else _digest(before),
        edits=(edit.replace(text=""), *(old.edits if old else ())),
        folders=old.folders if old else (),
    )


def _undoable(before: str, edit: Edit, piece: Piece) -> None:
    """Raises ByHand where taking out would not give back every byte: nothing is begun that cannot be undone."""
    if edit.text != before and formats.take(edit.text, piece.format, piece.keys, (edit,)) != before:
        raise ByHand("ours could not be taken out again byte for byte")


def _take(entry: Entry, others: tuple[str, ...]) -> Change:
    change = _of(entry, SHARED)
    if others:
        return change.replace(agents=others, entry=entry.replace(agents=others))
    try:
        was = files.read(entry.target, entry.scope)
        after = formats.take(was.text, entry.format, entry.keys, entry.edits) if was.text is not None else None
    except ByHand as wrong:
        return change.replace(status=BY_HAND, entry=entry, reason=str(wrong))
    if after is None:
        return change.replace(status=GONE, was=was)
    if entry.created and _nothing(after, entry.format):
        return change.replace(status=REMOVE, was=was, edit=entry.edits[0])
    exact = not entry.created and _digest(after) == entry.sha256
    return change.replace(status=RESTORE, was=was, after=after, edit=entry.edits[0], exact=exact)


def _looked_at(entry: Entry, piece: Piece | None) -> Change:
    change = _of(entry, STALE)
    try:
        was = files.read(entry.target, entry.scope)
        where = formats.span(was.text, entry.format, entry.keys) if was.text is not None else None
        if was.text is None or where is None:
            return change.replace(status=MISSING)
        there = was.text[slice(*where)]
        if piece is not None and formats.same(there, piece):
            return change.replace(status=CURRENT)
        if not formats.is_known(there, entry.format, tuple(edit.core for edit in entry.edits)):
            return change.replace(status=BY_HAND, reason="what agent-lanes had put there was edited since")
    except ByHand as wrong:
        return change.replace(status=BY_HAND, reason=str(wrong))
    return change


def _of(one: Piece | Entry, status: str) -> Change:
    target = one.target if isinstance(one, Entry) else os.path.realpath(one.path)
    values = {name: getattr(one, name) for name in ("path", "format", "what", "agents", "scope")}
    return Change(target=target, status=status, **values)


def _nothing(text: str, format: str) -> bool:
    """Whether a file that was made for ours says nothing else."""
    if not text.strip() or format == FILE:
        return not text.strip()
    return format == JSON and _hollow(members.parsed(text))


def _hollow(value: object) -> bool:
    return isinstance(value, dict) and all(_hollow(inner) for inner in value.values())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
