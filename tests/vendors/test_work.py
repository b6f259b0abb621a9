"""Whole tasks with the real programs: through `work`, and through the script of each vendor."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent_lanes import Queue
from vendors.agents import MARK, MODEL, SECONDS, Agent, processes
from vendors.conftest import MakeAgent
from vendors.test_real_agents import PATIENT, limit
from vendors.wires import Fail, Hang, Say, Step

pytestmark = [pytest.mark.slow, pytest.mark.real_agents]

ANSWER = "It looks right.\n\nVERDICT: accept"
LANES = [sys.executable, "-m", "agent_lanes"]
WAITED_OUT_SECONDS = 240  # of a run that tries again before it says so
ROWS: dict[str, dict[str, Any]] = {  # as the table, in less time
    "claude": {"environment": {"CLAUDE_CODE_MAX_RETRIES": "0"}},
    "opencode": {"retries": {"seconds": 1}},
    "qwen": {"retries": {"match": r"^Retrying in .*\[(.*)\]"}},
}


class Project:
    """A project whose tasks a real agent does."""

    def __init__(self, agent: Agent, name: str) -> None:
        self.agent, self.name, self.folder = agent, name, agent.work
        folder = Path(sys.executable).parent
        self.environment = {**agent.environment, "PATH": f"{folder}:{agent.environment['PATH']}"}
        del self.environment[MARK]  # work gives each run one of its own
        self.call("init")
        self.config = self.folder / "handoff/handoff.yaml"
        self.config.write_text(f"{self.config.read_text()}\nvendors: {json.dumps(ROWS)}\n")
        self.queue = Queue.open(config=str(self.config))

    def call(self, *words: str, wanted: int = 0) -> str:
        seconds = WAITED_OUT_SECONDS if self.name in PATIENT else SECONDS
        done = subprocess.run(
            [*LANES, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=seconds
        )
        assert done.returncode == wanted, f"{done.stdout}{done.stderr}"
        return done.stderr

    @property
    def model(self) -> dict[str, str]:
        """The metadata without which its agent asks for a model that the server does not have, or for none."""
        return {"model_class": MODEL} if self.name in ("qwen", "copilot", "gemini") else {}

    def submit(self, prompt: str, **metadata: Any) -> str:
        metadata = {"required_vendor": self.name, **self.model, **metadata}
        return self.queue.submit("default", prompt=prompt, metadata=metadata)

    def work(self, *words: str, wanted: int = 0) -> str:
        return self.call("work", "--vendor", self.name, "--once", "--wait", "1", *words, wanted=wanted)


@pytest.fixture
def project(make: MakeAgent, name: str, request: pytest.FixtureRequest) -> Project:
    """With `@pytest.mark.parametrize("step", [...])`: what its model does."""
    step: Step = request.getfixturevalue("step") if "step" in request.fixturenames else Say(ANSWER)
    return Project(make(name, step), name)


def test_a_task_is_done_and_answered_with_what_it_took(project: Project) -> None:
    task = project.submit("Review this plan: six times seven is forty-two.", effort="high")
    project.work()
    answer = project.queue.wait(task, timeout_seconds=0)
    assert (answer.status, answer.body.strip(), answer.verdict) == ("completed", ANSWER, "accept")
    assert "six times seven is forty-two" in project.agent.model.work[0].texts
    assert answer.metadata["vendor"] == project.name and answer.metadata["session_id"]
    if project.name != "copilot":
        assert answer.metadata["tokens_in"] and answer.metadata["tokens_out"]
    (spent,) = project.queue.costs()["costs"]
    took = [
        *(answer.metadata.get(figure) or 0 for figure in ("tokens_in", "tokens_out")),
        answer.metadata.get("cost_usd"),
    ]
    assert [spent["vendor"], spent["tokens_in"], spent["tokens_out"], spent["cost_usd"]] == [project.name, *took]
    events = [event.type for event in project.queue.events(task)]
    assert {"dispatcher_started", "headless_started", "headless_completed"} <= set(events)


def test_the_script_of_each_vendor_does_the_same(project: Project, name: str, tmp_path: Path) -> None:
    project.call("init-pool", str(tmp_path / "pool"))
    script = tmp_path / f"pool/dispatchers/{name}.sh"
    queue = Queue.open(config=str(tmp_path / "pool/.agent-lanes-queue/handoff.yaml"))
    task = queue.submit("default", prompt="hello there", metadata={"required_vendor": name, **project.model})
    words = [str(script)] if script.exists() else [str(script.with_name("dispatcher.sh"))]
    environment = {**project.environment, "ONCE": "1", "WAIT_TIMEOUT": "1", "VENDOR": name}
    if not script.exists():
        environment["QUEUE_ROOT"] = str(tmp_path / "pool/.agent-lanes-queue/state")
    done = subprocess.run(["bash", *words], env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert queue.wait(task, timeout_seconds=0).body.strip() == ANSWER


@pytest.mark.parametrize("step", [Fail(500, "boom", "api_error")], ids=["500"])
def test_an_error_of_the_model_costs_an_attempt(project: Project, step: Step) -> None:
    task = project.submit("hello")
    project.work()
    status = project.queue.status(task)
    assert (status["state"], status["attempts"]) == ("queued", 1), status
    assert "headless_failed" in [event.type for event in project.queue.events(task)]


@pytest.mark.parametrize("step", [Fail(401, "invalid x-api-key", "authentication_error")], ids=["401"])
def test_a_missing_login_costs_no_attempt(project: Project, step: Step) -> None:
    task = project.submit("hello")
    said = project.work()
    status = project.queue.status(task)
    assert (status["state"], status["attempts"]) == ("queued", 0), said


def test_a_usage_limit_holds_the_vendor_until_its_end_and_costs_no_attempt(make: MakeAgent, name: str) -> None:
    at = int(time.time()) + 3_600
    project = Project(make(name, limit(name, at)), name)
    if name == "claude":  # limits are told to those who have a subscription
        del project.environment["ANTHROPIC_API_KEY"]
        project.environment["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-fake"
    anybody = project.queue.submit("default", prompt="hello", metadata=project.model)
    mine = project.submit("hello")
    said = project.work()
    assert [project.queue.status(task)["attempts"] for task in (anybody, mine)] == [0, 0], said
    (hold,) = project.queue.holds()
    assert (hold.lane, hold.vendor, hold.by) == (None, name, "usage-limit"), said
    if name != "gemini":  # which keeps the end to itself
        assert hold.until is not None and 0 <= hold.until / 1e6 - at <= (WAITED_OUT_SECONDS if name in PATIENT else 120)
    assert project.queue.claim("default", vendor=name) is None
    other = project.queue.claim("default", vendor="another")
    assert other is not None and other.id == anybody, "what is for anybody goes on with others"
    (line,) = project.queue.costs(by="day")["costs"]
    assert (line["attempts"], line["answered"]) == (1, 0)


@pytest.mark.parametrize("step", [Hang()], ids=["hang"])
def test_an_agent_that_takes_too_long_is_stopped_with_all_that_it_started(project: Project, step: Step) -> None:
    task = project.submit("hello")
    said = project.work("--max-run-seconds", "8")
    status = project.queue.status(task)
    assert (status["state"], status["attempts"]) == ("queued", 1), said
    assert not at_work(task)


@pytest.mark.parametrize("step", [Hang()], ids=["hang"])
def test_a_dispatcher_that_is_told_twice_stops_its_agent_and_gives_the_task_back(project: Project, step: Step) -> None:
    task = project.submit("hello")
    words = [*LANES, "work", "--vendor", project.name]
    with subprocess.Popen(words, cwd=project.folder, env=project.environment, stderr=subprocess.PIPE) as dispatcher:
        try:
            project.agent.model.wait_for_request()
            assert at_work(task)
            dispatcher.send_signal(signal.SIGTERM)
            while b"told to leave" not in (line := (dispatcher.stderr or sys.stdin.buffer).readline()) and line:
                pass
            dispatcher.send_signal(signal.SIGTERM)
            assert dispatcher.wait(SECONDS) == 143
        finally:
            dispatcher.kill()
    assert project.queue.status(task)["state"] == "queued"
    assert not at_work(task)


def at_work(task: str) -> list[int]:
    """The processes of agents that work on a task."""
    return [pid for pid, words in processes("environ") if f"AGENT_LANES_TASK_ID={task}".encode() in words]
