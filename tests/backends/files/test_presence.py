"""presence/: a sign counts while its maker lives, and whatever ends it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent_lanes.backends.files.store import FileStore
from agent_lanes.core.presence import API
from agent_lanes.services import presence

LISTENER = """
import sys
from agent_lanes.backends.files.store import FileStore
from agent_lanes.services import presence
with presence.attending(FileStore(sys.argv[1]), "l", vendor="codex", owner="me", kind="dispatcher"):
    print("listening", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    made = FileStore(str(tmp_path / "state"))
    made.prepare()
    return made


def files(store: FileStore) -> list[Path]:
    return [path for path in (Path(store.address) / "presence").rglob("*") if path.is_file()]


def start(store: FileStore) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER, store.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == b"listening\n"
    return process


def test_a_killed_listener_is_listed_no_more_and_its_file_goes(store: FileStore) -> None:
    with start(store) as process:
        (sign,) = presence.listeners(store)
        assert (sign.pid, sign.owner, sign.vendor) == (process.pid, "me", "codex")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(files(store)) == 1
        assert presence.listeners(store) == [] and files(store) == []


def test_one_who_is_suspended_still_listens(store: FileStore) -> None:
    with start(store) as process:
        process.send_signal(signal.SIGSTOP)
        assert len(presence.listeners(store)) == 1
        process.send_signal(signal.SIGCONT)
        process.communicate(b"")
    assert files(store) == []


def test_a_program_that_a_listener_starts_does_not_listen(store: FileStore) -> None:
    with presence.attending(store, "l", kind=API):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert presence.listeners(store) == []
    finally:
        child.kill()
        child.wait()


def test_a_listener_makes_no_store_and_is_listed_once_there_is_one(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "state"))
    with presence.attending(store, "l", kind=API) as here:
        assert not (tmp_path / "state").exists() and presence.listeners(store) == []
        store.prepare()
        here.keep()
        here.keep()
        assert len(presence.listeners(store)) == 1
    assert files(store) == []


def test_where_no_sign_can_be_left_one_listens_all_the_same(store: FileStore) -> None:
    (Path(store.address) / "presence").write_text("not a folder")
    with presence.attending(store, "l", kind=API):
        assert presence.listeners(store) == []
    assert not list((Path(store.address) / "tmp").iterdir())


def test_what_else_lies_there_is_passed_over(store: FileStore) -> None:
    folder = Path(store.address) / "presence" / "l"
    with presence.attending(store, "l", kind=API):
        (folder / "any~folder.json").mkdir()
        (folder / "any~link.json").symlink_to("/etc/hostname")
        os.mkfifo(folder / "any~pipe.json")
        assert len(presence.listeners(store)) == 1
    assert (folder / "any~folder.json").is_dir()
