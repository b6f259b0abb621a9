"""A record of v0.1 that cannot be read stays as it is; the upgrade goes on with all the others."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes import Queue
from upgrade.old_store import V01_FIELDS, OldStore, tree

DAMAGED = "claude"


def write(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def field(**values: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        record = json.loads((folder / "task.json").read_text())
        (folder / "task.json").write_text(json.dumps(record | values))

    return damage


def cut(folder: Path) -> None:
    os.truncate(folder / "task.json", 100)


def huge(folder: Path) -> None:
    os.truncate(folder / "task.json", 100 << 20)


def gone(folder: Path) -> None:
    (folder / "task.json").unlink()


def a_folder(folder: Path) -> None:
    gone(folder)
    (folder / "task.json").mkdir()


def a_fifo(folder: Path) -> None:
    gone(folder)
    os.mkfifo(folder / "task.json")


def a_link(folder: Path) -> None:
    (folder / "task.json").rename(folder / "elsewhere.json")
    (folder / "task.json").symlink_to("elsewhere.json")


DAMAGES = {
    "empty": write("task.json", b""),
    "cut": cut,
    "nul": write("task.json", b"\0" * 300),
    "not UTF-8": write("task.json", b'{"id": "\xff"}'),
    "a list": write("task.json", b"[]\n"),
    "nested deeply": write("task.json", b'{"a":' * 20_000),
    "huge": huge,
    "gone": gone,
    "a folder": a_folder,
    "a FIFO": a_fifo,
    "a symbolic link": a_link,
    "the id of another": field(id="20261121T000000000000Z-other-000000000000"),
    "an unknown state": field(state="asleep"),
    "a state that is a number": field(state=7),
    "a lane that is a list": field(lane=["default"]),
    "a lane too long": field(lane="x" * 300),
    "half a character in the lane": field(lane="\ud800"),
    "a vendor too long": field(metadata={"required_vendor": "y" * 300}),
    "metadata that is a text": field(metadata="codex"),
    "an absurd time": field(created_at="0000-99-99T99:99:99Z"),
    "a time that is a number": field(created_at=1e308),
    "half a character in the prompt": field(prompt="\udfff"),
    "a damaged answer": write("response.json", b'{"status": "comp'),
    "an answer with no status": write("response.json", b"{}"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_only_the_damaged_task_is_affected(old_store: OldStore, store: Path, damage: Callable[[Path], None]) -> None:
    program, id = old_store.program(store), old_store.ids[DAMAGED]
    folder = store / "tasks" / id
    queue = Queue.open(str(store))
    expected = {task["id"]: task for task in queue.list() if task["id"] != id}
    damage(folder)
    before = tree(folder)
    program.run("event", old_store.ids["last"], "--message", "first change")
    found = program.json("list")
    for task in found["tasks"]:
        assert {key: task[key] for key in V01_FIELDS} == {key: expected[task["id"]][key] for key in V01_FIELDS}
    assert len(found["tasks"]) == len(expected)
    assert id in json.dumps(found["damaged"])
    assert tree(folder) == before
    claimed = [queue.claim("default") for _ in range(8)]
    assert [task.id if task else None for task in claimed] == [
        *(old_store.ids[name] for name in ("first", "codex", "last", "run_out", "released", "checkpoint", "bare")),
        None,
    ]
    program.run("claim", id, code=65)
    assert tree(folder) == before


def test_files_of_others_among_the_tasks_do_not_hinder_the_upgrade(old_store: OldStore, store: Path) -> None:
    (store / "tasks" / ".DS_Store").write_bytes(b"\0\1")
    (store / "tasks" / "notes.txt").write_text("mine\n")
    (store / "tasks" / "empty-folder").mkdir()
    (store / "tasks" / "link").symlink_to("nowhere")
    program = old_store.program(store)
    program.run("event", old_store.ids["last"], "--message", "first change")
    assert len(program.json("list")["tasks"]) == len(old_store.ids)
    assert (store / "tasks" / "notes.txt").read_text() == "mine\n"


def test_a_store_that_holds_only_tasks_is_upgraded_too(old_store: OldStore, store: Path) -> None:
    shutil.rmtree(store / "indexes")
    (store / "lock").unlink()
    program = old_store.program(store)
    program.run("event", old_store.ids["last"], "--message", "first change")
    assert len(program.json("list")["tasks"]) == len(old_store.ids)
