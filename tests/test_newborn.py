"""Files and folders that get their name in one step, and what a killed maker leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli.process import Command, tree

from agent_lanes.newborn import PREFIX, Newborn, sweep

KILLED = """
import os, signal, sys
from agent_lanes.newborn import Newborn
with Newborn(sys.argv[1], 0o700, is_folder=sys.argv[2] == "folder") as born:
    if born.is_folder:
        os.mkdir(born.path + "/inside")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def left_half_made(folder: Path, kind: str) -> Path:
    """What a maker leaves that was killed."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), kind])
    assert done.returncode == -signal.SIGKILL
    (left,) = folder.iterdir()
    return left


def test_a_newborn_that_gets_its_name_is_all_that_stays(tmp_path: Path) -> None:
    with Newborn(str(tmp_path), 0o640) as born:
        born.write(b"x" * 100_000, durable=True)
        os.rename(born.path, tmp_path / "name")
    assert [path.name for path in tmp_path.iterdir()] == ["name"]
    assert (tmp_path / "name").read_bytes() == b"x" * 100_000


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_newborn_that_gets_no_name_is_removed(tmp_path: Path, is_folder: bool) -> None:
    with pytest.raises(RuntimeError), Newborn(str(tmp_path), 0o700, is_folder=is_folder) as born:
        if is_folder:
            (Path(born.path) / "inside").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_maker_left_is_removed_by_the_next_one_in_that_folder(tmp_path: Path, kind: str) -> None:
    left = left_half_made(tmp_path, kind)
    with Newborn(str(tmp_path)) as born:
        assert [path.name for path in tmp_path.iterdir()] == [os.path.basename(born.path)] != [left.name]


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_is_still_being_made_is_left_alone(tmp_path: Path, is_folder: bool) -> None:
    with Newborn(str(tmp_path), 0o700, is_folder=is_folder) as born:
        sweep(str(tmp_path))
        assert os.path.exists(born.path)


def test_files_of_others_are_left_alone_whatever_they_are_called(tmp_path: Path) -> None:
    for name in (PREFIX, PREFIX + "0123456789abcdeg", PREFIX + "0" * 17, ".agent-lanes.1.ab", "agent-lanes"):
        (tmp_path / name).touch()
    (tmp_path / (PREFIX + "0123456789abcdef")).symlink_to(tmp_path / "agent-lanes")
    before = tree(tmp_path)
    sweep(str(tmp_path))
    assert tree(tmp_path) == before


def test_a_pool_that_was_killed_half_way_is_completed_by_the_same_call(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    run = Command(tmp_path, tmp_path / "home")
    run("init-pool", "pool")
    whole = {path.relative_to(tmp_path) for path in (tmp_path / "pool").rglob("*")}
    for path in sorted((tmp_path / "pool/.agent-lanes-queue").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "pool/.agent-lanes-queue").rmdir()
    run("init-pool", "pool")
    assert {path.relative_to(tmp_path) for path in (tmp_path / "pool").rglob("*")} == whole
