"""The polling prompt as it is pasted into a chat: the real Claude Code does what it says, with the commands in it.

The fake model plays a model that follows the prompt to the letter: it takes each command from the text that it was
given, and what it puts in place of the words in capitals from what the commands printed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent_lanes import Queue
from vendors.agents import SECONDS, Agent, processes
from vendors.conftest import MakeAgent
from vendors.model import Request
from vendors.wires import Call, Say, Step

pytestmark = [pytest.mark.slow, pytest.mark.real_agents]

OWNER, ANSWER = "chat-claude-1", "forty-two, said the sub-agent\n"
SUB_AGENT = "Work in the folder"


class Follower:
    """A model that follows the prompt. `steps`: what is still to do, taken from the prompt at the first request."""

    def __init__(self, answer_path: Path) -> None:
        self.words = {"OWNER": OWNER, "ANSWER": str(answer_path)}
        self.steps: list[str] = ["claim", "started", "keep", "headless", "agent", "completed", "respond"]
        self.prompt = ""
        self.sub_steps: list[str] = ["show", "write"]
        self.sub_results: list[str] = []

    def __call__(self, request: Request) -> Step:
        texts = first_message(request)
        if "You are the dispatcher" not in texts:
            return self.sub_agent(texts, request)
        self.prompt = self.prompt or texts
        told = last_message(request)
        for word, key in (("ID", "task_id"), ("TOKEN", "claim_token"), ("WORKSPACE_ROOT", "workspace_root")):
            found = re.search(rf"^{key}=(.+)$", told, re.MULTILINE)
            if found:
                self.words.setdefault(word, found[1].strip())
        if not self.steps:
            return Say("I handled one task.")
        return getattr(self, f"_{self.steps.pop(0)}")()

    def command(self, pattern: str) -> str:
        """The command of the prompt that has this in it, its words in capitals filled in."""
        line = next(line for line in self.prompt.splitlines() if line.startswith("    ") and re.search(pattern, line))
        return self.filled(line.strip())

    def filled(self, text: str) -> str:
        return re.sub(r"\b(ID|TOKEN|OWNER|ANSWER)\b", lambda word: self.words[word[0]], text)

    def _claim(self) -> Step:
        return Call("Bash", {"command": self.command(r"\bclaim --lane"), "description": "wait", "timeout": 600_000})

    def _started(self) -> Step:
        return Call("Bash", {"command": self.command("dispatcher_started"), "description": "note"})

    def _keep(self) -> Step:
        command = self.command(r"\b(keep|renew) ID")
        return Call("Bash", {"command": command, "description": "keep the claim", "run_in_background": True})

    def _headless(self) -> Step:
        return Call("Bash", {"command": self.command("headless_started"), "description": "note"})

    def _agent(self) -> Step:
        quoted = [line[1:].strip() for line in self.prompt.splitlines() if line.startswith(">")]
        asked = self.filled(" ".join(quoted)).replace("WORKTREE_PATH", self.words["WORKSPACE_ROOT"])
        return Call(
            "Agent",
            {"description": "a task", "prompt": asked, "subagent_type": "general-purpose", "run_in_background": False},
        )

    def _completed(self) -> Step:
        return Call("Bash", {"command": self.command("headless_completed"), "description": "note"})

    def _respond(self) -> Step:
        return Call("Bash", {"command": self.command(r"respond ID"), "description": "answer"})

    def sub_agent(self, asked: str, request: Request) -> Step:
        """What the sub-agent's model does with the text that the prompt has for it."""
        self.sub_results.append(last_message(request))
        if not self.sub_steps:
            return Say("done: it is answered")
        if self.sub_steps.pop(0) == "show":
            found = re.search(r"`([^`]*\bshow [^`]* --input)`", asked)
            assert found, asked
            return Call("Bash", {"command": found[1], "description": "read the task"})
        return Call("Bash", {"command": f"printf '{ANSWER[:-1]}\\n' > {self.words['ANSWER']}", "description": "answer"})


def content(message: dict[str, Any]) -> str:
    """The texts of a message, those of tool results too."""
    parts = message["content"] if isinstance(message["content"], list) else [{"text": message["content"]}]
    texts = []
    for part in parts:
        inner = part.get("content", "")
        texts += [
            part.get("text", ""),
            inner if isinstance(inner, str) else "".join(one.get("text", "") for one in inner),
        ]
    return "\n".join(texts)


def first_message(request: Request) -> str:
    return content(request.body["messages"][0])


def last_message(request: Request) -> str:
    return content([one for one in request.body["messages"] if one["role"] == "user"][-1])


def pool(folder: Path) -> tuple[Path, Path]:
    """A pool's config and its polling prompt, for claude on the lane `default`."""
    subprocess.run([sys.executable, "-m", "agent_lanes", "init-pool", str(folder)], check=True, capture_output=True)
    text = (folder / "dispatchers/POLLING-CHAT-PROMPT.md").read_text()
    (folder / "prompt.md").write_text(text.replace("VENDOR", "claude").replace("LANE", "default"))
    return folder / ".agent-lanes-queue/handoff.yaml", folder / "prompt.md"


def waiting_claim(config: Path) -> bool:
    """Whether a claim of the chat's waits for work right now."""
    wanted = {b"claim", b"--wait", str(config).encode()}
    return any(wanted <= set(words) for _, words in processes("cmdline"))


def test_claude_code_works_off_a_task_by_the_polling_prompt(make: MakeAgent, tmp_path: Path) -> None:
    config, prompt = pool(tmp_path / "pool")
    follower = Follower(tmp_path / "answer")
    agent: Agent = make("claude", follower)
    agent.environment["PATH"] = f"{Path(sys.executable).parent}:{agent.environment['PATH']}"
    assert shutil.which("agent-lanes", path=agent.environment["PATH"])
    agent.vendor = agent.vendor.replace(extra=("--allowedTools", "Bash", "Agent"))
    running = agent.started(prompt.read_text())
    deadline = time.monotonic() + 90
    while not waiting_claim(config) and running.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running.process.poll() is None, running.ended()
    queue = Queue.open(config=str(config))
    secret = "What is six times seven? (only the sub-agent reads this)"
    task = queue.submit("default", prompt=secret, metadata={"required_vendor": "claude"})
    assert queue.wait(task, timeout_seconds=SECONDS).body == ANSWER
    done = running.ended()  # what keeps the claim in the background ends with the answer, or Claude Code would wait
    assert done.outcome.answer == "I handled one task.", done
    events = [event.type for event in queue.events(task)]
    assert [one for one in events if one.startswith(("dispatcher", "headless"))] == [
        "dispatcher_started",
        "headless_started",
        "headless_completed",
    ]
    chat = [request for request in agent.model.work if "You are the dispatcher" in first_message(request)]
    assert not any(secret in request.texts for request in chat), "the dispatching chat has seen a request"
    assert any(secret in text for text in follower.sub_results), "the sub-agent has not seen its task"
