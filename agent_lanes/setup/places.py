"""Where each agent looks: its instruction files, its skills, its MCP servers, of a project and of the user's.

Tried with the real programs: tests/vendors/test_setup.py. Claude Code reads AGENTS.md where there is no CLAUDE.md, so
none is made: it would hide the other.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex

from agent_lanes.core.frozen import Frozen
from agent_lanes.mcp.registration import registration
from agent_lanes.setup import marked, texts
from agent_lanes.setup.piece import BLOCK, FILE, JSON, PROJECT, TOML, Piece, Scope

AGENTS_FILE = "AGENTS.md"
IMPORT = re.compile(rf"^@(?:\./)?{re.escape(AGENTS_FILE)}\s*$", re.MULTILINE)


class Agent(Frozen):
    """One agent. Of `notes` the first file that is there is read, else the last one is made."""

    folder: str  # in a project
    home: tuple[str, ...]  # its own folder: a variable that names it, and where it is below the home without that
    notes: tuple[str, ...] = (AGENTS_FILE,)
    user_notes: tuple[str, ...] = (AGENTS_FILE,)
    skills: str = "skills/{}/SKILL.md"
    servers: tuple[str, ...] = ()  # in its own folder, the user's file of MCP servers


AGENTS = {
    "claude": Agent(
        folder=".claude",
        home=("CLAUDE_CONFIG_DIR", ".claude"),
        notes=("CLAUDE.md", AGENTS_FILE),
        user_notes=("CLAUDE.md",),
    ),
    "codex": Agent(
        folder=".codex",
        home=("CODEX_HOME", ".codex"),
        notes=("AGENTS.override.md", AGENTS_FILE),
        user_notes=("AGENTS.override.md", AGENTS_FILE),
        servers=("config.toml",),
    ),
    "gemini": Agent(
        folder=".gemini",
        home=("", ".gemini"),
        notes=("GEMINI.md",),
        user_notes=("GEMINI.md",),
        servers=("settings.json",),
    ),
    "opencode": Agent(
        folder=".opencode",
        home=("XDG_CONFIG_HOME", ".config", "opencode"),
        skills="command/{}.md",
        servers=("opencode.jsonc", "opencode.json"),
    ),
    "qwen": Agent(folder=".qwen", home=("", ".qwen"), user_notes=("QWEN.md",), skills="", servers=("settings.json",)),
    "copilot": Agent(folder=".copilot", home=("", ".copilot"), user_notes=("copilot-instructions.md",), skills=""),
}


def pieces(scope: Scope, names: tuple[str, ...], command: str, environment: dict[str, str]) -> list[Piece]:
    """What should stand where for these agents; those that share a file share the piece."""
    found: dict[str, Piece] = {}
    for name in names:
        for piece in _of(name, scope, command, environment):
            there = found.get(os.path.realpath(piece.path), piece.replace(agents=()))
            found[os.path.realpath(piece.path)] = there.replace(agents=(*there.agents, name))
    return list(found.values())


def _of(name: str, scope: Scope, command: str, environment: dict[str, str]) -> list[Piece]:
    agent, mine = AGENTS[name], scope.name != PROJECT
    base = _home(agent, scope.folder, environment) if mine else os.path.join(scope.folder, agent.folder)
    notes = _first(base, agent.user_notes) if mine else _first(scope.folder, agent.notes)
    block = marked.between(BLOCK, texts.note(command))
    made = [Piece(path=notes, format=BLOCK, what="note", core=block, agents=(name,), scope=scope)]
    for skill in texts.SKILLS if agent.skills else ():
        path, text = os.path.join(base, agent.skills.format(skill)), texts.skill(skill, name, command)
        made.append(Piece(path=path, format=FILE, what=f"skill {skill}", core=text, agents=(name,), scope=scope))
    return [*made, *_server(name, scope, command, base if mine else "")]


def _server(name: str, scope: Scope, command: str, home: str) -> list[Piece]:
    """The MCP server, where it can run: `home` is the agent's folder in the user's home, empty in a project."""
    known = registration(name, (*shlex.split(command), "mcp"))
    names = AGENTS[name].servers if home else (os.path.basename(known.path),) if known and not known.user else ()
    if known is None or not names or importlib.util.find_spec("mcp") is None:
        return []
    folder = home or os.path.join(scope.folder, os.path.dirname(known.path))
    core = marked.between(TOML, marked.table(known.keys, known.entry)) if known.format == TOML else ""
    return [
        Piece(
            path=_first(folder, names),
            format=TOML if core else JSON,
            what="MCP server",
            core=core,
            keys=known.keys,
            entry=known.entry,
            agents=(name,),
            scope=scope,
        )
    ]


def _home(agent: Agent, home: str, environment: dict[str, str]) -> str:
    variable, default, *below = agent.home
    given = environment.get(variable, "") if variable else ""
    return os.path.join(given if os.path.isabs(given) else os.path.join(home, default), *below)


def _first(folder: str, names: tuple[str, ...]) -> str:
    """The file that an agent reads there: the first that is there, or the one that this one takes in."""
    for name in names:
        path = os.path.join(folder, name)
        if os.path.lexists(path) and not (name != AGENTS_FILE and AGENTS_FILE in names and _imports(path)):
            return path
    return os.path.join(folder, names[-1])


def _imports(path: str) -> bool:
    """Whether it has a line `@AGENTS.md`, which stands for that file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return IMPORT.search(file.read(1 << 20)) is not None
    except OSError:
        return False
