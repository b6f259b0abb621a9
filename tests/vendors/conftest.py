"""Who takes part: in CI and by default claude, codex and gemini; all with `python -m pytest -m real_agents`.

At home nothing is fetched from a registry unless that is asked for: what is not in the cache yet is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent_lanes.dispatch.vendors import shipped
from vendors import programs
from vendors.agents import Agent
from vendors.model import Model
from vendors.wires import Step

ALWAYS = ("claude", "codex", "gemini")
ALL = (*ALWAYS, "opencode", "qwen", "copilot")
MISSING: dict[str, str] = {}
MakeAgent = Callable[..., Agent]


def asked_for(config: pytest.Config) -> bool:
    return "real_agents" in (config.getoption("markexpr") or "")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", ALL if asked_for(metafunc.config) else ALWAYS)


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeAgent]:
    """`make("claude", Say("42"))`: an agent whose model does that."""
    with ExitStack() as at_the_end:

        def made(name: str, *script: Step, logged_in: bool = True, folder: str = "a") -> Agent:
            there = (programs.CACHE / f"{name}-{shipped()[name].verified.version}").exists()
            if not (there or os.environ.get("CI") or asked_for(request.config)):
                pytest.skip(f"{name} is not in {programs.CACHE}; python -m pytest -m real_agents fetches it")
            try:
                place = tmp_path / folder
                place.mkdir()
                agent = Agent(name, at_the_end.enter_context(Model(*script)), place, logged_in=logged_in)
                at_the_end.callback(agent.end)
                return agent
            except programs.NotToBeHad as wrong:
                MISSING[name] = str(wrong)
                if os.environ.get("CI") and not wrong.unreachable:
                    pytest.fail(f"CI needs {name}: {wrong}")
                pytest.skip(f"{name} is not to be had: {wrong}")

        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, why in MISSING.items():
        terminalreporter.write_line(f"NOT TESTED WITH THE REAL {name.upper()}: {why}", red=True, bold=True)
