"""The watches under a blocked wait: woken by what matters, by nothing else, and leaving nothing behind."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes.backends.files import signals, watches
from agent_lanes.backends.files.watches import FolderWatch, KernelWatch, Poll
from backends.files.conftest import opened

LONG, SHORT = 60.0, 0.05
KINDS = pytest.mark.parametrize("kind", [KernelWatch, FolderWatch])
Kind = type[KernelWatch] | type[FolderWatch]

if not hasattr(fcntl, "F_NOTIFY"):
    assert not os.environ.get("CI"), "CI needs F_NOTIFY"
    pytest.skip("no F_NOTIFY here", allow_module_level=True)


def mask() -> set[signal.Signals | int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def linked(folder: Path, name: str) -> None:
    source = folder.parent / "prepared"
    source.write_text("x")
    os.link(source, folder / name)


def renamed(folder: Path, name: str) -> None:
    source = folder.parent / "prepared"
    source.write_text("x")
    source.rename(folder / name)


def written(folder: Path, name: str) -> None:
    (folder / name).write_text("x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "watched"
    made.mkdir()
    return made


@KINDS
@pytest.mark.parametrize("change", [linked, renamed, written])
def test_a_name_that_appears_wakes_a_watch_on_it(folder: Path, kind: Kind, change: Callable[[Path, str], None]) -> None:
    with kind(str(folder), ("wanted",)) as watch:
        change(folder, "wanted")
        assert watch.wait(LONG)


@KINDS
def test_each_writing_wakes_however_quickly_they_follow_one_another(folder: Path, kind: Kind) -> None:
    written(folder, "wanted")
    with kind(str(folder), ("wanted",)) as watch:
        for _ in range(50):
            written(folder, "wanted")
            assert watch.wait(LONG)


@KINDS
def test_other_names_do_not_wake(folder: Path, kind: Kind) -> None:
    with kind(str(folder), ("wanted",)) as watch:
        for change in (linked, renamed, written):
            change(folder, change.__name__)
        assert not watch.wait(SHORT)
        (folder / "linked").unlink()
        assert not watch.wait(SHORT)
        written(folder, "wanted")
        assert watch.wait(LONG)


@KINDS
def test_a_watch_ends_by_itself_when_the_time_is_over(folder: Path, kind: Kind) -> None:
    with kind(str(folder), ("wanted",)) as watch:
        for timeout in (0, 0.001):
            assert not watch.wait(timeout)


@KINDS
def test_of_many_threads_each_is_woken_by_what_it_watches(tmp_path: Path, kind: Kind) -> None:
    ready, woken = threading.Barrier(9), dict[int, bool]()

    def wait(number: int) -> None:
        with kind(str(tmp_path / str(number)), ("wanted",)) as watch:
            ready.wait()
            woken[number] = watch.wait(LONG if number % 2 else SHORT)

    for number in range(8):
        (tmp_path / str(number)).mkdir()
    threads = [threading.Thread(target=wait, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    ready.wait()
    for number in range(1, 8, 2):
        written(tmp_path / str(number), "wanted")
    for thread in threads:
        thread.join(LONG)
    assert woken == {number: bool(number % 2) for number in range(8)}


def test_a_watch_leaves_no_signal_behind_and_blocks_none(folder: Path) -> None:
    before = mask()
    with KernelWatch(str(folder), ("wanted",)):
        written(folder, "wanted")
        assert signal.SIGURG in mask()
        assert opened(folder) == [str(folder)]
    assert (mask(), opened(folder)) == (before, [])
    assert signal.SIGURG not in signal.sigpending()


def test_who_blocks_the_signal_for_purposes_of_their_own_finds_it_blocked(folder: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
    try:
        with KernelWatch(str(folder), ("wanted",)) as watch:
            written(folder, "wanted")
            assert watch.wait(LONG)
        assert signal.SIGURG in mask()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGURG})


def test_a_handler_of_the_program_is_never_called(folder: Path) -> None:
    called: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, frame: called.append(number))
    try:
        for _ in range(20):
            with KernelWatch(str(folder), ("wanted",)) as watch:
                written(folder, "wanted")
                assert watch.wait(LONG)
                written(folder, "wanted")
    finally:
        signal.signal(signal.SIGURG, before)
    assert called == []


def test_there_may_be_more_watches_than_inotify_has_instances(folder: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    many = []
    try:
        for _ in range(min(limit + 50, 500)):
            many.append(signals.watch(str(folder), ("wanted",)))
        assert {type(watch) for watch in many} == {KernelWatch}
    finally:
        for watch in many:
            watch.__exit__(None, None, None)


@pytest.mark.parametrize("there", ["file", "nothing"])
def test_what_is_no_folder_is_polled(tmp_path: Path, there: str) -> None:
    before = mask()
    if there == "file":
        (tmp_path / there).write_text("x")
    assert isinstance(signals.watch(str(tmp_path / there), ("wanted",)), Poll)
    with pytest.raises(OSError):
        KernelWatch(str(tmp_path / there), ("wanted",))
    assert (mask(), opened(tmp_path)) == (before, [])


def test_where_the_kernel_has_no_such_watch_watchdog_is_used_and_without_it_the_wait_polls(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with signals.watch(str(folder), ("wanted",)) as watch:
        assert isinstance(watch, KernelWatch)
    before = mask()
    monkeypatch.setattr(watches.fcntl, "F_NOTIFY", 12345)  # as under a kernel without it
    with pytest.raises(OSError):
        KernelWatch(str(folder), ("wanted",))
    assert (mask(), opened(folder)) == (before, [])
    monkeypatch.delattr(watches.fcntl, "DN_CREATE")  # as on a system without it
    with signals.watch(str(folder), ("wanted",)) as watch:
        assert isinstance(watch, FolderWatch)
    monkeypatch.setitem(sys.modules, "watchdog.events", None)  # as where it is not installed
    with signals.watch(str(folder), ("wanted",)) as watch:
        assert isinstance(watch, Poll)
