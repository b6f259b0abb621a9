"""How a file is born, replaced and read; and whether a file system is fit for a store."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from agent_lanes.backends.files import atomic, check
from agent_lanes.errors import BadUsage, NotAllowed, StorageFailed


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    for data in (b"", b"x", b"x" * 3_000_000):
        (tmp_path / "file").write_bytes(data)
        assert atomic.read(str(tmp_path / "file"), 3_000_000) == data


def test_a_file_that_is_too_large_is_not_taken_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 11)
    with pytest.raises(atomic.Unreadable, match="11 bytes are more than the 10"):
        atomic.read(str(tmp_path / "file"), 10)


def test_what_is_no_regular_file_is_not_read_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "folder"):
        with pytest.raises(atomic.Unreadable, match="not a regular file"):
            atomic.read(str(tmp_path / name), 10)
    with pytest.raises(atomic.Unreadable):
        atomic.read("/dev/zero", 10)


def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError) as refused:
        atomic.read(str(tmp_path / "link"), 10)
    assert refused.value.errno == errno.ELOOP


def test_a_new_file_never_replaces_another_not_even_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            atomic.write_new(str(tmp_path / name), b"new", durable=False)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert not (tmp_path / "nowhere").exists()


def test_replacing_leaves_the_old_file_to_those_who_have_it_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with (tmp_path / "file").open("rb") as reader:
        atomic.replace(str(tmp_path / "file"), b"new", str(tmp_path / "tmp"), durable=True)
        assert reader.read() == b"old"
    assert (tmp_path / "file").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_a_replacement_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inside").touch()
    with pytest.raises(OSError):
        atomic.replace(str(tmp_path / "folder"), b"new", str(tmp_path / "tmp"), durable=False)
    assert sorted(os.listdir(tmp_path)) == ["folder"]


def test_a_marker_can_be_made_and_dropped_any_number_of_times(tmp_path: Path) -> None:
    path = str(tmp_path / "a/b/marker")
    for _ in range(2):
        atomic.make_marker(path)
    assert os.path.getsize(path) == 0
    for _ in range(2):
        atomic.drop_marker(path)
    assert os.listdir(tmp_path / "a/b") == []


def test_a_marker_is_another_name_of_its_twin_and_dropping_it_leaves_that(tmp_path: Path) -> None:
    twin, path = tmp_path / "task.json", str(tmp_path / "a/b/marker")
    twin.write_text("{}")
    for _ in range(2):
        atomic.make_marker(path, str(twin))
    assert os.path.samefile(path, twin)
    atomic.drop_marker(path)
    assert twin.read_text() == "{}"


@pytest.mark.parametrize("twin", ["not there", "a folder, which cannot have two names"])
def test_a_marker_whose_twin_cannot_have_another_name_is_an_empty_file(tmp_path: Path, twin: str) -> None:
    (tmp_path / "a folder, which cannot have two names").mkdir()
    path = str(tmp_path / "a/b/marker")
    atomic.make_marker(path, str(tmp_path / twin))
    assert os.path.isfile(path)
    assert os.path.getsize(path) == 0


def test_only_a_file_of_the_same_length_is_overwritten(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    assert not atomic.overwrite(str(path), b"four")
    path.write_bytes(b"abcd")
    link.symlink_to(path)
    assert not atomic.overwrite(str(path), b"three")
    assert not atomic.overwrite(str(link), b"four")
    assert path.read_bytes() == b"abcd"
    inode = path.stat().st_ino
    assert atomic.overwrite(str(path), b"four")
    assert (path.read_bytes(), path.stat().st_ino) == (b"four", inode)
    os.mkfifo(tmp_path / "fifo")
    assert not atomic.overwrite(str(tmp_path / "fifo"), b"")


def test_names_of_what_is_no_folder_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert atomic.names(str(tmp_path)) == ["file"]
    assert atomic.names(str(tmp_path / "none")) == []
    assert atomic.names(str(tmp_path / "file")) == []


@pytest.mark.parametrize(
    ("code", "kind", "hint"),
    [
        (errno.ENOSPC, StorageFailed, "the disk is full"),
        (errno.EMFILE, StorageFailed, "ulimit -n"),
        (errno.EIO, StorageFailed, "repeat the call"),
        (errno.EACCES, NotAllowed, "check who owns it"),
        (errno.EROFS, NotAllowed, "read-only"),
    ],
)
def test_an_error_of_the_system_becomes_one_line_that_says_what_where_and_why(
    code: int, kind: type[Exception], hint: str
) -> None:
    with pytest.raises(kind) as told, atomic.storage("submit"):
        raise OSError(code, os.strerror(code), "/some/where")
    assert str(told.value) == f"submit: {os.strerror(code)} (/some/where)"
    assert hint in told.value.hint  # type: ignore[attr-defined]


def test_any_other_error_passes_unchanged() -> None:
    with pytest.raises(BadUsage, match="mine"), atomic.storage("submit"):
        raise BadUsage("mine")
    with atomic.storage("submit"):
        pass


# --- fitness -------------------------------------------------------------------------------------------------


def test_a_file_system_that_is_fit_is_left_as_it_was(tmp_path: Path) -> None:
    check.fit(str(tmp_path))
    check.fit(str(tmp_path / "not" / "there" / "yet"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("module", "name", "double", "problem"),
    [
        (fcntl, "flock", lambda *_: None, "two processes could hold the same lock"),
        (os, "link", lambda one, other: None, "a link replaces an existing file"),
        (os, "rename", lambda one, other: None, "a rename over a file leaves the old name"),
    ],
    ids=["flock", "link", "rename"],
)
def test_a_file_system_that_is_not_fit_is_refused_with_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, double: object, problem: str
) -> None:
    monkeypatch.setattr(module, name, double)
    with pytest.raises(StorageFailed, match=f"this folder cannot hold a queue: {problem}"):
        check.fit(str(tmp_path))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_links_is_refused_with_the_words_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(one: str, other: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", other)

    monkeypatch.setattr(os, "link", no_link)
    with pytest.raises(StorageFailed, match="Operation not permitted"):
        check.fit(str(tmp_path))
    assert os.listdir(tmp_path) == []
