"""A queue on either backend, and the live view on it, driven by Textual's pilot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent_lanes.api import Queue

pytest.importorskip("textual", reason="textual is not installed")

from textual.pilot import Pilot

from agent_lanes.services.looks import Looks
from agent_lanes.tui.app import Top
from agent_lanes.tui.tables import Lanes, Tasks

PATIENCE_SECONDS = 30.0


class View:
    """`top` on a queue, and what stands on its screen."""

    def __init__(self, top: Top, pilot: Pilot[None]) -> None:
        self.top, self.pilot = top, pilot

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait for it."""
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not true():
            assert asyncio.get_running_loop().time() < end, what or self.text()
            await self.pilot.pause(0.02)

    async def press(self, *keys: str) -> None:
        """Press keys, and let them be seen to."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def text(self) -> str:
        """What can be read."""
        lines = self.top.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in lines)

    def tasks(self) -> list[str]:
        """The ids of the rows, from above."""
        return list(self.top.screen_stack[0].query_one(Tasks)._keys)

    def lanes(self) -> list[str]:
        """The lanes, from above."""
        return list(self.top.screen_stack[0].query_one(Lanes)._keys)


Story = Callable[[View], Awaitable[None]]


@pytest.fixture(params=["memory", "files"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Queue:
    """An empty queue."""
    return Queue.open("memory:" if request.param == "memory" else str(tmp_path / "store"))


@pytest.fixture
def look(queue: Queue) -> Callable[..., None]:
    """`look(story, size=(80, 24))`: run `top` on the queue while the story is told."""

    def run(story: Story, size: tuple[int, int] = (80, 24), **asked: str) -> None:
        async def told() -> None:
            top = Top(Looks(queue._service.backend), **asked)
            async with top.run_test(size=size, notifications=True) as pilot:
                await story(View(top, pilot))

        asyncio.run(told())

    return run
