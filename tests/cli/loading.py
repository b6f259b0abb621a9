"""Which modules a call imports, in a project whose config has been compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli.process import Command

PROGRAM = "from agent_lanes.launch import start; start()"


def project(base: Path) -> Command:
    """The command in a project whose config has been compiled."""
    run = Command(base / "project", base / "home")
    for folder in (run.folder, run.home):
        folder.mkdir(parents=True)
    (run.folder / "request.md").write_text("Please look at this.\n")
    run("init")
    compiled(run)
    return run


def compiled(run: Command, *words: str) -> Path:
    """The compiled config, once there is one: a config that was written this very moment is not compiled yet."""
    for _ in range(100):
        run(*words, "where")
        found = list((run.home / ".cache").rglob("*.json"))
        if found:
            return found[0]
    raise AssertionError("the config is never compiled")


def loaded(run: Command, *words: str, env: dict[str, str] | None = None, code: int = 0) -> set[str]:
    """The modules that a call imports beyond those of an empty program."""
    return imports(run, [PROGRAM, *words], env, code) - imports(run, ["import sys"], env, 0)


def imports(run: Command, program: list[str], env: dict[str, str] | None, code: int) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=run.folder,
        env=run.environment(env),
    )
    assert ended.returncode == code, ended.stderr[-2000:]
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines} - {"imported package"}
