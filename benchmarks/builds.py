"""The two builds that are compared, each a command in a virtual environment of its own.

    this       the checkout that these benchmarks lie in    AGENT_LANES_THIS    bin folder of an environment that has it
    earlier    agent-lanes 0.1.1 from PyPI                  AGENT_LANES_PEER    the same

An environment that is not named is made below benchmarks/.cache with pip, with the interpreter that runs this.
0.1.1 is a black box here: only its command is run, and only files that CONTRACT.md describes are written for it.
"""

from __future__ import annotations

import os
import subprocess
import sys

from measure import Run, run

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(HERE)
EARLIER = "0.1.1"


class Build:
    """One of the two. `key` is `this` or `earlier`."""

    def __init__(self, key: str, folder: str, home: str) -> None:
        self.key = key
        self.command = f"{folder}/agent-lanes"
        self.python = f"{folder}/python"
        self.env = {
            "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
            "HOME": home,
            "XDG_CACHE_HOME": f"{home}/cache",
            "LANG": "C.UTF-8",
        }
        ask = "import sys, importlib.metadata as m; print(m.version('agent-lanes'), sys.version.split()[0])"
        self.version, self.python_version = run([self.python, "-c", ask], folder=home, env=self.env).out.split()

    @property
    def is_this(self) -> bool:
        """Whether it is this checkout."""
        return self.key == "this"

    def run(self, folder: str, *words: str, check: bool = True) -> Run:
        """Run one command in a workspace."""
        return run([self.command, *words], folder=folder, env=self.env, check=check)

    def empty_python(self, folder: str) -> Run:
        """P: `python -c pass` with this build's interpreter."""
        return run([self.python, "-c", "pass"], folder=folder, env=self.env)

    def inside(self, folder: str, script: str, *words: str) -> str:
        """Run a script of benchmarks/ with this build's interpreter, and return what it prints."""
        return run([self.python, f"{HERE}/{script}", *words], folder=folder, env=self.env).out


def both(home: str) -> list[Build]:
    """Earlier and this, in that order."""
    peer = os.environ.get("AGENT_LANES_PEER") or _made("earlier", f"agent-lanes=={EARLIER}")
    ours = os.environ.get("AGENT_LANES_THIS") or _made("this", REPOSITORY)
    builds = [Build("earlier", peer, home), Build("this", ours, home)]
    if builds[0].version != EARLIER:
        raise SystemExit(f"AGENT_LANES_PEER has agent-lanes {builds[0].version}, not {EARLIER}")
    return builds


def commit() -> str:
    """The commit of the checkout, with a + if the package differs from it."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--", "agent_lanes") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", REPOSITORY, *words], capture_output=True, check=True, text=True).stdout.strip()


def _made(key: str, what: str) -> str:
    folder = f"{HERE}/.cache/{key}"
    if not os.path.exists(f"{folder}/bin/python"):
        subprocess.run([sys.executable, "-m", "venv", "--upgrade-deps", folder], check=True)
    again = ["--force-reinstall", "--no-deps"] if os.path.exists(f"{folder}/bin/agent-lanes") and key == "this" else []
    subprocess.run([f"{folder}/bin/pip", "install", "-q", *again, what], check=True)
    return f"{folder}/bin"
