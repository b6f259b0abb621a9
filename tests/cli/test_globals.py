"""What holds for every command: global flags, help, version, usage errors, self-test."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from agent_lanes import __version__
from agent_lanes.cli.table import COMMANDS
from cli.process import USAGE, Command, tree

VERBS = [entry.name for entry in COMMANDS]


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "submit", "--lane", "default", "request.md"],
        ["submit", "--json", "--lane", "default", "request.md"],
        ["submit", "--lane", "default", "request.md", "--json"],
        ["submit", "--lane", "default", "--json", "--", "request.md"],
        ["--store", "handoff/state", "--json", "submit", "--lane", "default", "request.md"],
        ["submit", "--lane", "default", "request.md", "--store", "handoff/state", "--json"],
        ["submit", "--lane=default", "--request-from=request.md", "--store=handoff/state", "--json"],
        ["--store=handoff/state", "--config=handoff/handoff.yaml", "--json", "submit", "--la", "default", "request.md"],
    ],
)
def test_global_flags_stand_before_or_after_the_command(run: Command, words: list[str]) -> None:
    told = run(*words).json
    assert run("list").json["tasks"][0]["id"] == told["task_id"]


def test_the_last_of_two_wins(run: Command) -> None:
    run("--store", "one", "submit", "--lane", "x", "--prompt", "y", "--store", "two", "--lane", "z")
    assert not (run.folder / "one").exists()
    assert run("list", "--store", "two").json["tasks"][0]["lane"] == "z"


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_the_overview_names_every_command(bare: Command, words: list[str]) -> None:
    page = bare(*words).text
    for verb in VERBS:
        assert re.search(rf"^  {re.escape(verb)} ", page, re.MULTILINE), verb
    assert "exit codes" in page and all(len(line) <= 120 for line in page.splitlines())
    assert os.listdir(bare.folder) == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_that_needs_no_queue(bare: Command, verb: str) -> None:
    page = bare(verb, "--help").text
    assert page.startswith(f"usage: agent-lanes {verb}") and bare(verb, "-h").text == page
    assert "--json" in page and "--store" in page
    assert os.listdir(bare.folder) == []


def test_the_width_of_help_does_not_depend_on_the_terminal(bare: Command) -> None:
    assert bare("wait", "--help", env={"COLUMNS": "40"}).text == bare("wait", "--help", env={"COLUMNS": "200"}).text


def test_the_version(bare: Command) -> None:
    assert bare("--version").line == f"agent-lanes {__version__}"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["clam"], "'claim'"),
        (["wiat"], "'wait'"),
        (["frobnicate"], "frobnicate"),
        (["--bogus", "list"], "--bogus"),
        (["list", "--bogus"], "--bogus"),
        (["list", "extra"], "extra"),
        (["submit", "--lane"], "--lane"),
        (["submit", "--lane", "x", "one", "two"], "two"),
        (["wait", "--timeout"], "--timeout"),
        (["wait", "x", "--timeout", "soon"], "--timeout"),
        (["hold", "--lane", "x", "--until", "2020-01-01T00:00:00Z"], "--until: '2020-01-01T00:00:00Z' has passed"),
        (["status", "--lane=", "--all", "x"], "one of the two"),
        (["--json"], "command"),
        (["--config"], "command"),
        (["--config", "handoff/handoff.yaml"], "command"),
        (["list", "--json=yes"], "--json"),
        (["", "list"], "command"),
        (["two\nlines\x1b[31m"], r"two\\nlines\\x1b"),
        (["list", "two\nlines\x1b[31m"], "two"),
        (["submit", b"--lane=\xff\xfe", "request.md"], "lane"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_64(run: Command, words: list[str], part: str) -> None:
    before = tree(run.folder)
    assert re.search(part, run(*words, code=USAGE).why)
    if "--json" not in words:
        assert run(*words, "--json", code=USAGE).json["code"] == "usage"
    assert tree(run.folder) == before


def test_self_test_passes_and_touches_nothing(bare: Command, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    result = bare("self-test", env={"TMPDIR": str(temporary)})
    assert re.fullmatch(r"self-test passed: \S+", result.line)
    told = bare("self-test", "--json", env={"TMPDIR": str(temporary)}).json
    assert told.keys() == {"status", "task_id"} and told["status"] == "passed"
    assert os.listdir(temporary) == [] and os.listdir(bare.folder) == []


def test_the_module_is_the_same_program(bare: Command) -> None:
    import subprocess
    import sys

    said = subprocess.run(
        [sys.executable, "-m", "agent_lanes", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=bare.environment(),
    )
    assert said.stdout == bare("--version").text


def test_trace_tells_the_calls_of_the_backend_on_stderr(bare: Command) -> None:
    plain = Command(bare.folder, bare.home, checks=False)
    result = plain("list", "--store", "s", env={"AGENT_LANES_TRACE": "1"})
    assert b"scan" in result.err and result.json["count"] == 0


def test_a_folder_that_was_removed_is_told(bare: Command, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    result = bare("list", cwd=gone, before=lambda: os.rmdir(gone), code=None)
    assert result.code not in (0, 1)
