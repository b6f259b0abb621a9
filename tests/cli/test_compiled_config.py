"""The compiled copy of a config: it saves YAML, and is never wrong."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import pytest

from cli.loading import compiled, loaded, project
from cli.process import Command, without_privileges


@pytest.fixture
def fresh(tmp_path: Path) -> Command:
    return project(tmp_path)


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
