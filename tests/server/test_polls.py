"""A wait whose client leaves: whenever that is, no sign of it stays."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest

from agent_lanes.server import polls
from agent_lanes.server.feed import Feed
from agent_lanes.server.route import Pending, Reply
from agent_lanes.services.waiting import Sought
from agent_lanes.wiring import open_backend


class Sign:
    """What a listener leaves; making it waits until it may."""

    def __init__(self) -> None:
        self.begun, self.may, self.gone = threading.Event(), threading.Event(), threading.Event()
        self.there = False

    def __enter__(self) -> None:
        self.begun.set()
        assert self.may.wait(60)
        self.there = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gone.set()


async def in_a_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


async def left(sign: Sign, *, while_it_is_made: bool) -> None:
    """Wait for what never comes, and leave."""
    sought = Sought(look=lambda: None, watch=None, due=lambda: None, attend=lambda: sign)
    pending = Pending(sought=sought, seconds=60, found=lambda _: Reply(), over=Reply)
    waiting = asyncio.ensure_future(polls.until(pending, Feed(open_backend("memory:")), in_a_thread))
    await asyncio.to_thread(sign.begun.wait, 60)
    if while_it_is_made:
        waiting.cancel()
        sign.may.set()
    else:
        sign.may.set()
        while not sign.there:
            await asyncio.sleep(0)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(sign.gone.wait, 60)


@pytest.mark.parametrize("while_it_is_made", [True, False])
def test_no_sign_of_a_client_that_has_left(while_it_is_made: bool) -> None:
    asyncio.run(left(Sign(), while_it_is_made=while_it_is_made))
