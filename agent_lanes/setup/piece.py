"""Values: what should stand in a file, what was put there, how that is undone."""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen

FILE, BLOCK, TOML, JSON = "file", "block", "toml", "json"  # how ours stands in a file: see formats
PROJECT, USER = "project", "user"


class Scope(Frozen):
    """For whom: everybody who works in a project, or this user everywhere. `folder` is the project's, or the home."""

    name: str
    folder: str


class Piece(Frozen):
    """What should stand in one file; `core` is ours alone, in JSON one member of the mapping that `keys` lead to."""

    path: str
    format: str
    what: str
    core: str = ""
    keys: tuple[str, ...] = ()
    entry: object = None
    agents: tuple[str, ...]
    scope: Scope


class Edit(Frozen):
    """A file with ours in it. What was put in is `lead` + `core` + `tail`, in the place of `replaced`."""

    text: str
    lead: str = ""
    core: str
    tail: str = ""
    replaced: str = ""


class ByHand(Exception):
    """A file that is left to the user; says why, in words that follow the file's name."""
