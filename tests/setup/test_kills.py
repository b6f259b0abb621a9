"""setup killed before each of its steps that change something: every file is the old or the new one, and comes back."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes.setup.engine import Setup
from agent_lanes.wiring import Session

pytestmark = pytest.mark.slow

CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod")
NOTES, AGENTS = "Mine, without an end", ("claude", "codex")


def changes_something(event: str, values: tuple[object, ...]) -> bool:
    return event in CHANGES or (event == "open" and isinstance(values[2], int) and bool(values[2] & os.O_CREAT))


def killed_before(step: int, work: Callable[[], None]) -> bool:
    """Do the work in a process that ends, at once, before that step; whether it came so far."""
    pid = os.fork()
    if pid:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code in (0, 9), "it failed"
        return code == 9
    left = step

    def hook(event: str, values: tuple[object, ...]) -> None:
        nonlocal left
        if changes_something(event, values):
            left -= 1
            if left < 0:
                os._exit(9)

    try:
        sys.addaudithook(hook)
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def install(version: str = "") -> None:
    setup = Setup(Session(), "user")
    if version:  # what an older version of the package had said
        from agent_lanes.setup import texts

        texts.note = lambda command: version
    setup.apply(setup.install(AGENTS))


def uninstall() -> None:
    setup = Setup(Session(), None)
    setup.apply(setup.uninstall(()))


def there(home: Path) -> dict[str, bytes]:
    """Every file; folders that are empty do not count, those for the records may be left by a kill."""
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.delenv("CODEX_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "home/.codex").mkdir(parents=True)
    (tmp_path / "home/.codex/AGENTS.md").write_text(NOTES)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.mark.parametrize("how", ["first", "refreshed", "taken out"])
def test_setup_killed_anywhere_leaves_nothing_that_cannot_be_taken_out(home: Path, how: str) -> None:
    before, step, goes_on = there(home), 0, True
    while goes_on:
        if how != "first":
            assert not killed_before(10**9, lambda: install("Old." if how == "refreshed" else ""))
        goes_on = killed_before(step, uninstall if how == "taken out" else install)
        notes = (home / ".codex/AGENTS.md").read_text()
        assert notes.startswith(NOTES) and (notes == NOTES or notes.endswith("agent-lanes:end -->\n")), step
        if step % 2:  # the same again first, or not
            assert not killed_before(10**9, install)
            assert Setup(Session(), None).check(()), "it is there"
            assert {change.status for change in Setup(Session(), None).check(())} == {"current"}, step
        assert not killed_before(10**9, uninstall)
        assert there(home) == before, step
        step += 1
    assert step > 10
