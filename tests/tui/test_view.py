"""What `top` shows, and that it keeps up with the queue."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from agent_lanes.api import Queue
from agent_lanes.core import ledger
from agent_lanes.core.ledger import Entry
from agent_lanes.core.task import Task
from agent_lanes.core.times import DAY
from tui.conftest import View

HOSTILE = "evil \x1b[31mred\x07 [bold]markup[/bold] [/] \u202egnp.exe \x9b2J\r\nnext"


def test_lanes_and_tasks_stand_on_the_screen(queue: Queue, look: Callable[..., None]) -> None:
    queue.submit("review", prompt="Look at the parser", metadata={"required_vendor": "codex"})
    queue.submit("docs", prompt="Write it down")
    claimed = queue._service.claim_next("docs", owner="gemini-1")
    assert claimed is not None

    async def story(view: View) -> None:
        await view.until(lambda: len(view.tasks()) == 2)
        assert view.tasks()[0] == claimed.id, "what is claimed stands on top"
        assert view.lanes() == ["docs", "review"]
        for words in ("Look at the parser", "→ codex", "gemini-1", "claimed", "queued", "1/3", "1 ready · 1 claimed"):
            assert words in view.text(), words

    look(story)


def test_what_others_do_is_shown_without_a_key(queue: Queue, look: Callable[..., None]) -> None:
    async def story(view: View) -> None:
        await view.until(lambda: "nothing to do" in view.text())
        id = queue.submit("review", prompt="Look at the parser")
        await view.until(lambda: view.tasks() == [id])
        taken = queue._service.claim_next("review", owner="codex-1")
        await view.until(lambda: "codex-1" in view.text())
        assert taken is not None and taken.claim is not None
        queue._service.event(id, type="progress", message="half of it", token=taken.claim.token)
        await view.until(lambda: "half of it" in view.text())
        queue._service.respond(id, "done", token=taken.claim.token)
        await view.until(lambda: "completed" in view.text())

    look(story)


def test_a_dependency_that_ends_frees_what_waits_for_it(queue: Queue, look: Callable[..., None]) -> None:
    first = queue.submit("build", prompt="first")
    queue.submit("build", prompt="then", depends_on=[first])

    async def story(view: View) -> None:
        await view.until(lambda: "blocked" in view.text())
        taken = queue._service.claim_next("build")
        assert taken is not None and taken.claim is not None
        queue._service.respond(first, "done", token=taken.claim.token)
        await view.until(lambda: "blocked" not in view.text() and "queued" in view.text())

    look(story)


def test_the_cursor_stays_on_its_task_while_rows_come_and_go(queue: Queue, look: Callable[..., None]) -> None:
    ids = [queue.submit("review", prompt=f"number {number}") for number in range(5)]

    async def story(view: View) -> None:
        await view.until(lambda: len(view.tasks()) == 5)
        await view.press("down", "down", "down")
        under = view.top._tasks.under
        assert under == ids[3]
        queue._service.claim_next("review")
        await view.until(lambda: "claimed" in view.text())
        queue.submit("review", prompt="urgent", priority=0)
        await view.until(lambda: len(view.tasks()) == 6)
        assert view.top._tasks.under == under

    look(story)


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (40, 10), (20, 5)])
def test_nothing_of_a_task_steers_the_terminal(queue: Queue, look: Callable[..., None], size: tuple[int, int]) -> None:
    id = queue.submit("review", prompt=HOSTILE, source_agent="claude")
    taken = queue._service.claim_next("review", owner="codex-1")
    assert taken is not None and taken.claim is not None
    queue._service.event(id, type="progress", message=HOSTILE, token=taken.claim.token)

    def plain(text: str) -> bool:
        return all(char.isprintable() or char == "\n" for char in text)

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        assert plain(view.text())
        await view.press("enter")
        assert plain(view.text())
        if size[0] >= 80:
            assert r"\x1b[31mred" in view.text() and "[bold]markup[/bold]" in view.text()
        await view.press("escape", "c")
        assert plain(view.text())

    look(story, size)


def test_only_what_is_asked_for_is_shown(queue: Queue, look: Callable[..., None]) -> None:
    parser = queue.submit("review", prompt="Look at the parser")
    docs = queue.submit("docs", prompt="Write it down")
    failed = queue.submit("docs", prompt="Fail")
    queue.cancel(failed)

    async def story(view: View) -> None:
        await view.until(lambda: len(view.tasks()) == 3)
        await view.press("slash", *"parser", "enter")
        assert view.tasks() == [parser]
        await view.press("escape")
        assert len(view.tasks()) == 3
        await view.press("s")
        assert set(view.tasks()) == {parser, docs} and "only open" in view.text()
        await view.press("escape", "shift+tab", "enter")
        assert set(view.tasks()) == {docs, failed} and "only lane docs" in view.text()

    look(story)


def test_lane_and_state_may_be_given_at_the_start(queue: Queue, look: Callable[..., None]) -> None:
    queue.submit("review", prompt="Look at the parser")
    docs = queue.submit("docs", prompt="Write it down")

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [docs])

    look(story, lane="docs", state="open")


def test_a_page_tells_request_history_and_answer_and_keeps_up(queue: Queue, look: Callable[..., None]) -> None:
    id = queue.submit("review", prompt="Look at the parser", request="the whole request")

    async def story(view: View) -> None:
        await view.until(lambda: view.tasks() == [id])
        await view.press("enter")
        await view.until(lambda: "the whole request" in view.text() and "HISTORY" in view.text())
        queue._service.respond(id, "this is the answer")
        await view.until(lambda: "this is the answer" in view.text())
        await view.press("escape")
        await view.until(lambda: "completed" in view.text())

    look(story)


def test_who_listens_is_told(queue: Queue, look: Callable[..., None]) -> None:
    from agent_lanes.services import presence

    queue.submit("docs", prompt="Write it down")
    with presence.attending(queue._service.backend, "review", vendor="codex", owner="codex-1", kind="dispatcher"):

        async def story(view: View) -> None:
            await view.until(lambda: view.lanes() == ["docs", "review"])
            await view.until(lambda: "codex on review: dispatcher by" in view.text())
            await view.press("a")
            assert "who is there" in view.text()

        look(story, (140, 40))


def test_a_store_that_is_not_there_yet_is_shown_once_it_is(queue: Queue, look: Callable[..., None]) -> None:
    async def story(view: View) -> None:
        await view.until(lambda: "nothing to do" in view.text())
        queue.submit("review", prompt="Look at the parser")
        await view.until(lambda: "Look at the parser" in view.text())

    look(story)


def spent(task: str, lane: str, vendor: str, cost: float | None, at: int) -> Entry:
    return ledger.entry_of(
        Task(
            id=task, lane=lane, workspace_id="w", workspace_root="/", correlation_id="c", source_agent="s",
            created_at=0, sequence=0, metadata={},
        ),
        at=at, epoch=1, outcome="answered", details={"vendor": vendor, "cost_usd": cost},
    )  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
def test_what_agents_took_today_is_told_by_lane_and_vendor(
    queue: Queue, look: Callable[..., None], size: tuple[int, int]
) -> None:
    backend = queue._service.backend
    now = backend.now().wall
    for number, (lane, vendor, cost) in enumerate([("review", "claude", 0.3), ("review", "codex", 0.12)]):
        backend.enter(spent(f"t{number}", lane, vendor, cost, now))
    backend.enter(spent("t8", "docs", "codex", None, now))
    backend.enter(spent("t9", "docs", "codex", 40.0, now - 2 * DAY))

    async def story(view: View) -> None:
        await view.until(lambda: "0.42+ USD today" in view.text())
        backend.enter(spent("t2", "docs", "codex", 1.0, now))
        queue.submit("docs", prompt="Write it down")
        queue.submit("review", prompt="Look at it")
        await view.until(lambda: "1.42+ USD today" in view.text())
        for lane, cost in (("docs", "1.00+"), ("review", "0.42")):
            await view.until(lambda: re.search(rf"^{lane} .* {re.escape(cost)} ", view.text(), re.MULTILINE))  # noqa: B023
        if size[0] < 120:
            await view.press("a")
        assert "claude: 0.30 USD, 1 attempt" in view.text()
        assert "codex: 1.12+ USD, 3 attempts" in view.text()

    look(story, size)
