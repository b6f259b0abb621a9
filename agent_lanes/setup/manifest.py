"""What setup has put where: one record for each file of the user's, in the user's own state folder.

$XDG_STATE_HOME/agent-lanes/setup/, else below ~/.local/state: `<SHA-256 of the path>.json`, written before the file
that it is about, dropped after that has been restored. Who changes anything holds a flock on the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os

from agent_lanes import durability
from agent_lanes.config.find import user_folder
from agent_lanes.core import jsontext
from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import BadData, NotFound
from agent_lanes.newborn import Newborn
from agent_lanes.setup.piece import Edit, Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FORMAT = 1


class Entry(Frozen):
    """One file. `edits`: what may stand in it, newest first; `folders`: what was made for it, the outermost first."""

    path: str  # as the agent looks for it
    target: str  # the same without links
    format: str
    what: str
    keys: tuple[str, ...]
    agents: tuple[str, ...]
    scope: Scope
    created: bool
    sha256: str  # of the file as it was before; empty where it was not there
    edits: tuple[Edit, ...]
    folders: tuple[str, ...]


class Manifest:
    """The records. Reading needs no lock; a record is replaced in one step."""

    def __init__(self, environment: dict[str, str]) -> None:
        """Raises NotFound where there is no home."""
        mine = user_folder(environment, "XDG_STATE_HOME", ".local/state")
        if mine is None:
            raise NotFound("HOME is not set to a folder", hint="set HOME: agents keep their files there")
        self.folder = mine + "/setup"

    def entries(self) -> dict[str, Entry]:
        """Every record by its target. Raises BadData, OSError."""
        try:
            names = sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))
        except FileNotFoundError:
            return {}
        found = [_read(os.path.join(self.folder, name)) for name in names]
        return {entry.target: entry for entry in sorted(found, key=lambda entry: entry.path)}

    def write(self, entry: Entry) -> None:
        """Make or replace a record, durably. Raises OSError."""
        with Newborn(self.folder) as born:
            born.write(jsontext.dumps(_as_json(entry)).encode(), durable=True)
            os.rename(born.path, self._path(entry.target))
        durability.sync_folders(self.folder)

    def drop(self, target: str) -> None:
        """Forget a file. Raises OSError."""
        try:
            os.unlink(self._path(target))
        except FileNotFoundError:
            pass

    @contextlib.contextmanager
    def locked(self) -> Iterator[set[str]]:
        """For this process alone; gives the folders that had to be made for the records. Raises OSError."""
        made = set(missing(self.folder + "/x"))
        descriptor = self._lock()
        try:
            yield made
        finally:
            os.close(descriptor)

    def _lock(self) -> int:
        while True:
            os.makedirs(self.folder, 0o700, exist_ok=True)
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(descriptor), os.stat(self.folder)):
                    return descriptor
            except FileNotFoundError:
                pass
            os.close(descriptor)  # an uninstall that was over before us has removed it

    def _path(self, target: str) -> str:
        return f"{self.folder}/{hashlib.sha256(os.fsencode(target)).hexdigest()}.json"


def missing(path: str) -> list[str]:
    """The folders above a path that are not there, outermost first."""
    found: list[str] = []
    while not os.path.isdir(path := os.path.dirname(path)):
        found.insert(0, path)
    return found


def _as_json(entry: Entry) -> dict[str, Any]:
    edits = [{name: getattr(edit, name) for name in ("lead", "core", "tail")} for edit in entry.edits]
    values = {**entry.__dict__, "scope": dict(entry.scope.__dict__), "edits": edits, "format_version": FORMAT}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _read(path: str) -> Entry:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            data: Any = jsontext.loads_object(file.read())
        if data.pop("format_version") != FORMAT:
            raise ValueError
        edits = tuple(Edit(text="", **edit) for edit in data.pop("edits"))
        lists: dict[str, Any] = {key: tuple(data.pop(key)) for key in ("keys", "agents", "folders")}
        return Entry(**lists, **{**data, "scope": Scope(**data["scope"]), "edits": edits})
    except (ValueError, KeyError, TypeError, BadData):
        raise BadData(
            f"{path} is not a record of agent-lanes setup", hint="it was damaged, or made by a newer one"
        ) from None
