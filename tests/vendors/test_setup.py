"""After `setup --yes` the real agents know the queue: their skills and notes reach the model; and all comes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vendors.agents import Agent
from vendors.conftest import MakeAgent
from vendors.wires import Say

pytestmark = [pytest.mark.slow, pytest.mark.real_agents]
SKILL, DISPATCHER = "Hand work to another coding agent on this machine", "Be the dispatcher of an agent-lanes queue"
NOTE = "Other agents on this machine"
WITHOUT_SKILLS = ("qwen", "copilot")
COMMANDS = ("opencode",)  # not listed to the model: they are what the user calls


def files(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def lanes(agent: Agent, *words: str) -> None:
    command = [sys.executable, "-m", "agent_lanes", *words]
    subprocess.run(command, check=True, capture_output=True, cwd=agent.work, env=agent.environment)


@pytest.mark.parametrize("scope", ["--project", "--user"])
def test_an_agent_is_told_of_the_queue(make: MakeAgent, name: str, scope: str) -> None:
    agent = make(name, Say("yes"))
    subprocess.run(["git", "init", "-q"], check=True, cwd=agent.work)
    lanes(agent, "init")
    lanes(agent, "where")  # the compiled config is made now
    before = files(agent.home, agent.work)
    lanes(agent, "setup", f"--{name}", scope, "--yes")
    installed = files(agent.home, agent.work)
    done = agent.run("Do you know of a queue?")
    assert done.outcome.answer == "yes", done
    told = "\n".join(request.texts for request in agent.model.work) + str([one.body for one in agent.model.work])
    assert NOTE in told, "its note"
    if name not in WITHOUT_SKILLS + COMMANDS:
        assert SKILL in told and DISPATCHER in told, "its skills"
    its_own = {path for path, data in files(agent.home, agent.work).items() if installed.get(path) != data}
    lanes(agent, "setup", "--uninstall", "--yes")
    left = {path: data for path, data in files(agent.home, agent.work).items() if path not in its_own}
    assert left == {path: data for path, data in before.items() if path not in its_own}
