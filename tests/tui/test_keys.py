"""What the keys of `top` do, and that they ask before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent_lanes.api import Queue
from agent_lanes.errors import NotFound
from agent_lanes.tui import opening
from tui.conftest import View


def test_a_task_is_cancelled_only_once_that_is_confirmed(queue: Queue, look: Callable[..., None]) -> None:
    id = queue.submit("review", prompt="Look at the parser")

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        for no in ("n", "escape", "enter"):
            await view.press("c")
            assert "Cancel this task?" in view.text()
            await view.press(no)
            assert queue.status(id)["state"] == "queued"
        await view.press("c", "y")
        await view.until(lambda: queue.status(id)["state"] == "cancelled")
        await view.until(lambda: "cancelled" in view.text())

    look(story)


def test_a_finished_task_is_done_once_more(queue: Queue, look: Callable[..., None]) -> None:
    id = queue.submit("review", prompt="Look at the parser")
    queue.cancel(id)

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        await view.press("r", "y")
        await view.until(lambda: len(view.tasks()) == 2)
        new = next(one for one in view.tasks() if one != id)
        assert queue.status(new)["retry_of"] == id

    look(story)


def test_a_task_is_held_and_let_go_on(queue: Queue, look: Callable[..., None]) -> None:
    id = queue.submit("review", prompt="Look at the parser")

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        await view.press("h")
        await view.until(lambda: "1 on hold" in view.text())
        await view.press("h")
        await view.until(lambda: "1 ready" in view.text())

    look(story)


def test_a_lane_is_held_once_that_is_confirmed_and_let_go_on(queue: Queue, look: Callable[..., None]) -> None:
    id = queue.submit("review", prompt="Look at the parser")

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        await view.press("H")
        assert "Put lane review on hold?" in view.text()
        await view.press("n")
        assert not queue._service.backend.holds()
        await view.press("H", "y")
        await view.until(lambda: "ON HOLD" in view.text())
        await view.press("H")
        await view.until(lambda: "ON HOLD" not in view.text())

    look(story)


def test_a_refusal_is_told_and_nothing_else_happens(queue: Queue, look: Callable[..., None]) -> None:
    id = queue.submit("review", prompt="Look at the parser")

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        await view.press("r", "y")
        await view.until(lambda: "cannot retry" in view.text())
        assert view.tasks() == [id]

    look(story)


def test_keys_do_nothing_where_there_is_no_task(queue: Queue, look: Callable[..., None]) -> None:
    async def story(view: View) -> None:
        await view.until(lambda: "nothing to do" in view.text())
        await view.press("c", "r", "h", "H", "v", "e", "enter", "s", "question_mark")
        assert "leave" in view.text()
        await view.press("q")
        assert "leave" not in view.text()

    look(story)


def test_a_pager_gets_what_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tmp_path / "shown"
    monkeypatch.setenv("PAGER", f"tee {shown}")
    opening.in_pager("evil \\x1b")
    assert shown.read_text() == "evil \\x1b"


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor --wait")
    with pytest.raises(NotFound, match="EDITOR: no-such-editor"):
        opening.in_editor("/tmp/x")


def test_the_editor_opens_the_users_files_and_none_of_the_store(queue: Queue, tmp_path: Path) -> None:
    stored = queue.submit("review", request="kept in the store")
    with pytest.raises(NotFound, match="no file of its own"):
        opening.own_file(queue._service.read(stored))
