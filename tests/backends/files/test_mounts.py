"""Which file system a path lies on, from the text of /proc/self/mountinfo; and that a network one is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from contracts.stores import ClockedFileStore, submit

from agent_lanes.backends.files import check, mounts, surroundings
from agent_lanes.core.finding import PROBLEM, WARNING
from agent_lanes.errors import StorageFailed
from backends.files.conftest import Open

LINES = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
30 22 0:40 / /home rw shared:5 master:7 - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/ann/fast rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/my\\040share rw - cifs //nas/share rw
33 22 0:42 / /mnt/over rw - nfs nas:/over rw
34 33 0:43 / /mnt/over rw - tmpfs tmpfs rw
35 22 0:44 / /mnt/far rw - fuse.sshfs me@far: rw
36 22 0:45 / /mnt/host rw - 9p hostshare rw,trans=virtio
a line that is none
37 22 0:46 /
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/queue", "ext4"),
        ("/home", "nfs4"),
        ("/home/ann", "nfs4"),
        ("/home/ann/fast/queue", "xfs"),
        ("/home/ann/faster", "nfs4"),
        ("/homes", "ext4"),
        ("/mnt/my share/queue", "cifs"),
        ("/mnt/over/queue", "tmpfs"),
        ("/mnt/far", "fuse.sshfs"),
        ("/mnt/host/q", "9p"),
    ],
)
def test_the_deepest_mount_above_a_path_is_its_file_system_and_of_two_on_one_place_the_later(
    path: str, kind: str
) -> None:
    assert mounts.kind_of(path, LINES) == kind


def test_what_the_text_does_not_say_is_nothing() -> None:
    assert mounts.kind_of("/srv", "") == ""
    assert mounts.kind_of("/srv", "\0 -\n- - - -\n") == ""


def test_the_machine_that_the_tests_run_on_has_a_file_system_for_each_path(tmp_path: Path) -> None:
    assert mounts.kind_of("/proc/self", mounts.mountinfo()) == "proc"
    assert mounts.kind_of(str(tmp_path), mounts.mountinfo())


@pytest.mark.parametrize(
    ("path", "refused"), [("/home/q", True), ("/mnt/far/q", True), ("/srv", False), ("/mnt/host", False)]
)
def test_a_network_file_system_is_refused_in_one_line_unless_it_was_asked_for(
    path: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if refused:
        with pytest.raises(StorageFailed, match=r"^this folder cannot hold a queue: it lies on a network file") as told:
            check.local(path, path, LINES, network=False)
        assert "--allow-network" in told.value.hint
    else:
        check.local(path, path, LINES, network=False)
    check.local(path, path, LINES, network=True)
    monkeypatch.setenv(check.ALLOW, "1")
    check.local(path, path, LINES, network=False)


@pytest.fixture
def on_nfs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if everything below the test's folder lay on a server."""
    text = f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / {os.path.realpath(tmp_path)} rw - nfs4 server:/ rw\n"
    monkeypatch.setattr(mounts, "mountinfo", lambda: text)


@pytest.mark.usefixtures("on_nfs")
def test_a_first_change_does_not_make_a_store_on_a_network_file_system(
    store: ClockedFileStore, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(StorageFailed, match="network file system"):
        submit(store)
    assert os.listdir(tmp_path) == []
    assert list(store.examine()) == []


@pytest.mark.usefixtures("on_nfs")
@pytest.mark.parametrize("by", ["flag", "environment"])
def test_a_store_that_was_asked_to_lie_on_a_network_file_system_keeps_that_in_mind(
    store: ClockedFileStore, root: Path, open_store: Open, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "flag":
        store.allow_network()
        store.prepare()
    else:
        monkeypatch.setenv(check.ALLOW, "1")
        submit(store)
        monkeypatch.delenv(check.ALLOW)
    assert json.loads((root / "store.json").read_text())["network_allowed"] is True
    again = open_store(boot="the next boot")
    assert submit(again)
    assert "network_file_system" not in {finding.code for finding in again.examine()}


@pytest.mark.usefixtures("on_nfs")
def test_a_store_that_was_moved_to_a_network_file_system_is_a_problem_for_doctor_and_works(
    store: ClockedFileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(mounts, "mountinfo", lambda: "")
        submit(store)
    assert submit(store)
    [finding] = [finding for finding in store.examine() if finding.code == "network_file_system"]
    assert (finding.level, finding.repaired) == (PROBLEM, None)
    assert "nfs4" in finding.message and "export" in finding.hint


def test_a_store_that_is_not_fit_is_refused_by_the_first_change_and_nothing_is_left(
    store: ClockedFileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", lambda one, other: None)
    with pytest.raises(StorageFailed, match="a link replaces an existing file"):
        submit(store)
    assert os.listdir(tmp_path) == []


# --- the other findings about the machine -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "asked_for", "level"),
    [
        ("nfs", False, PROBLEM),
        ("fuse.sshfs", False, PROBLEM),
        ("9p", False, WARNING),
        ("nfs", True, None),
        ("ext4", False, None),
        ("", False, None),
    ],
)
def test_where_the_store_lies(kind: str, asked_for: bool, level: str | None) -> None:
    found = list(surroundings.file_system(kind, "/q", asked_for=asked_for))
    assert [(finding.level, finding.code) for finding in found] == ([(level, "network_file_system")] if level else [])
    assert all(kind in finding.message and finding.hint for finding in found)


@pytest.mark.parametrize(
    ("free_bytes", "free_files", "told"),
    [
        (1 << 30, 1_000_000, None),
        (1 << 30, None, None),
        (255 << 20, 1_000_000, "255 MiB and 1000000 files"),
        (1 << 30, 9_999, "1024 MiB and 9999 files"),
        (0, None, "0 MiB"),
    ],
)
def test_a_disk_that_is_nearly_full_is_told_with_what_is_left(
    free_bytes: int, free_files: int | None, told: str | None
) -> None:
    found = list(surroundings.disk(free_bytes, free_files))
    assert [(finding.level, finding.code) for finding in found] == ([(WARNING, "disk_space")] if told else [])
    assert all(f"nearly full: {told} left" in finding.message and finding.hint for finding in found)


def test_a_machine_without_a_boot_clock_is_told_so() -> None:
    [finding] = surroundings.clock("")
    assert (finding.level, finding.code) == (WARNING, "no_boot_clock")
    assert list(surroundings.clock("a boot")) == []


def test_a_time_namespace_of_its_own_is_a_warning() -> None:
    assert list(surroundings.clock("boot", surroundings.INITIAL_TIME_NAMESPACE)) == []
    [finding] = surroundings.clock("boot", "time:[1]")
    assert (finding.level, finding.code) == ("warning", "own_boot_clock")


def test_watches_that_cannot_be_set_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = surroundings.watches(works=False)
    assert (finding.level, finding.code) == (WARNING, "inotify_exhausted")
    assert list(surroundings.watches(works=True)) == []
    monkeypatch.setenv("AGENT_LANES_POLL", "1")  # as if there were none
    assert not surroundings.watch_works(str(tmp_path))
