"""A real agent with a home of its own, whose model is the fake one.

agent = Agent("claude", model, tmp_path)
done = agent.run("What is six times seven?")
done.outcome.answer
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_lanes.dispatch.outcome import Outcome, read
from agent_lanes.dispatch.vendors import load
from vendors.model import Model
from vendors.programs import path_of

MODEL = "fake-model"
KEY = "sk-fake-0123456789"  # copilot blots its key out of what it prints, so it must be no part of a word
SECONDS = 180  # of a whole run, on a busy machine; some try again for more than a minute
GRACE_SECONDS = 20
MARK = "AGENT_LANES_RUN"


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    stdout: bytes
    stderr: bytes
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.outcome}\ncode {self.code}\nstdout {self.stdout[-3000:]!r}\nstderr {self.stderr[-3000:]!r}"


class Agent:
    """One vendor's program, set up so that it reaches nothing but the fake model."""

    def __init__(self, name: str, model: Model, folder: Path, *, logged_in: bool = True) -> None:
        self.vendor = load(None)[name]
        self.name, self.model, self.logged_in = name, model, logged_in
        self.runs: list[Running] = []
        self.home, self.work = folder / "home", folder / "work"
        self.home.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(exist_ok=True)
        self.environment = {
            "PATH": path_of(name),
            "HOME": str(self.home),
            MARK: f"test-{os.getpid()}-{uuid.uuid4()}",
            "LANG": "C.UTF-8",
            "TMPDIR": str(folder),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), model.url),
            **getattr(self, f"_{name}")(),
        }

    # ---- how each of them is pointed at the fake model

    def _claude(self) -> dict[str, str]:
        key = {"ANTHROPIC_API_KEY": "sk-ant-fake"} if self.logged_in else {}
        return {"ANTHROPIC_BASE_URL": self.model.url, "CLAUDE_CODE_MAX_RETRIES": "0", "IS_SANDBOX": "1", **key}

    def _codex(self) -> dict[str, str]:
        self._write(
            ".codex/config.toml",
            f'model = "{MODEL}"\nmodel_provider = "fake"\n[model_providers.fake]\nname = "fake"\n'
            f'base_url = "{self.model.url}/v1"\nenv_key = "FAKE_KEY"\nwire_api = "responses"\n'
            "request_max_retries = 0\nstream_max_retries = 0\n",
        )
        key = {"FAKE_KEY": KEY} if self.logged_in else {}
        return {"CODEX_HOME": str(self.home / ".codex"), **key}

    def _gemini(self) -> dict[str, str]:
        settings: dict[str, Any] = {"privacy": {"usageStatisticsEnabled": False}, "telemetry": {"enabled": False}}
        settings["general"] = {"disableAutoUpdate": True, "maxAttempts": 1}
        if self.logged_in:
            settings["security"] = {"auth": {"selectedType": "gemini-api-key"}}
        self._write(".gemini/settings.json", json.dumps(settings))
        key = {"GEMINI_API_KEY": KEY} if self.logged_in else {}
        return {"GOOGLE_GEMINI_BASE_URL": self.model.url, **key} if self.logged_in else {}

    def _opencode(self) -> dict[str, str]:
        options = {"baseURL": f"{self.model.url}/v1", **({"apiKey": KEY} if self.logged_in else {})}
        models = {MODEL: {"cost": {"input": 1, "output": 2}}}
        provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": models}
        config = {"provider": {"fake": provider}, "autoupdate": False, "share": "disabled", "model": f"fake/{MODEL}"}
        self._write("opencode.json", json.dumps(config))
        return {"OPENCODE_CONFIG": str(self.home / "opencode.json")}

    def _qwen(self) -> dict[str, str]:
        self._write(".qwen/settings.json", json.dumps({"privacy": {"usageStatisticsEnabled": False}}))
        if not self.logged_in:
            return {}
        return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{self.model.url}/v1", "OPENAI_MODEL": MODEL}

    def _copilot(self) -> dict[str, str]:
        if not self.logged_in:
            return {}
        return {
            "COPILOT_OFFLINE": "true",
            "COPILOT_PROVIDER_BASE_URL": f"{self.model.url}/v1",
            "COPILOT_PROVIDER_API_KEY": KEY,
        }

    def _aider(self) -> dict[str, str]:
        key = {"OPENAI_API_KEY": KEY} if self.logged_in else {}
        return {"OPENAI_API_BASE": f"{self.model.url}/v1", "AIDER_MODEL": f"openai/{MODEL}", **key}

    def _write(self, name: str, content: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    # ---- runs

    def started(self, prompt: str | bytes, **asked: Any) -> Running:
        """The agent at work, with its prompt on stdin, in a session of its own."""
        self.runs.append(Running(self, prompt.encode() if isinstance(prompt, str) else prompt, asked))
        return self.runs[-1]

    def run(self, prompt: str | bytes, **asked: Any) -> Done:
        """A whole run."""
        return self.started(prompt, **asked).ended()

    def end(self) -> None:
        """Stop what still runs of it."""
        for run in self.runs:
            if run.process.poll() is None:
                run.stopped(signal.SIGKILL)
        for process in marked(self.environment[MARK]):
            os.kill(process, signal.SIGKILL)


def marked(marker: str) -> list[int]:
    """The processes that have this marker in their environment."""
    return [pid for pid, words in processes("environ") if f"{MARK}={marker}".encode() in words]


def processes(what: str) -> Iterator[tuple[int, list[bytes]]]:
    """Every process there is, with its `cmdline` or `environ`."""
    for path in Path("/proc").glob(f"[0-9]*/{what}"):
        try:
            yield int(path.parent.name), path.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue


class Running:
    """A run that has begun."""

    def __init__(self, agent: Agent, prompt: bytes, asked: dict[str, Any]) -> None:
        self.agent = agent
        self.answer_path = agent.home.parent / "last-answer"
        default = {"model_class": MODEL} if agent.name in ("qwen", "copilot", "gemini") else {}
        called = agent.vendor.command(folder=str(agent.work), answer_path=str(self.answer_path), **{**default, **asked})
        self.files = [agent.home.parent / name for name in ("stdin", "stdout", "stderr")]
        self.files[0].write_bytes(agent.vendor.guarded(prompt))
        with self.files[0].open("rb") as stdin, self.files[1].open("wb") as out, self.files[2].open("wb") as err:
            self.process = subprocess.Popen(
                called.argv,
                stdin=stdin,
                stdout=out,
                stderr=err,
                cwd=agent.work,
                env={**called.environment, **agent.environment},
                start_new_session=True,
            )

    def ended(self, seconds: float = SECONDS) -> Done:
        """Wait for its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = self.stopped(signal.SIGKILL).code
            raise AssertionError(f"it did not end: {self._done(code)}") from None
        return self._done(code)

    def stopped(self, number: int = signal.SIGTERM) -> Done:
        """Send a signal to all of its group; SIGKILL those that stay."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        try:
            code = self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
        return self._done(code)

    def _done(self, code: int) -> Done:
        stdout, stderr = self.files[1].read_bytes(), self.files[2].read_bytes()
        answer = self.answer_path.read_bytes() if self.answer_path.exists() else None
        now = time.time_ns() // 1000
        return Done(code, stdout, stderr, read(self.agent.vendor, code, stdout, stderr, answer, now=now))
