"""A project with a queue, and dispatchers in it whose agents are small programs of the test."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.process import PATIENCE_SECONDS, Command, Running

AGENT = Path(__file__).parents[2] / "evidence" / "dispatching" / "agent.py"


class Scene:
    """A project, a temp folder of its own, and the commands in it."""

    def __init__(self, base: Path) -> None:
        self.project, self.tmp = base / "project", base / "tmp"
        home = base / "home"
        for folder in (self.project, self.tmp, home):
            folder.mkdir()
        self.tmp.chmod(0o1777)  # shared, as /tmp is
        self.run = Command(self.project, home)
        self.run("init")
        self.store = self.project / "handoff" / "state"
        self.started: list[Running] = []

    @property
    def environment(self) -> dict[str, str]:
        return {"TMPDIR": str(self.tmp)}

    def submit(self, *words: str, prompt: str = "do it", attempts: int = 1) -> str:
        made = self.run("submit", "--lane", "default", "--prompt", prompt, "--max-attempts", str(attempts), *words)
        return made.line

    def work(self, *agent: str | Path, flags: tuple[str, ...] = (), env: dict[str, str] | None = None) -> Running:
        """A dispatcher whose agent is this program of agent.py, with its words."""
        command = [sys.executable, str(AGENT), *map(str, agent)]
        words = ("work", "--lane", "default", "--owner", "tester", *flags, "--", *command)
        running = self.run.start(*words, env={**self.environment, **(env or {})})
        running.__enter__()
        self.started.append(running)
        return running

    def handle(self, *agent: str | Path, flags: tuple[str, ...] = (), code: int = 0) -> str:
        """One task by such a dispatcher, to its end; what it said."""
        return self.work(*agent, flags=("--once", "--wait", "60", *flags)).end(code).err.decode()

    def status(self, id: str) -> dict[str, Any]:
        return dict(json.loads(self.run("status", id).out)["task"])

    def answer(self, id: str) -> dict[str, Any]:
        return dict(json.loads((self.store / "tasks" / id / "response.json").read_text()))

    def events(self, id: str) -> list[dict[str, Any]]:
        path = self.store / "tasks" / id / "events.jsonl"  # there from the second line on
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, f"never: {what}"
            time.sleep(0.02)

    def running(self) -> set[int]:
        """The processes of agents of this scene, by the mark that agent.py carries."""
        return {
            pid for pid in processes() if str(self.tmp).encode() in environ(pid) and b"AGENT_LANES_RUN=" in environ(pid)
        }

    def left_over(self) -> list[str]:
        """What lies in the temp folder."""
        return sorted(path.name for path in self.tmp.iterdir())

    def open_to_others(self) -> list[str]:
        """What of it others than its owner could read."""
        found = [path for path in self.tmp.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077]
        return [str(path) for path in found if not path.name.startswith("own-")]

    def close(self) -> None:
        for running in self.started:
            running.__exit__(None, None, None)
        for pid in self.running():
            os.kill(pid, signal.SIGKILL)


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environ(pid: int) -> bytes:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return b"" if state in "ZX" else Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()
