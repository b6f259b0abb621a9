"""The table of vendors: what comes with the package, what the user lays over it, what the config lays over both.

    rows = load(config)
    rows["claude"].command(folder="/home/ada/kettle", model_class="sonnet", effort="high")

A handoff.yaml names programs that are run, as a Makefile does: it is trusted as much as the one who wrote it.
"""

from __future__ import annotations

import os

from agent_lanes.config.find import user_folder
from agent_lanes.config.load import document
from agent_lanes.dispatch import table
from agent_lanes.dispatch.vendor import Invocation, Vendor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_lanes.config.model import Config

__all__ = ["Invocation", "Vendor", "load", "shipped", "user_path"]
SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendors.yaml")
NAME = "table of vendors"


def load(config: Config | None) -> dict[str, Vendor]:
    """Every vendor by its name. Raises BadData that names file and key, StorageFailed."""
    return _read((*_shipped(), *_laid_over(config)))


def shipped() -> dict[str, Vendor]:
    """Every vendor as this package has it, whatever the user lays over it."""
    return _read(_shipped())


def _read(tables: Iterable[tuple[str, object]]) -> dict[str, Vendor]:
    rows: dict[str, table.Data] = {}
    found: dict[str, Vendor] = {}
    for where, data in tables:
        rows = table.laid_over(rows, data, where)
        for name in table.names(data, where):
            found[name] = table.vendor(name, rows[name], where)
    return found


def _shipped() -> tuple[tuple[str, object]]:
    return ((SHIPPED, document(SHIPPED, NAME)),)


def _laid_over(config: Config | None) -> Iterator[tuple[str, object]]:
    mine = user_path()
    if mine is not None and os.path.lexists(mine):
        yield mine, document(mine, NAME)
    if config is not None and config.vendors:
        yield f"{config.path}: vendors", config.vendors


def user_path() -> str | None:
    """The user's own table: $XDG_CONFIG_HOME/agent-lanes/vendors.yaml, else below ~/.config; None without a home."""
    mine = user_folder(os.environ, "XDG_CONFIG_HOME", ".config")
    return None if mine is None else mine + "/vendors.yaml"
