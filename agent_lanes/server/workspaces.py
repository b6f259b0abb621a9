"""Where tasks that come over HTTP may lie: inside the workspaces that the store knows, nowhere else."""

from __future__ import annotations

import os

from agent_lanes.core import names
from agent_lanes.errors import NotAllowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Workspaces:
    """The folders, each absolute; the first is the server's own, named by `id`. `config` is that of the server."""

    def __init__(self, id: str, roots: Sequence[str], config: str | None = None) -> None:
        self.id, self.config = id, config
        self.roots = tuple(os.path.realpath(root) for root in roots)

    def root(self, given: str | None) -> str:
        """The absolute path of a `workspace_root`, relative to the server's own. Raises BadUsage, NotAllowed."""
        if given is None:
            return self.roots[0]
        names.path("workspace_root", given)
        real = os.path.realpath(os.path.join(self.roots[0], given))
        if not any(os.path.commonpath((real, root)) == root for root in self.roots):
            raise NotAllowed(
                f"workspace_root is no workspace of this store: {names.shown(given)}",
                hint="the server takes its own, and each that `serve --workspace` names",
            )
        return real
