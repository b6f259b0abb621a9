"""A store on disk under a clock that the test moves, and a look at all of its files at once."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from contracts.stores import BOOT, Clock, ClockedFileStore

Tree = dict[str, tuple[object, ...]]
Open = Callable[..., ClockedFileStore]


def tree(root: Path) -> Tree:
    """Every name below a folder with its kind, mode, times and content: whatever a change would change."""
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        for name in [".", *folders, *files]:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            content = Path(path).read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found[os.path.relpath(path, root)] = (
                status.st_mode,
                status.st_ino,
                status.st_mtime_ns,
                status.st_ctime_ns,
                status.st_nlink,
                content,
            )
    return found


def opened(folder: Path) -> list[str]:
    """What this process has open in a folder: no more, since what other tests have left open may go at any moment."""
    return [target for target in _targets() if target.startswith(str(folder))]


def _targets() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # closed since it was listed, such as the listing's own
            yield os.readlink(f"/proc/self/fd/{descriptor}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the stores that `open_store` opens."""
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", BOOT)
    return Clock()


@pytest.fixture
def same_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is of the boot that the clock of every store is of."""
    monkeypatch.setenv("AGENT_LANES_BOOT_ID", BOOT)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where an fsync costs nothing, if there is such a place: for tests that make hundreds of stores."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) as name:
        yield Path(name)


@pytest.fixture
def warnings() -> list[str]:
    """What the store warned of."""
    return []


@pytest.fixture
def open_store(tmp_path: Path, clock: Clock, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the store anew, as another process would: `open_store(boot="...")` after a reboot."""

    def open_it(boot: str | None = None) -> ClockedFileStore:
        if boot is not None:
            monkeypatch.setenv("AGENT_LANES_BOOT_ID", boot)
            clock.moment = clock.moment.replace(boot_id=boot, boottime=1_000_000)
        return ClockedFileStore(str(tmp_path / "state"), clock, warn=warnings.append)

    return open_it


@pytest.fixture
def store(open_store: Open) -> ClockedFileStore:
    """A store that does not exist yet."""
    return open_store()


@pytest.fixture
def root(store: ClockedFileStore) -> Path:
    """Its folder."""
    return Path(store.address)
