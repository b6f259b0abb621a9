"""Every examples/<name>/run.sh runs as it stands, ends well, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MARK = "EXAMPLE_OF_TEST"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/run.sh"))


def test_the_promised_examples_are_there() -> None:
    assert {"two-terminal", "fan-out", "graph", "prompt-pack"} <= set(NAMES)
    assert [path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name not in NAMES] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_and_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    places = {word: tmp_path / word for word in ("home", "scratch", "elsewhere", "source", "bin")}
    for place in places.values():
        place.mkdir()
    example = shutil.copytree(EXAMPLES / name, places["source"] / name)
    before = sorted(example.rglob("*"))
    command = places["bin"] / "agent-lanes"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m agent_lanes "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "AGENT_LANES": str(command), "TMPDIR": str(places["scratch"]), MARK: str(tmp_path)}
    environment |= {"HOME": str(places["home"]), "XDG_CACHE_HOME": str(places["home"] / ".cache")}

    done = subprocess.run(
        ["bash", str(example / "run.sh")],
        cwd=places["elsewhere"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.strip()
    assert list(places["elsewhere"].iterdir()) == []
    assert list(places["scratch"].iterdir()) == []
    assert sorted(example.rglob("*")) == before
    assert _processes_with(f"{MARK}={tmp_path}") == []


def _processes_with(mark: str) -> list[str]:
    """The command lines of the processes whose environment holds this: what the example started and left."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes().split(b"\0"):
                found.append(environ.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # ended, or somebody else's
            continue
    return found
