"""protocol and prompt: what they tell an agent holds for the code and for this store, and the commands in it work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from agent_lanes import errors, guide
from agent_lanes.cli.table import COMMANDS
from agent_lanes.core.transitions import TABLE
from cli.process import USAGE, Command

CALL = re.compile(r"agent-lanes((?: --(?:config|store) \S+)*) ([a-z][a-z-]+)")


def kinds(kind: type[errors.AgentLanesError] = errors.AgentLanesError) -> list[type[errors.AgentLanesError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]


def test_the_guide_explains_every_exit_code_and_every_transition(run: Command) -> None:
    told = run("protocol").text
    assert guide.EXIT_CODES.keys() == {0} | {kind.exit_code for kind in kinds()}
    for code, meaning in guide.EXIT_CODES.items():
        assert re.search(rf"^ +{code}  {re.escape(meaning)}$", told, re.MULTILINE)
    states = dict(line.split(maxsplit=1) for line in told.split("## States")[1].split("##")[0].strip().splitlines()[:5])
    for (state, verb), after in TABLE.items():
        row = next(part for part in states[state].split("; ") if verb in part.split(" → ")[0].split(", "))
        assert row.endswith("as it is" if after == state else after)


def test_the_guide_names_config_store_and_lanes(run: Command, store: Path) -> None:
    run("submit", "--lane", "another one", "--prompt", "x")
    told = run("protocol").text
    for fact in (str(run.folder / "handoff/handoff.yaml"), str(store), "another one, default"):
        assert fact in told
    assert "@" not in told
    assert run("protocol", "--json").json == {"status": "ok", "protocol": told}


def test_without_a_queue_the_guide_says_how_to_make_one(bare: Command) -> None:
    assert "agent-lanes init" in bare("protocol").text


def test_the_guide_and_the_prompts_show_commands_that_exist(run: Command) -> None:
    names = {entry.name for entry in COMMANDS}
    for words in (["protocol"], *(["prompt", role] for role in guide.PROMPTS)):
        told = run(*words).text
        found = {verb for _, verb in CALL.findall(told)} - {"is", "and"}
        assert found and found <= names, (words, found - names)


@pytest.mark.parametrize("role", guide.PROMPTS)
def test_a_prompt_holds_what_it_was_given_and_no_placeholder(run: Command, role: str) -> None:
    told = run("prompt", role, "--lane", "my lane", "--vendor", "codex", "--owner", "ada-1").text
    assert "--lane 'my lane'" in told and "ada-1" in told
    assert not re.search(r"@[A-Z]+@|\b(LANE|VENDOR|OWNER|NAME)\b", told)
    assert "handoff/bin" not in told and str(run.folder / "handoff/handoff.yaml") in told
    assert told[0].isupper() and "Paste what follows" not in told


def test_the_dispatcher_claims_with_the_command_that_it_is_told(run: Command, tmp_path: Path) -> None:
    id = run("submit", "--lane", "review", "--prompt", "x", "--metadata", "required_vendor=codex").line
    told = run("prompt", "dispatcher", "--lane", "review", "--vendor", "codex", "--owner", "chat-1").text
    line = re.search(r"^    agent-lanes (.* claim .*)$", told, re.MULTILINE)
    assert line
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run(*shlex.split(line[1]), cwd=elsewhere).values["task_id"] == id


def test_a_store_without_a_config_is_named_as_one(bare: Command, tmp_path: Path) -> None:
    told = bare("--store", tmp_path / "a store", "prompt", "reviewer", "--lane", "x").text
    assert f"--store {shlex.quote(str(tmp_path / 'a store'))} claim --lane x" in told


def test_a_role_is_needed(run: Command) -> None:
    assert "orchestrator, dispatcher, reviewer" in run("prompt", code=USAGE).why
    assert "boss" in run("prompt", "boss", code=USAGE).why
