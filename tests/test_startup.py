"""What a command loads before it does its work: nothing heavy, nothing new unnoticed; and the compiled config.

A new name in a set below is a decision: it costs every call of every agent. Measured: python -X importtime.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.process import Command, without_privileges

PROGRAM = "import sys; from agent_lanes.cli.app import main; sys.exit(main())"
HEAVY = {
    *("re", "json", "argparse", "typing", "dataclasses", "datetime", "inspect", "threading", "contextlib", "tempfile"),
    *("pathlib", "subprocess", "socket", "asyncio", "enum", "functools", "collections", "logging", "shutil", "random"),
    *("signal", "secrets", "uuid", "ctypes", "importlib", "warnings", "types", "traceback"),
    *("yaml", "filelock", "watchdog"),
}
ALWAYS = {"__future__", "_json", "errno", "fcntl", "heapq", "_heapq"}
HASHING = {"hashlib", "_hashlib", "_blake2", "_sha2", "_sha3", "_sha1", "_md5"}  # which of them: the Python's choice
MOST_MODULES_OF_OURS = 57


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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return project(tmp_path_factory.mktemp("startup"))


@pytest.fixture
def fresh(tmp_path: Path) -> Command:
    return project(tmp_path)


def submitted(run: Command) -> str:
    return run("submit", "--lane", "default", "request.md").line


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
    "submit": (lambda run: ["submit", "--lane", "default", "request.md"], HASHING),
    "submit --json": (lambda run: ["submit", "--lane", "default", "request.md", "--json"], HASHING),
    "claim ID": (lambda run: ["claim", submitted(run)], HASHING),
    "claim --lane": (lambda run: ["claim", "--lane", "default", "--vendor", submitted(run) and "codex"], HASHING),
    "claim --lane, idle": (lambda run: ["claim", "--lane", "nothing", "--json"], set()),
    "renew": (lambda run: ["renew", *claimed(run)], set()),
    "release": (lambda run: ["release", *claimed(run)], set()),
    "event": (lambda run: ["event", submitted(run), "--message", "m", "--data", "k=v"], set()),
    "respond": (
        lambda run: ["respond", *claimed(run), "--body", "x"],
        HASHING,
    ),
    "wait, answered": (lambda run: ["wait", answered(run), "--json"], set()),
    "wait --lane, there": (lambda run: ["wait", "--lane", "default", "--quiet"], set()),
    "status ID": (lambda run: ["status", submitted(run)], set()),
    "show": (lambda run: ["show", answered(run)], HASHING),
    "status --all": (lambda run: ["status", "--all"], set()),
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


def test_a_wait_loads_watchdog_only_if_it_really_blocks(run: Command) -> None:
    task_id = submitted(run)
    assert "watchdog" not in loaded(run, "wait", task_id, "--timeout", "0", code=2)
    assert "watchdog" in loaded(run, "wait", task_id, "--timeout", "0.05", "--quiet", code=2)


def test_help_and_usage_errors_open_no_store_and_no_config(run: Command) -> None:
    for words, code in ((["--help"], 0), (["wait", "--help"], 0), (["bogus"], 64), (["--version"], 0)):
        found = loaded(run, *words, code=code)
        assert not any(module.startswith(("agent_lanes.backends", "agent_lanes.config", "yaml")) for module in found)


def test_yaml_is_read_once_and_again_when_the_file_changed(fresh: Command) -> None:
    config = fresh.folder / "handoff" / "handoff.yaml"
    assert "yaml" not in loaded(fresh, "where")
    before = config.stat()
    text = config.read_text().replace('"project"', '"changed"')
    config.write_text(text)
    assert before.st_size == config.stat().st_size
    os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns))  # size and time of change as they were
    assert fresh("where", "--json").json["workspace_id"] == "changed"
    for _ in range(100):
        if "yaml" not in loaded(fresh, "where"):
            break
    else:
        raise AssertionError("the changed config is never compiled")
    assert fresh("where", "--json").json["workspace_id"] == "changed"
    replaced = config.with_name("new.yaml")
    replaced.write_text(text.replace("changed", "renamed"))
    replaced.rename(config)
    assert fresh("where", "--json").json["workspace_id"] == "renamed"


def test_a_config_that_is_gone_is_not_served_from_its_copy(fresh: Command) -> None:
    config = fresh.folder / "handoff" / "handoff.yaml"
    config.rename(config.with_name("away.yaml"))
    fresh("where", code=5)
    fresh("where", "--config", str(config), code=5)


WRONG_FIELDS = [
    {"version": 2},
    {"version": None},
    {"path": "/elsewhere/handoff.yaml"},
    {"stamp": [1, 2, 3, 4, 5]},
    {"stamp": None},
    {"config": None},
    {"config": {}},
    {"config": []},
]
WRONG_CONFIGS: list[dict[str, object]] = [
    {"queue_root": 5},
    {"queue_root": None},
    {"workspace_id": ["x"]},
    {"workspace_root": {}},
    {"lanes": ["default"]},
    {"lanes": {"default": 5}},
    {"worktree_path": 5},
    {"expected_branch": False},
    {"warnings": "text"},
    {"warnings": [5]},
    {"unknown": 1},
    {"path": 7},
]


def test_a_damaged_copy_is_only_slower(fresh: Command) -> None:
    copy = compiled(fresh)
    good, told = copy.read_bytes(), fresh("where", "--json").json
    record = json.loads(good)
    damaged = [b"", b"{", b"\0" * 100, b"\xff", b"[]", good[:-20], good + b"x", b"[" * 10_000, b'{"a": NaN}']
    damaged += [json.dumps({**record, **wrong}).encode() for wrong in WRONG_FIELDS]
    damaged += [json.dumps({**record, "config": {**record["config"], **wrong}}).encode() for wrong in WRONG_CONFIGS]
    damaged += [json.dumps({key: value for key, value in record.items() if key != gone}).encode() for gone in record]
    for content in damaged:
        copy.write_bytes(content)
        assert fresh("where", "--json").json == told, content
        assert fresh("submit", "--lane", "default", "request.md").code == 0
    assert copy.read_bytes() == good  # it has been made anew


@pytest.mark.parametrize("kind", ["folder", "FIFO", "link to nothing", "link to a good one", "unreadable", "foreign"])
def test_a_copy_that_is_no_file_of_ours_is_only_slower(fresh: Command, kind: str) -> None:
    copy = compiled(fresh)
    told = fresh("where", "--json").json
    if kind == "unreadable":
        copy.chmod(0)
    elif kind == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root may give a file away")
        copy.write_bytes(copy.read_bytes().replace(b'"project"', b'"planted"'))
        copy.chmod(0o644)
        os.chown(copy, 12345, -1)
    else:
        moved = copy.rename(copy.with_suffix(".moved"))
        moved.write_bytes(moved.read_bytes().replace(b'"project"', b'"planted"'))
        make = {
            "folder": copy.mkdir,
            "FIFO": functools.partial(os.mkfifo, copy),
            "link to nothing": functools.partial(copy.symlink_to, "nothing"),
            "link to a good one": functools.partial(copy.symlink_to, moved),
        }[kind]
        make()
    assert fresh("where", "--json", before=without_privileges).json == told


@pytest.mark.parametrize("cache", ["/dev/null", "/dev/null/deep", "relative", "", "/proc"])
def test_without_a_cache_folder_everything_works(fresh: Command, cache: str) -> None:
    env = {"XDG_CACHE_HOME": cache, "HOME": "/dev/null" if cache else ""}
    for _ in range(2):
        assert fresh("where", "--json", env=env).json["workspace_id"] == "project"
    assert "yaml" in loaded(fresh, "where", env=env)
    assert not (fresh.folder / "relative").exists()


def test_a_cache_that_may_not_be_written_is_only_slower(tmp_path: Path) -> None:
    run = Command(tmp_path / "project", tmp_path / "home")
    run.folder.mkdir()
    (run.home / ".cache").mkdir(parents=True)
    (run.home / ".cache").chmod(0o500)
    run("init")
    for _ in range(3):
        assert run("where", "--json", before=without_privileges).json["workspace_id"] == "project"
    assert os.listdir(run.home / ".cache") == []


def test_two_configs_are_never_mixed_up(tmp_path: Path) -> None:
    run = Command(tmp_path, tmp_path / "home")
    run.home.mkdir()
    names = ["a/b", "a%2Fb", "a.b", "A.b", "ab", "x" * 200 + "/" + "y" * 100, "x" * 200 + "/" + "y" * 101]
    configs = []
    for number, name in enumerate(names):
        config = tmp_path / name / "handoff" / "handoff.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(f"workspace_id: w{number}\n")
        configs.append(str(config))

    def told() -> list[str]:
        return [run("where", "--config", config, "--json").json["workspace_id"] for config in configs]

    expected = [f"w{number}" for number in range(len(names))]
    for _ in range(100):
        assert told() == expected
        copies = sorted((run.home / ".cache").rglob("*.json"))
        if len(copies) == len(names):
            break
    contents = [copy.read_bytes() for copy in copies]
    for copy, content in zip(copies, contents[1:] + contents[:1], strict=True):
        copy.write_bytes(content)
    assert told() == expected


def test_the_copy_is_private(fresh: Command) -> None:
    copy = compiled(fresh)
    assert copy.stat().st_mode & 0o777 == 0o600 and copy.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(copy.parent) == [copy.name]
