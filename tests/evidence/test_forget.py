"""K3-FORGET as CI takes it: the file system keeps what was synced and nothing else; four transitions on it.

Skipped where this is not root or there is no /dev/fuse; its memory is tested everywhere.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import forget
import pytest
from disk import trace
from disk.mounts import private
from disk.oblivion import Oblivion
from disk.unsynced import CONTENTS, EVERYTHING, NAMES, ROOT, Memory, Node
from experiment import Plan


def file(memory: Memory, name: str, content: bytes = b"x", folder: int = ROOT) -> Node:
    node = memory.born(stat.S_IFREG | 0o600)
    memory.name((folder, name, node.ino))
    node.content += content
    return node


def found(memory: Memory, what: str = EVERYTHING) -> dict[str, bytes]:
    return {path: content for path, (_, _, content) in memory.recalled(what).items()}


def test_a_file_is_there_once_its_folder_was_synced_and_its_content_once_it_was_itself() -> None:
    memory = Memory()
    node = file(memory, "a")
    memory.sync_file(node)
    assert found(memory) == {}
    memory.sync_folder(memory.nodes[ROOT])
    assert found(memory) == {"a": b"x"}
    node.content += b"y"
    assert found(memory) == {"a": b"x"}
    assert found(memory, NAMES) == {"a": b"xy"}
    memory.name((ROOT, "a", None))
    assert found(memory) == {"a": b"x"}
    assert found(memory, CONTENTS) == {}


def test_a_rename_is_kept_whole_or_not_at_all() -> None:
    memory = Memory()
    folder = memory.born(stat.S_IFDIR | 0o700)
    memory.name((ROOT, "d", folder.ino))
    node = file(memory, "a", folder=folder.ino)
    memory.settle()
    memory.name((folder.ino, "a", None), (ROOT, "b", node.ino))
    assert set(found(memory)) == {"d", "d/a"}
    memory.sync_folder(folder)
    assert set(found(memory)) == {"d", "b"}


def test_what_came_before_a_kept_change_does_not_come_back() -> None:
    memory = Memory()
    folder = memory.born(stat.S_IFDIR | 0o700)
    memory.name((ROOT, "d", folder.ino))
    memory.settle()
    node = file(memory, "a")
    memory.name((ROOT, "a", None), (folder.ino, "b", node.ino))
    memory.sync_folder(folder)
    memory.sync_folder(memory.nodes[ROOT])
    assert set(found(memory)) == {"d", "d/b"}


def needs_fuse(tmp_path: Path) -> None:
    if missing := trace.available() or forget.why_missing(str(tmp_path)):
        pytest.skip(missing)


@pytest.mark.slow
def test_mounted_it_forgets_what_was_not_synced(tmp_path: Path) -> None:
    needs_fuse(tmp_path)
    child = os.fork()  # what is mounted ends with it
    if child == 0:
        code = 1
        try:
            private()
            disk = Oblivion(tmp_path / "disk")
            disk.mount()
            loose, synced = disk.mounted / "loose", disk.mounted / "synced"
            for path in (synced, loose):
                path.write_bytes(b"kept")
            for path in (synced, disk.mounted):
                descriptor = os.open(path, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
            trees = disk.image().trees
            disk.unmount()
            disk.put(trees[EVERYTHING])
            kept = (synced.read_bytes(), loose.read_bytes())
            code = 0 if kept == (b"kept", b"") else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
def test_nothing_acknowledged_is_forgotten(tmp_path: Path) -> None:
    needs_fuse(tmp_path)
    table = forget.run(Plan(whole=False, work=tmp_path))
    assert table.problems == []
    assert {str(row[0]) for row in table.rows} == set(forget.SAMPLE)
