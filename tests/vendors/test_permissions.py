"""What an agent may do under `safe`, the permission that is used unless a config says otherwise."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vendors.agents import Agent
from vendors.conftest import MakeAgent
from vendors.wires import Call, Say, Step

pytestmark = [pytest.mark.slow, pytest.mark.real_agents]


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that is not below /tmp: into that, sandboxes let every command write."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="agent-lanes-tests-") as folder:
        yield Path(folder)


def writing(name: str, path: Path) -> Step:
    """The model writes a file with the agent's own tool."""
    if name == "claude":
        return Call("Write", {"file_path": str(path), "content": "hello\n"})
    if name == "codex":
        return Call("exec_command", {"cmd": f"echo hello > '{path}'", "login": False})
    if name in ("gemini", "qwen"):
        return Call("write_file", {"file_path": str(path), "content": "hello\n"})
    if name == "opencode":
        return Call("write", {"filePath": str(path), "content": "hello\n"})
    return Call("create", {"path": str(path), "file_text": "hello\n"})


def working_in(agent: Agent, folder: Path) -> Agent:
    folder.mkdir(exist_ok=True)
    agent.work = folder
    return agent


def test_it_may_write_in_its_folder(make: MakeAgent, name: str, outside: Path) -> None:
    agent = working_in(make(name, writing(name, outside / "work/new"), Say("done")), outside / "work")
    done = agent.run("Write a file.")
    assert done.outcome.answer == "done", done
    assert (outside / "work/new").read_text() == "hello\n", done


def test_it_may_not_write_elsewhere(make: MakeAgent, name: str, outside: Path) -> None:
    if name == "qwen":
        pytest.skip("qwen that may edit may edit any file, and has no words against that: so says the table")
    agent = working_in(make(name, writing(name, outside / "elsewhere"), Say("done")), outside / "work")
    done = agent.run("Write a file.")
    assert not (outside / "elsewhere").exists(), done
    if name == "claude":
        assert done.outcome.denied == ("Write",) and done.outcome.ok, done


def test_claude_and_gemini_run_no_shell_command_unasked(make: MakeAgent, name: str, outside: Path) -> None:
    tools = {"claude": ("Bash", "command"), "gemini": ("run_shell_command", "command")}
    if name not in tools:
        pytest.skip("others run what their sandbox, or their own rules, let them")
    tool, key = tools[name]
    command = {key: f"curl -o {outside}/work/new http://127.0.0.1:1/", "description": "fetch"}
    agent = working_in(make(name, Call(tool, command), Say("done")), outside / "work")
    done = agent.run("Fetch a file.")
    assert done.outcome.denied == ("Bash",) if name == "claude" else "run_shell_command" not in str(done.outcome), done
    assert list((outside / "work").iterdir()) == []


def test_codex_may_commit_in_a_linked_work_tree(make: MakeAgent, outside: Path) -> None:
    def git(*words: str, folder: str = "main") -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(["git", "-C", str(outside / folder), *identity, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (outside / "main").mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("worktree", "add", "-q", str(outside / "linked"))
    commit = "git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m second"
    agent = make("codex", Call("exec_command", {"cmd": commit, "login": False}), Say("done"))
    done = working_in(agent, outside / "linked").run("Commit.")
    assert git("log", "-1", "--format=%s", folder="linked") == "second\n", done
