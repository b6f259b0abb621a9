"""The queue as a tool of the real agents: registered as `mcp.registration` says, one submits, another answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent_lanes import Queue
from agent_lanes.mcp.registration import registration
from vendors.agents import SECONDS, Agent
from vendors.conftest import MakeAgent
from vendors.model import Request
from vendors.wires import Call, Say, Step

pytestmark = [pytest.mark.slow, pytest.mark.real_agents]

ANSWER = "forty-two, said the other one"
TOOLS = {"claude": "mcp__agent-lanes__{}", "codex": "mcp__agent_lanes.{}", "gemini": "mcp_agent-lanes_{}"}


def project(folder: Path) -> tuple[str, ...]:
    """A queue; the command that serves it."""
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "agent_lanes", "init", str(folder)], check=True, capture_output=True)
    return (sys.executable, "-m", "agent_lanes", "--config", str(folder / "handoff/handoff.yaml"), "mcp")


def register(agent: Agent, command: tuple[str, ...]) -> None:
    """Put it where this agent looks."""
    found = registration(agent.name, command)
    assert found is not None
    if found.format == "toml":
        entry = {**found.entry, "required": True}  # the model plays at once, and would not wait for the server to start
        lines = [f"[{'.'.join(found.keys)}]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
        with (agent.home / found.path).open("a") as file:
            file.write("\n".join(["", *lines, ""]))
        return
    path = (agent.home if agent.name == "gemini" else agent.work) / found.path
    path.parent.mkdir(parents=True, exist_ok=True)
    whole: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    inner = whole
    for key in found.keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[found.keys[-1]] = found.entry
    path.write_text(json.dumps(whole))


class Player:
    """A model that calls tools one after the other, and takes from what it was told what their arguments lack."""

    def __init__(self, name: str, *steps: tuple[str, dict[str, Any]]) -> None:
        self.name, self.steps, self.known = name, list(steps), dict[str, str]()

    def __call__(self, request: Request) -> Step:
        for key in ("task_id", "claim_token", "body"):
            found = re.findall(rf'\\*"{key}\\*":\s*\\*"([^"\\]+)', request.texts)
            if found:
                self.known[key] = found[-1]
        if not self.steps:
            return Say(self.known.get("body", "done"))
        tool, arguments = self.steps.pop(0)
        filled = {key: self.known.get(key, "?") if value is None else value for key, value in arguments.items()}
        return Call(TOOLS[self.name].format(tool), filled)


@pytest.mark.parametrize("other", ["codex", "gemini"])
def test_claude_submits_through_mcp_and_another_answers(make: MakeAgent, tmp_path: Path, other: str) -> None:
    command = project(tmp_path / "project")
    asking = Player(
        "claude",
        ("submit_task", {"lane": "default", "prompt": "What is six times seven?", "vendor": other}),
        ("wait_for_response", {"task_id": None, "wait_seconds": SECONDS}),
    )
    working = Player(
        other,
        ("claim_next", {"lane": "default", "vendor": other, "wait_seconds": SECONDS}),
        ("respond", {"task_id": None, "claim_token": None, "body": ANSWER}),
    )
    claude, worker = make("claude", asking, folder="a"), make(other, working, folder="b")
    claude.vendor = claude.vendor.replace(extra=("--allowedTools", "mcp__agent-lanes"))
    for agent in (claude, worker):
        register(agent, command)
    at_work = worker.started("Work off one task of the queue.")
    asked = claude.run("Ask the other agent what six times seven is.")
    assert asked.outcome.answer == ANSWER, asked
    assert at_work.ended().outcome.ok
    tasks = Queue.open(config=str(tmp_path / "project/handoff/handoff.yaml")).list()
    assert [(task["state"], task["source_agent"]) for task in tasks] == [("completed", "mcp")]
