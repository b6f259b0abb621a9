"""What agents are told: the note in their instruction files, and the skills. The prompts are those of `prompt`."""

from __future__ import annotations

import os

from agent_lanes import guide
from agent_lanes.setup.formats import MARK

SKILLS = {"agent-lanes": "orchestrator", "agent-lanes-dispatcher": "dispatcher"}


def note(command: str) -> str:
    """The lines for an instruction file that every agent reads."""
    return _filled("note", COMMAND=command)


def skill(name: str, vendor: str, command: str) -> str:
    """A SKILL.md, as agentskills.io describes it."""
    role = SKILLS[name]
    if role == "orchestrator":
        return _filled(role, MARK=MARK, VENDOR=vendor, PROMPT=guide.prompt_with(role, command, {}).rstrip("\n"))
    prompt = guide.prompt_with(role, "HANDOFF", {"VENDOR": vendor}).rstrip("\n")
    return _filled(role, MARK=MARK, HANDOFF=_anywhere(command), PROMPT=prompt)


def _anywhere(command: str) -> str:
    """How an agent gets a command line that means this queue in any folder."""
    if command.startswith("./"):
        return f"the absolute path of `{command}` (`realpath {command}` prints it)"
    return f"`{command} --config CONFIG`, where CONFIG is what `{command} where` prints behind `config`"


def _filled(name: str, **values: str) -> str:
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "texts")
    with open(f"{folder}/{name}.md", encoding="utf-8") as file:
        text = file.read()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text
