"""dispatcher.sh: the environment of v0.1, and the wrappers of a pool."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dispatch.conftest import Scene

SCRIPTS = sorted((Path(__file__).parents[2] / "dispatchers").glob("*.sh"))


def script(scene: Scene, path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in scene.run.environment(scene.environment).items() if name != "VENDOR"}
    return subprocess.run(
        ["bash", str(path), *words],
        env={**plain, **environment},
        cwd=scene.tmp,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_environment_of_v01_sets_up_a_dispatcher(scene: Scene) -> None:
    mine = scene.submit("--metadata", "required_vendor=mine")
    settings = {
        "VENDOR": "mine", "ONCE": "1", "WAIT_TIMEOUT": "60", "OWNER": "ada", "LEASE_SECONDS": "30",
        "HEARTBEAT_SECONDS": "0", "HEADLESS_AGENT_CMD": "tr a-z A-Z | tail -n 2; echo \"$AGENT_LANES_TASK_ID\"",
    }  # fmt: skip
    done = script(scene, scene.project / "handoff/dispatcher.sh", **settings)
    assert done.returncode == 0, done.stderr
    answer = scene.answer(mine)
    assert answer["body"].endswith(mine + "\n") and "NEEDS-REVISION" in answer["body"]
    assert (answer["reviewer"], answer["metadata"]["vendor"]) == ("ada", "mine")


def test_a_failing_agent_fails_the_task_with_its_stderr_as_in_v01(scene: Scene) -> None:
    id = scene.submit("--metadata", "required_vendor=mine", attempts=0)
    settings = {"VENDOR": "mine", "ONCE": "1", "HEADLESS_AGENT_CMD": "echo what went wrong >&2; exit 3"}
    assert script(scene, scene.project / "handoff/dispatcher.sh", **settings).returncode == 0
    assert scene.answer(id)["status"] == "failed" and "what went wrong" in scene.answer(id)["body"]


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({}, 64, "set VENDOR"),
        ({"VENDOR": "mine", "LEASE_SECONDS": "soon"}, 64, "LEASE_SECONDS is 'soon'"),
        ({"VENDOR": "mine", "QUEUE_ROOT": "state"}, 64, "give an absolute path"),
        ({"VENDOR": "mine", "CONFIG": "/nowhere/handoff.yaml"}, 64, "no config at /nowhere/handoff.yaml"),
        ({"VENDOR": "nobody-knows"}, 64, "no agent is known for nobody-knows"),
        ({"VENDOR": "mine", "AGENT_LANES_BIN": "/nowhere/agent-lanes"}, 1, "is not a program"),
        ({"VENDOR": "x", "HEADLESS_AGENT_CMD": "cat", "ONCE": "1", "WAIT_TIMEOUT": "0"}, 2, "no task came"),
    ],
)
def test_wrong_settings_are_named(scene: Scene, environment: dict[str, str], code: int, says: str) -> None:
    done = script(scene, scene.project / "handoff/dispatcher.sh", **environment)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_the_wrappers_of_a_pool_name_their_vendor_and_its_queue(scene: Scene) -> None:
    pool = scene.tmp / "own-pool with a blank"
    pool.mkdir()
    told = scene.run("init-pool", str(pool), "--json").json
    assert [one["vendor"] for one in told["dispatchers"]] == ["claude", "codex", "gemini", "opencode"]
    id = scene.run("submit", "--store", told["store"], "--lane", "default", "--prompt", "x").line
    for one in told["dispatchers"][:1]:
        done = script(scene, Path(one["wrapper"]), "--once", HEADLESS_AGENT_CMD="cat")
        assert done.returncode == 0, done.stderr
    answer = Path(told["store"]) / "tasks" / id / "response.json"
    assert '"vendor": "claude"' in answer.read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_clean(path: Path) -> None:
    if shutil.which("shellcheck") is None:
        assert not os.environ.get("CI"), "CI needs shellcheck"
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
