"""How many system calls a hot command makes beyond those of `python -c pass` (figure C3): no load moves them.

The limits are what was counted with Python 3.11, and a few more; other versions of Python differ by a few. Whoever
needs more says here why: each call of an agent pays for it.
"""

from __future__ import annotations

import os
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import agent_lanes

MUST = 600
LIMITS = {
    "submit": 475,  # the rules of the lane, and what is told of it meanwhile: four more modules
    "status": 293,  # the attempts: all of the history, and the module that tells them
    "claim": 391,  # those that change a task: eight for the log of the whole store, five of them to load it
    "claim --lane": 433,  # a look for holds, and the rules of the lane
    "renew": 360,
    "event": 356,
    "respond": 428,
    "release": 368,
    "wait": 450,  # the first one notes that the answer was fetched: 80, half of them to load what writes
    "wait --lane": 399,  # the same, that the task was seen
    "--version": 134,
    "--help": 134,
}
START = "from agent_lanes.launch import start; start()"
CALL = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s")


class Counter:
    """The calls of commands in one project, with the package compiled as pip leaves it."""

    def __init__(self, base: Path) -> None:
        self.folder, self.report = base / "project", base / "calls"
        package = base / "site" / "agent_lanes"
        shutil.copytree(Path(agent_lanes.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
        for source in package.rglob("*.py"):
            py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
        self.environment = {**os.environ, "PYTHONPATH": str(package.parent), "HOME": str(base / "home")}
        (self.folder / "handoff").mkdir(parents=True)
        (self.folder / "handoff" / "handoff.yaml").write_text("workspace_id: counted\n")
        (self.folder / "request.md").write_text("please\n")
        self.bare = self._counted("pass")[0]
        for _ in range(3):  # the store is made, the config compiled once it is old enough
            self.run("submit", "--lane", "warm", "--prompt", "x")

    def run(self, *words: str) -> str:
        """What a command prints."""
        return subprocess.run(
            [sys.executable, "-c", START, *words],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    def __call__(self, *words: str) -> tuple[int, str]:
        """How many calls a command makes beyond those of an empty program, and what it prints."""
        count, out = self._counted(START, *words)
        return count - self.bare, out

    def _counted(self, code: str, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            ["strace", "-f", "-qq", "-c", "-o", str(self.report), sys.executable, "-c", code, *words],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if "ptrace" in done.stderr:
            pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stderr
        lines = [line for line in self.report.read_text().splitlines() if not line.endswith(" total")]
        return sum(int(found[1]) for found in map(CALL.match, lines) if found), done.stdout


def life(count: Counter) -> dict[str, int]:
    """The commands of two tasks, from submit to the answer, and how many calls each makes."""
    found: dict[str, int] = {}

    def call(name: str, *words: str) -> str:
        found[name], out = count(*words)
        return out

    def token(out: str) -> str:
        return next(line for line in out.splitlines() if line.startswith("claim_token=")).partition("=")[2]

    asked = ("--lane", "counted", "--request-from", "request.md", "--response-to", "answers/answer.md")
    id = call("submit", "submit", *asked).strip()
    call("status", "status", id)
    held = token(call("claim", "claim", id))
    call("renew", "renew", id, "--claim-token", held)
    call("event", "event", id, "--message", "half done")
    call("respond", "respond", id, "--claim-token", held, "--body", "ok")
    call("wait", "wait", id)
    id = count.run("submit", *asked).strip()
    call("wait --lane", "wait", "--lane", "counted")
    held = token(call("claim --lane", "claim", "--lane", "counted", "--vendor", "codex"))
    call("release", "release", id, "--claim-token", held)
    count.run("respond", id, "--body", "ok")
    call("--version", "--version")
    call("--help", "--help")
    return found


@pytest.fixture(scope="module")
def count(tmp_path_factory: pytest.TempPathFactory) -> Counter:
    if shutil.which("strace") is None:
        assert not os.environ.get("CI"), "CI needs strace"
        pytest.skip("no strace here")
    return Counter(tmp_path_factory.mktemp("calls"))


def test_a_hot_command_makes_few_system_calls_and_no_more_in_a_store_that_is_full(count: Counter) -> None:
    life(count)  # folders of the lane are made
    few = life(count)
    assert few.keys() == LIMITS.keys()
    assert {name: calls for name, calls in few.items() if calls > LIMITS[name]} == {}
    assert max(LIMITS.values()) <= MUST
    queue = agent_lanes.Queue.open(str(count.folder / "handoff" / "state"))
    for number in range(300):
        queue.respond(queue.submit("counted", prompt=f"{number}"), "done")
    many = life(count)
    assert {name: (few[name], calls) for name, calls in many.items() if calls > 1.05 * few[name]} == {}
