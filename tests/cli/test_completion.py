"""Completions: what is offered, and that bash, zsh and fish offer it to who types in a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import agent_lanes
from agent_lanes.cli import complete
from agent_lanes.cli.options import FLAG, GLOBAL
from agent_lanes.cli.table import COMMANDS
from cli.loading import loaded
from cli.process import USAGE, Command
from cli.terminal import Terminal

SHELLS = ("bash", "zsh", "fish")
IN_CI = os.environ.get("CI") == "true"


def offered(run: Command, *words: str, shell: str = "fish") -> list[str]:
    """The values that a shell is given for a line that ends with the last of these words."""
    return [line.partition("\t")[0] for line in run("__complete", shell, *words).text.splitlines()]


@pytest.fixture
def ids(run: Command) -> list[str]:
    """Three tasks, the oldest first."""
    found = [run("submit", "--lane", lane, "--prompt", f"for {lane}").line for lane in ("review", "default")]
    return [*found, run("submit", "--lane", "review", "--prompt", "x", "--metadata", "required_vendor=otto").line]


def test_commands_flags_and_choices(run: Command) -> None:
    assert offered(run, "") == [entry.name for entry in COMMANDS]
    assert offered(run, "sub") == ["submit"]
    assert offered(run, "--store", "s", "--json", "sub") == ["submit"]
    assert {"--claim-token", "--json", "--help"} <= set(offered(run, "renew", "x", "-"))
    assert "--json" not in offered(run, "list", "--json", "--")
    assert "--metadata" in offered(run, "submit", "--metadata", "k=v", "--meta")
    assert offered(run, "respond", "x", "--status", "") == ["completed", "failed"]
    assert offered(run, "respond", "--verdict=ac") == ["--verdict=accept", "--verdict=accept-with-follow-ups"]
    assert offered(run, "completion", "") == list(SHELLS)
    assert offered(run, "--js") == ["--json"]


def test_tasks_lanes_and_vendors_of_this_store(run: Command, ids: list[str]) -> None:
    assert offered(run, "show", "") == [id[-12:] for id in reversed(ids)], "the newest first"
    assert offered(run, "show", ids[1][-12:-6]) == [ids[1][-12:]]
    assert offered(run, "wait", ids[0][:30]) == [ids[0]], "whoever begins with the whole id goes on with it"
    assert offered(run, "submit", "--depends-on", ids[1][-12:-6]) == [ids[1][-12:]]
    assert offered(run, "claim", "--lane", "") == ["default", "review"]
    assert offered(run, "claim", "--lane", "r") == ["review"]
    assert {"codex", "otto"} <= set(offered(run, "claim", "--vendor", ""))
    assert run("__complete", "zsh", "show", ids[0][-12:]).line == f"{ids[0][-12:]}\tqueued · review · for review"


def test_the_store_on_the_line_is_the_one_that_is_looked_at(run: Command, ids: list[str], tmp_path: Path) -> None:
    elsewhere = {"cwd": tmp_path}
    told = run("__complete", "bash", "--config", run.folder / "handoff/handoff.yaml", "show", "", **elsewhere)  # type: ignore[arg-type]
    assert told.text.splitlines() == [id[-12:] for id in reversed(ids)]
    assert run("__complete", "bash", "show", "", **elsewhere).out == b"", "no store, no complaint"  # type: ignore[arg-type]


def test_a_lane_is_described_as_its_config_does(run: Command, ids: list[str]) -> None:
    lanes = "{review: {description: Second looks, priority: 2}, plain: A text, bare: {priority: 1}}"
    (run.folder / "handoff/handoff.yaml").write_text(f"workspace_id: w\nlanes: {lanes}\n")
    told = run("__complete", "fish", "claim", "--lane", "").text.splitlines()
    assert told == ["bare\t", "default\t", "plain\tA text", "review\tSecond looks"]


def test_paths_are_left_to_the_shell(run: Command) -> None:
    for words in (["submit", ""], ["submit", "--task", "x"], ["export", ""], ["init", ""], ["--config", ""]):
        assert offered(run, *words) == [":files"]


def test_bash_gets_the_part_behind_the_equals_sign(run: Command, ids: list[str]) -> None:
    assert offered(run, "claim", "--lane", "=", "r", shell="bash") == ["review"]
    assert offered(run, "claim", "--lane", "=", shell="bash") == ["default", "review"]


@pytest.mark.parametrize(
    "words", [[], ["bogus", ""], ["show", "\x1b"], ["--"], ["show", "--", ""], ["wait", "--x=", ""]]
)
def test_whatever_is_on_the_line_it_is_silent(run: Command, words: list[str]) -> None:
    result = run("__complete", "bash", *words)
    assert result.err == b"" and b"\x1b" not in result.out


def test_every_value_that_is_a_task_a_lane_a_vendor_or_a_path_is_completed() -> None:
    for option in GLOBAL:
        assert option.kind == FLAG or option.metavar in complete.VALUES


def test_the_known_vendors_are_those_of_the_table(run: Command) -> None:
    table = Path(agent_lanes.__file__ or "").parent / "dispatch" / "vendors.yaml"
    names = {line.split(":")[0] for line in table.read_text().splitlines() if line[:1].isalpha()}
    assert set(complete.KNOWN_VENDORS) - {"any"} == names - {"command"}


def test_completing_loads_nothing_heavy(run: Command, ids: list[str]) -> None:
    for words in (["show", ""], ["claim", "--lane", ""], ["s"]):
        found = loaded(run, "__complete", "bash", *words)
        heavy = {"re", "json", "argparse", "typing", "dataclasses", "yaml", "watchdog", "agent_lanes.cli.manual"}
        assert not {module.split(".")[0] for module in found} & heavy


def test_the_script_of_a_shell_is_printed(run: Command, bare: Command) -> None:
    for shell in SHELLS:
        assert "__complete " + shell in bare("completion", shell).text
        assert bare("completion", shell, "--json").json["script"] == bare("completion", shell).text
    assert "bash, zsh, fish" in run("completion", code=USAGE).why
    assert "tcsh" in run("completion", "tcsh", code=USAGE).why


def shell_in_terminal(run: Command, shell: str) -> Terminal:
    """A shell that has read the script, at its prompt, on a terminal; the program is first on its PATH."""
    program = shutil.which(shell)
    if program is None and not IN_CI:
        pytest.skip(f"{shell} is not installed")
    assert program is not None, f"{shell} is not installed"
    path = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "HISTFILE": "", "fish_greeting": ""}
    words = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"], "fish": ["-N", "-i"]}[shell]
    terminal = Terminal(run, *words, program=program, columns=120, lines=40, env=path)
    ready = {
        "bash": 'PS1="rea""dy> "; eval "$(agent-lanes completion bash)"\n',
        "zsh": 'PS1="rea""dy> "; autoload -U compinit; compinit -u -D; eval "$(agent-lanes completion zsh)"\n',
        "fish": 'function fish_prompt; echo -n "rea""dy> "; end; agent-lanes completion fish | source\n',
    }[shell]
    terminal.type(ready)
    terminal.until(b"ready> ")
    return terminal


def completes(terminal: Terminal, line: str, shown: str) -> None:
    """Type the beginning of a line and press Tab; this appears. Then the line is given up."""
    terminal.forget()
    terminal.type(line + "\t")
    terminal.until(shown.encode())
    terminal.forget()
    terminal.type("\x15\n")
    terminal.until(b"ready> ")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_ids_lanes_and_paths(run: Command, ids: list[str], shell: str) -> None:
    (run.folder / "a-file-for-tab.md").write_text("x")
    with shell_in_terminal(run, shell) as terminal:
        completes(terminal, "agent-lanes init-p", "init-pool")
        completes(terminal, f"handoff show {ids[0][-12:-5]}", ids[0][-12:])
        completes(terminal, "agent-lanes claim --lane rev", "review")
        completes(terminal, "agent-lanes claim --lane=rev", "review")
        completes(terminal, "agent-lanes respond x --status comp", "completed")
        completes(terminal, "agent-lanes submit a-file-for-t", "a-file-for-tab.md")
        terminal.type("exit\n")
        terminal.end(code=None)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_lane_with_blanks_is_quoted(run: Command, shell: str) -> None:
    run("submit", "--lane", "two words; x", "--prompt", "x")
    with shell_in_terminal(run, shell) as terminal:
        terminal.forget()
        terminal.type("agent-lanes wait --json --timeout 0 --lane two\t\n")
        terminal.until(b'"status": "task_available"')
        terminal.type("exit\n")
        terminal.end(code=None)
