"""The same script on agent-lanes 0.1.1 and on this program: whatever 0.1.1 prints, this prints too.

AGENT_LANES_PEER names the `agent-lanes` of a virtual environment with version 0.1.1 (tests/upgrade/peer.py makes one
and prints its path), or the folder it lies in. Without it these tests are skipped at home and fail in CI.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.process import PROGRAM, Command, Result

NAMED = os.environ.get("AGENT_LANES_PEER", "")  # read before the tests clear the environment
PEER = os.path.join(NAMED, "agent-lanes") if os.path.isdir(NAMED) else NAMED
pytestmark = pytest.mark.peer

Script = Callable[[Command], list[Result]]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Command, Command]:
    """0.1.1 and this program, each in a project of its own, of the same name."""
    if not PEER:
        if os.environ.get("CI"):
            pytest.fail("AGENT_LANES_PEER must name the program of agent-lanes 0.1.1")
        pytest.skip("AGENT_LANES_PEER does not name the program of agent-lanes 0.1.1")
    made = []
    for name, program in (("old", PEER), ("new", PROGRAM)):
        folder, home = tmp_path / name / "project", tmp_path / name / "home"
        folder.mkdir(parents=True)
        home.mkdir()
        run = Command(folder, home, program, checks=name == "new")
        (folder / "request.md").write_text("Please look at this.\n")
        run("init")
        made.append(run)
    return made[0], made[1]


def kind(value: object) -> str:
    """The type of a value as a script sees it: 0 and 0.0 are both numbers."""
    if isinstance(value, bool) or value is None:
        return repr(type(value).__name__)
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def shape(value: object, path: str = "") -> dict[str, str]:
    """Every path in a JSON value with the type that stands there; the items of a list share theirs."""
    found = {path or ".": kind(value)}
    if isinstance(value, dict):
        for key, item in value.items():
            found |= shape(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            found |= shape(item, f"{path}[]")
    return found


def compare(old: Result, new: Result) -> None:
    """What the old one printed as JSON, the new one prints with the same types, and perhaps more."""
    assert (old.code == 0) == (new.code == 0) or old.json["status"] == "failed" != new.json["status"], (old, new)
    missing = {path: kind for path, kind in shape(old.json).items() if shape(new.json).get(path) != kind}
    assert not missing, (missing, new)


def submit(run: Command, *words: str) -> Any:
    return run(
        *("submit", "--lane", "default", "--request-from", "request.md", "--response-to", "out/a.md"),
        *("--metadata", "k=v", *words, "--json"),
    )


def life(run: Command) -> list[Result]:
    """A task from submit to its answer."""
    submitted = submit(run, "--prompt", "p", "--branch", "b", "--worktree-path", ".", "--task-id", "plan")
    task_id = submitted.json["task_id"]
    looked = run("wait", "--lane", "default", "--json")
    taken = run("claim", task_id, "--owner", "me", "--lease-seconds", "60", "--json")
    token = ("--claim-token", taken.json["claim_token"])
    done = [
        run("renew", task_id, *token, "--json"),
        run("event", task_id, "--type", "note", "--message", "m", "--data", "k=v", "--json"),
        run("status", task_id, "--json"),
        run("list", "--json"),
        run("status", "--all", "--json"),
        run("release", task_id, *token, "--reason", "r", "--json"),
        run("status", task_id, "--json"),
    ]
    token = ("--claim-token", run("claim", task_id, "--json").json["claim_token"])
    answer = (
        *("respond", task_id, *token, "--body", "b", "--reviewer", "r", "--verdict", "needs-revision"),
        *("--blocking-count", "1", "--nonblocking-count", "2", "--follow-up-required", "--metadata", "k=v", "--json"),
    )
    return [submitted, looked, taken, *done, run(*answer), run("wait", task_id, "--json"), run("status", task_id)]


def failure(run: Command) -> list[Result]:
    """A task that fails."""
    task_id = submit(run).json["task_id"]
    answered = run("respond", task_id, "--status", "failed", "--body", "b", "--json")
    return [answered, run("status", task_id, "--json"), run("status", "--all", "--active-only", "--json")]


def idleness(run: Command) -> list[Result]:
    """Nothing to do, by every name of that look."""
    return [run(verb, "--lane", "x", "--timeout", "0", "--quiet", "--json") for verb in ("wait", "next", "watch")]


def empty(run: Command) -> list[Result]:
    """An empty queue."""
    return [run("list"), run("status", "--all"), run("list", "--lane", "x", "--active-only", "--json")]


def scaffolds(run: Command) -> list[Result]:
    """init and init-pool."""
    (run.folder / "other").mkdir()
    return [run("init", "other", "--workspace-id", "w", "--json"), run("init-pool", "pool", "--json")]


def shared_pool(run: Command) -> list[Result]:
    """A task that a project puts into a pool."""
    pool = run("init-pool", "../pool", "--json")
    store = pool.json["store"]
    (run.folder / "member").mkdir()
    (run.folder / "member" / "r.md").write_text("x\n")
    run("init", ".", "--queue-root", store, cwd=run.folder / "member")
    words = ("submit", "--lane", "default", "--request-from", "r.md", "--response-to", "a.md", "--json")
    return [pool, run(*words, cwd=run.folder / "member"), run("--store", store, "list")]


@pytest.mark.parametrize("script", [life, failure, idleness, empty, scaffolds, shared_pool])
def test_every_field_of_v01_is_there_with_its_type(pair: tuple[Command, Command], script: Script) -> None:
    for old, new in zip(*map(script, pair), strict=True):
        compare(old, new)


def test_a_failed_task_is_the_one_change(pair: tuple[Command, Command]) -> None:
    told = []
    for run, code in zip(pair, (0, 8), strict=True):
        task_id = submit(run).json["task_id"]
        run("respond", task_id, "--status", "failed", "--body", "it broke")
        told.append(run("wait", task_id, "--json", code=code).json)
        assert (run.folder / "out" / "a.md").read_text() == "it broke"
    assert shape(told[0]) == shape(told[1])
    assert (told[0]["status"], told[1]["status"]) == ("completed", "failed")
    assert {**told[0]["response"], "created_at": ""} == {**told[1]["response"], "created_at": ""} | {
        "task_id": told[0]["task_id"],
        "reviewed_request_sha256": told[0]["response"]["reviewed_request_sha256"],
    }


def test_files_that_others_read_have_the_fields_of_v01(pair: tuple[Command, Command]) -> None:
    import json

    shapes = []
    for run in pair:
        task_id = submit(run, "--task-id", "plan").json["task_id"]
        run("respond", task_id, "--body", "b")
        state = run.folder / "handoff" / "state"
        files = {
            "response": state / "tasks" / task_id / "response.json",
            "index": state / "indexes" / "correlations" / "project--plan.json",
        }
        lines = (state / "tasks" / task_id / "events.jsonl").read_text().splitlines()
        found = {name: json.loads(path.read_text()) for name, path in files.items()}
        shapes.append(shape({**found, "events": [json.loads(line) for line in lines]}))
        assert [json.loads(line)["type"] for line in lines] == ["created", "response"]
    old, new = shapes
    assert {path: kind for path, kind in old.items() if new.get(path) != kind and ".data." not in path} == {}


def test_the_lines_for_shells_keep_their_keys(pair: tuple[Command, Command]) -> None:
    told = []
    for run in pair:
        task_id = run("submit", "--lane", "default", "--request-from", "request.md", "--response-to", "a.md").line
        claimed = run("claim", task_id).values
        assert claimed["task_id"] == task_id
        assert run("event", task_id).line == task_id
        answered = run("respond", task_id, "--claim-token", claimed["claim_token"], "--body", "b").text
        keys = {line.split("=")[0] for line in answered.splitlines() if "=" in line}
        told.append((claimed.keys(), keys))
    (old_claim, old_answer), (new_claim, new_answer) = told
    assert old_claim <= new_claim and old_answer <= new_answer


def test_what_v01_refused_is_refused(pair: tuple[Command, Command]) -> None:
    for run in pair:
        task_id = submit(run).json["task_id"]
        (run.folder / "t.yaml").write_text("lane: x\nprompt_file: ../../secret\n")
        for words in (
            ["init"],
            ["submit", "--lane", "x", "--request-from", "/etc/hostname", "--response-to", "a.md"],
            ["submit", "--lane", "x", "--request-from", "nothing.md", "--response-to", "a.md"],
            ["submit", "--task", "t.yaml", "--request-from", "request.md", "--response-to", "a.md"],
            ["claim", "unknown"],
            ["renew", task_id, "--claim-token", "x"],
            ["release", task_id, "--claim-token", "x"],
            ["event", task_id, "--data", "x"],
            ["respond", task_id, "--body", "x", "--verdict", "maybe"],
            ["wait", task_id, "--timeout", "0"],
            ["status"],
            ["list", "--config", "nothing.yaml"],
        ):
            assert run(*words, code=None).code != 0, (run.program, words)
