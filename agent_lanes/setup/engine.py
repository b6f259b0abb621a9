"""All of it in one place, for a session: whom and where, what is planned, and its making."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

from agent_lanes.config.find import find
from agent_lanes.core.names import some
from agent_lanes.dispatch import vendors
from agent_lanes.errors import NotFound, of_system
from agent_lanes.setup import plan
from agent_lanes.setup.apply import apply
from agent_lanes.setup.manifest import Manifest
from agent_lanes.setup.piece import PROJECT, USER, Scope
from agent_lanes.setup.places import AGENTS, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.config.model import Config
    from agent_lanes.setup.manifest import Entry
    from agent_lanes.setup.piece import Piece
    from agent_lanes.setup.plan import Change
    from agent_lanes.wiring import Session

WRAPPER = "bin/handoff"


class Setup:
    """`scope`: project or user, None for the one that suits. Raises NotFound where there is no home."""

    def __init__(self, session: Session, scope: str | None) -> None:
        self._environment = dict(os.environ)
        self._manifest = Manifest(self._environment)
        self._config = _config(session)
        self._asked = scope
        self._folder = session.folder

    def install(self, agents: tuple[str, ...]) -> list[Change]:
        """Plan to tell these agents, or all that are installed. Raises NotFound where there is none."""
        return plan.install(self._wanted(self._scope(), agents or self._installed()), self._entries())

    def uninstall(self, agents: tuple[str, ...]) -> list[Change]:
        """Plan to take out all that setup has put anywhere, or that of one scope, or of some agents."""
        return plan.uninstall(self._ours(agents), agents)

    def check(self, agents: tuple[str, ...]) -> list[Change]:
        """How that stands."""
        found = []
        for entry in self._ours(agents):
            found += plan.check(self._wanted(entry.scope, entry.agents), [entry])
        return found

    def apply(self, changes: list[Change]) -> None:
        """Make a plan true. Raises Refused where a file has changed meanwhile, NotAllowed, StorageFailed."""
        if any(change.pending or change.entry or change.status == plan.GONE for change in changes):
            apply(changes, self._manifest)

    def _ours(self, agents: tuple[str, ...]) -> list[Entry]:
        folder = self._scope().folder if self._asked == PROJECT else ""
        return [
            entry
            for entry in self._entries().values()
            if (not agents or set(agents) & set(entry.agents))
            and (self._asked is None or entry.scope.name == self._asked)
            and (not folder or entry.scope.folder == folder)
        ]

    def _entries(self) -> dict[str, Entry]:
        try:
            return self._manifest.entries()
        except OSError as wrong:
            raise of_system(f"cannot read {self._manifest.folder}: {wrong.strerror}", wrong) from wrong

    def _wanted(self, scope: Scope, agents: tuple[str, ...]) -> list[Piece]:
        return pieces(scope, agents, self._command(scope), self._environment)

    def _installed(self) -> tuple[str, ...]:
        rows = vendors.load(self._config)
        found = tuple(name for name in AGENTS if name in rows and shutil.which(rows[name].program))
        if not found:
            raise NotFound(f"none of {some(list(AGENTS))} is on PATH", hint="name the agents: --claude, --codex, ...")
        return found

    def _scope(self) -> Scope:
        if self._asked != USER and self._config is not None:
            return Scope(name=PROJECT, folder=os.path.realpath(self._config.workspace_root))
        if self._asked == PROJECT:
            return Scope(name=PROJECT, folder=os.path.realpath(self._folder))
        return Scope(name=USER, folder=self._environment.get("HOME", "/"))

    def _command(self, scope: Scope) -> str:
        """How an agent calls this program: by the project's wrapper, which finds it wherever it is installed."""
        config = self._config_of(scope.folder) if scope.name == PROJECT else None
        if config is not None:
            wrapper = os.path.join(os.path.dirname(config), WRAPPER)
            below = os.path.relpath(wrapper, scope.folder)
            if os.path.exists(wrapper) and not below.startswith("../"):
                return shlex.quote(f"./{below}")
        if shutil.which("agent-lanes") or scope.name == PROJECT:
            return "agent-lanes"
        beside = os.path.join(os.path.dirname(sys.executable), "agent-lanes")
        return shlex.quote(beside) if os.path.exists(beside) else f"{shlex.quote(sys.executable)} -P -m agent_lanes"

    def _config_of(self, folder: str) -> str | None:
        """The path of a project's config: ours, or that which is found from its folder."""
        if self._config is not None and os.path.realpath(self._config.workspace_root) == folder:
            return self._config.path
        try:
            return find(None, None, {}, folder).config_path
        except NotFound:
            return None


def _config(session: Session) -> Config | None:
    try:
        return session.config
    except NotFound:
        return None
