"""Which config and which store a call means, and why.

    --config and --store, then AGENT_LANES_CONFIG and AGENT_LANES_STORE, then the nearest config above the current
    folder: handoff/handoff.yaml, or a pool's .agent-lanes-queue/handoff.yaml

A store without a config is enough to work on tasks; a submit then takes the current folder as its workspace.
What belongs to the user, not to a project, lies in `user_folder`.
"""

from __future__ import annotations

import os
import stat

from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import BadUsage, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_NAMES = ("handoff/handoff.yaml", ".agent-lanes-queue/handoff.yaml")


class Found(Frozen):
    """`config_path` and `store` are absolute, or None; `why` says in words where each came from."""

    config_path: str | None
    config_why: str
    store: str | None
    store_why: str


def user_folder(environment: Mapping[str, str], variable: str, below_home: str) -> str | None:
    """A folder of the XDG base directories, for us: `<$variable>/agent-lanes`, else below the home; None without one.

    What is not absolute counts as not set, as that specification has it.
    """
    base, home = environment.get(variable, ""), environment.get("HOME", "")
    if not base.startswith("/"):
        if not home.startswith("/"):
            return None
        base = f"{home}/{below_home}"
    return base + "/agent-lanes"


def find(config: str | None, store: str | None, environment: dict[str, str], folder: str) -> Found:
    """What these flags mean in this environment and folder. Raises NotFound if nothing does, BadUsage."""
    for flag, value in (("--config", config), ("--store", store)):
        if value == "":
            raise BadUsage(f"{flag}: empty; give a path, or leave the flag out")
    store_path, store_why = _first(
        (store, "--store"), (None if config else environment.get("AGENT_LANES_STORE"), "AGENT_LANES_STORE")
    )
    config_path, config_why = _first(
        (config, "--config"), (environment.get("AGENT_LANES_CONFIG"), "AGENT_LANES_CONFIG")
    )
    if config_path is not None:
        config_path = os.path.join(folder, config_path)
    else:
        config_path, config_why = _above(folder)
    if store_path is not None:
        store_path = os.path.normpath(os.path.join(folder, store_path))
    elif config_path is None:
        raise NotFound(
            f"config file does not exist: {CONFIG_NAMES[0]} (looked in {folder} and every folder above it)",
            hint="make one here with `agent-lanes init`, or give --config or --store",
        )
    else:
        store_why = "queue_root of the config"
    if config_path is not None:
        config_path = os.path.normpath(config_path)
    return Found(config_path=config_path, config_why=config_why, store=store_path, store_why=store_why)


def _there(path: str) -> bool:
    """Whether a config is there; also where it may not be looked at: then reading it says so."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except PermissionError:
        return os.path.isdir(os.path.dirname(path))
    except OSError:
        return False


def _first(*choices: tuple[str | None, str]) -> tuple[str | None, str]:
    for value, why in choices:
        if value:
            return value, why
    return None, ""


def _above(folder: str) -> tuple[str | None, str]:
    start = folder
    while True:
        for name in CONFIG_NAMES:
            path = os.path.join(folder, name)
            if _there(path):
                return path, f"found above {start}" if folder != start else f"found in {start}"
        parent = os.path.dirname(folder)
        if parent == folder:
            return None, f"none in {start} or above it"
        folder = parent
