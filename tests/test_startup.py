"""What a command loads before it does its work: nothing heavy, nothing new unnoticed.

A new name in a set below is a decision: it costs every call of every agent. Measured: python -X importtime.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli.loading import loaded, project
from cli.process import Command

HEAVY = {
    *("re", "json", "argparse", "typing", "dataclasses", "datetime", "inspect", "threading", "contextlib", "tempfile"),
    *("pathlib", "subprocess", "socket", "asyncio", "enum", "functools", "collections", "logging", "shutil", "random"),
    *("signal", "secrets", "uuid", "ctypes", "importlib", "warnings", "types", "traceback"),
    *("yaml", "filelock", "watchdog"),
}
ALWAYS = {"__future__", "_json", "itertools", "gc", "errno", "fcntl"}
HASHING = {"_sha2", "_sha256"}  # which of them: the Python's choice
MOST_MODULES_OF_OURS = 63


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A project in which a command ran before: what only the first one does is not hot."""
    made = project(tmp_path_factory.mktemp("startup"))
    submitted(made)
    return made


def submitted(run: Command) -> str:
    return run("submit", "--lane", "default", "request.md").line


def warm(run: Command) -> str:
    """The first change of all makes the store, which takes more than a hot command."""
    return submitted(run)


def claimed(run: Command) -> list[str]:
    """The id of a task that was claimed, and its token, as words."""
    taken = run("claim", submitted(run), "--json").json
    return [taken["task_id"], "--claim-token", taken["claim_token"]]


def answered(run: Command) -> str:
    task_id = run("submit", "--lane", "default", "request.md", "--response-to", "answer.md").line
    run("respond", task_id, "--body", "x")
    return task_id


Call = Callable[[Command], list[str]]
HOT: dict[str, tuple[Call, set[str]]] = {
    "submit": (lambda run: [warm(run) and "submit", "--lane", "default", "request.md"], HASHING),
    "submit --json": (lambda run: [warm(run) and "submit", "--lane", "default", "request.md", "--json"], HASHING),
    "claim ID": (lambda run: ["claim", submitted(run)], HASHING),
    "claim --lane": (lambda run: ["claim", "--lane", "default", "--vendor", submitted(run) and "codex"], HASHING),
    "claim --lane, idle": (lambda run: [warm(run) and "claim", "--lane", "nothing", "--json"], set()),
    "renew": (lambda run: ["renew", *claimed(run)], set()),
    "release": (lambda run: ["release", *claimed(run)], set()),
    "event": (lambda run: ["event", submitted(run), "--message", "m", "--data", "k=v"], set()),
    "respond": (
        lambda run: ["respond", *claimed(run), "--body", "x"],
        HASHING,
    ),
    "wait, answered": (lambda run: ["wait", answered(run), "--json"], set()),
    "wait --lane, there": (lambda run: ["wait", "--lane", submitted(run) and "default", "--quiet"], set()),
    "status ID": (lambda run: ["status", submitted(run)], set()),
    "show": (lambda run: ["show", answered(run)], HASHING),
    "status --all": (lambda run: ["status", "--all"], HASHING),
    "list": (lambda run: ["list", "--active-only"], set()),
    "where": (lambda run: ["where"], set()),
}


@pytest.mark.parametrize("name", HOT)
def test_a_hot_command_imports_nothing_heavy_and_nothing_new(run: Command, name: str) -> None:
    make, more = HOT[name]
    found = loaded(run, *make(run))
    ours = {module for module in found if module.split(".")[0] == "agent_lanes"}
    assert not {module.split(".")[0] for module in found - ours} & HEAVY
    assert found - ours <= ALWAYS | more
    assert len(ours) <= MOST_MODULES_OF_OURS, sorted(ours)


@pytest.mark.parametrize("name", HOT)
def test_a_hot_command_loads_no_other_command_and_no_other_door(run: Command, name: str) -> None:
    found = loaded(run, *HOT[name][0](run))
    prefix = "agent_lanes.cli.commands."
    assert len([module for module in found if module.startswith(prefix)]) <= 1 + (name == "claim --lane, idle")
    for door in ("agent_lanes.server", "agent_lanes.api", "agent_lanes.scaffold", "agent_lanes.backends.memory"):
        assert not any(module.startswith(door) for module in found), door
    assert "agent_lanes.cli.manual" not in found and "agent_lanes.config.load" not in found


def test_a_wait_that_blocks_loads_no_watchdog_either_where_the_kernel_tells_it(run: Command) -> None:
    task_id = submitted(run)
    for words in (["wait", task_id, "--timeout", "0.05", "--quiet"], ["claim", "--lane", "nothing", "--wait", "0.05"]):
        found = loaded(run, *words, code=2 if words[0] == "wait" else 0)
        assert not {"watchdog", "threading", "logging"} & {module.split(".")[0] for module in found}


def test_help_and_usage_errors_open_no_store_and_no_config(run: Command) -> None:
    for words, code in ((["--help"], 0), (["wait", "--help"], 0), (["bogus"], 64), (["--version"], 0)):
        found = loaded(run, *words, code=code)
        assert not any(module.startswith(("agent_lanes.backends", "agent_lanes.config", "yaml")) for module in found)
