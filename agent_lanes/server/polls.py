"""Waiting in coroutines: for what a Pending seeks, and for the events of a Stream.

As services.waiting.until, but woken by the feed, and ended by the client that leaves. Looks run in a few threads.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice

from agent_lanes.core.jsontext import dumps_line
from agent_lanes.errors import NotFound
from agent_lanes.server.feed import entry, position
from agent_lanes.services.waiting import pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from typing import Any, TypeVar

    from agent_lanes.ports import Backend
    from agent_lanes.server.feed import Entry, Feed
    from agent_lanes.server.route import Pending, Stream
    from agent_lanes.services.waiting import Sought

    T = TypeVar("T")
    Run = Callable[[Callable[[], T]], Awaitable[T]]

ALIVE_SECONDS = 15.0
AT_ONCE = 100


async def until(pending: Pending, feed: Feed, run: Run[Any]) -> Any:
    """What is sought, as soon as it is found; None if the time ran out first."""
    sought, loop = pending.sought, asyncio.get_running_loop()
    found = await run(sought.look)
    if found is not None or pending.seconds <= 0:
        return found
    end = loop.time() + pending.seconds
    async with _attending(sought, run):
        with feed.listening(sought.ids, sought.lane) as woken:
            while True:
                woken.clear()
                found, sleep = await run(partial(_look, sought))
                left = end - loop.time()
                if found is not None or left <= 0 or feed.ended:
                    return found
                await _sleep(woken, min(left, sleep))


@asynccontextmanager
async def _attending(sought: Sought, run: Run[Any]) -> AsyncIterator[None]:
    """The sign of who listens, for as long as that lasts."""
    if sought.attend is None:
        yield
        return
    here = sought.attend()

    def leave(entering: asyncio.Future[Any]) -> None:
        if not entering.cancelled() and entering.exception() is None:
            here.__exit__(None, None, None)  # two quick calls of the system, which a cancelled task can still do

    entering = asyncio.ensure_future(run(here.__enter__))
    try:
        await asyncio.shield(entering)
        yield
    finally:
        if entering.done():
            leave(entering)
        else:  # the client has left while a thread was making the sign
            entering.add_done_callback(leave)


async def frames(stream: Stream, backend: Backend, feed: Feed, run: Run[Any]) -> AsyncGenerator[bytes, None]:
    """The events of a stream as Server-Sent Events. Raises NotFound where its cursor is kept no more."""
    with feed.listening() as woken:
        cursor = stream.cursor or feed.cursor
        yield f"retry: 1000\nid: {cursor}\n\n".encode()
        while not feed.ended:
            woken.clear()
            entries = feed.after(position(cursor))
            if entries is None:
                try:
                    entries = await run(partial(_read, backend, cursor))
                except NotFound as wrong:
                    yield f"event: gap\ndata: {dumps_line({'error': wrong.message})}\n\n".encode()
                    entries = await run(partial(_read, backend, None))
            if entries:
                cursor = entries[-1].logged.cursor
                wanted = b"".join(one.frame for one in entries if stream.wanted(one.logged))
                if wanted:
                    yield wanted
            elif not await _sleep(woken, ALIVE_SECONDS):
                yield f"id: {cursor}\n: alive\n\n".encode()


def _look(sought: Sought) -> tuple[Any, float]:
    found = sought.look()
    return found, 0.0 if found is not None else pause(sought)


def _read(backend: Backend, cursor: str | None) -> list[Entry]:
    return [entry(line) for line in islice(backend.log(cursor), AT_ONCE)]


async def _sleep(woken: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
