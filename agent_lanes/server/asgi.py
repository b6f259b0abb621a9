"""The ASGI application: requests to routes, with a coroutine for whoever waits and a few threads for the store.

app = Application(routes, rules)
app.mount("/mcp", other, running)       another ASGI application below a path; same Host, Origin and token
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor

from agent_lanes.core.jsontext import dumps
from agent_lanes.errors import AgentLanesError, BadData
from agent_lanes.server import guard, polls
from agent_lanes.server.feed import Feed
from agent_lanes.server.limits import BODY_SECONDS, Bodies, SlowBody
from agent_lanes.server.route import Pending, Reply, Request, Stream, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
    from contextlib import AbstractAsyncContextManager
    from typing import Any, TypeVar

    from agent_lanes.server.guard import Guard
    from agent_lanes.server.pages import Pages
    from agent_lanes.server.route import Outcome
    from agent_lanes.server.routes import Routes

    T = TypeVar("T")
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

THREADS = 16


class Left(Exception):
    """The client has gone; nobody wants an answer."""


class Application:
    """One queue over ASGI 3."""

    def __init__(self, routes: Routes, rules: Guard, pages: Pages, ready: Callable[[], None]) -> None:
        self._routes, self._rules, self._pages, self._ready = routes, rules, pages, ready
        self._mounts: dict[str, tuple[Asgi, AbstractAsyncContextManager[object]]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self._bodies = Bodies()

    def mount(self, path: str, app: Asgi, running: AbstractAsyncContextManager[object]) -> None:
        """Let another application answer below a path, such as `/mcp`; `running` is entered while the server runs."""
        self._mounts[path.strip("/")] = app, running

    def end(self) -> None:
        """The server ends: streams do, and what waits is answered as if its time were over."""
        self.feed.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._serve(scope, receive, send)
            except Left:
                pass

    async def _live(self, receive: Receive, send: Send) -> None:
        async with contextlib.AsyncExitStack() as stack:
            await receive()
            self.feed = Feed(self._routes.queue.backend)
            self.feed.start()
            for _, running in self._mounts.values():
                await stack.enter_async_context(running)
            await send({"type": "lifespan.startup.complete"})
            self._ready()
            await receive()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        close = True  # where a body ends nobody knows, nothing behind it can be taken for a request
        try:
            request = _request(scope)
            close = guard.endless(request.method, request.headers)
            is_open = self._routes.is_open(request) or self._pages.has(request)
            self._rules.admit(request.headers, is_open=is_open)
            mounted = self._mounts.get(request.parts[0])
            if mounted is not None:
                if request.method == "POST":
                    self._rules.length(request.headers)
                await mounted[0](scope, receive, send)
                return
            outcome: Outcome | None = self._pages.answer(request)
            if outcome is None:
                body = await self._body(request, receive)
                outcome = await self._outcome(request, body)
            if isinstance(outcome, Stream):
                await _while_there(self._stream(outcome, send), receive)
                return
            if isinstance(outcome, Pending):
                outcome = await _while_there(self._pending(outcome), receive)
            reply: Reply = outcome
        except SlowBody as wrong:
            reply, close = refusal(wrong), True
        except AgentLanesError as wrong:
            reply = refusal(wrong)
        except Left:
            raise
        except Exception as wrong:
            sys.stderr.write(f"agent-lanes serve: a defect: {type(wrong).__name__}: {wrong}\n")
            reply = refusal(AgentLanesError(f"a defect of agent-lanes: {type(wrong).__name__}: {wrong}"))
        await _send(send, reply, close=close, head=scope["method"] == "HEAD")

    async def _body(self, request: Request, receive: Receive) -> bytes:
        """What came along; the room that it takes is given back by `_outcome`. Raises as guard.length, TooMany."""
        if request.method != "POST":
            return b""
        length = self._rules.length(request.headers)
        self._bodies.take(length)
        try:
            return await _body(receive, length)
        except BaseException:
            self._bodies.give(length)
            raise

    async def _outcome(self, request: Request, body: bytes) -> Outcome:
        try:
            return await self._run(lambda: self._routes.answer(request.replace(body=guard.parsed(body))))
        finally:
            self._bodies.give(len(body))

    async def _pending(self, pending: Pending) -> Reply:
        found = await polls.until(pending, self.feed, self._run)
        return await self._run(lambda: pending.over() if found is None else pending.found(found))

    async def _stream(self, stream: Stream, send: Send) -> Reply:
        headers = [("Content-Type", "text/event-stream; charset=utf-8"), *guard.headers_of(200)]
        await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})
        async with contextlib.aclosing(polls.frames(stream, self._routes.queue.backend, self.feed, self._run)) as all:
            async for frame in all:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        raise Left

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def _while_there(work: Coroutine[Any, Any, Reply], receive: Receive) -> Reply:
    """Work on, unless the client leaves. Raises Left."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Left
    finally:
        leaving.cancel()
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError, AgentLanesError, Left):
            await working


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive, length: int) -> bytes:
    """All of a body. Raises BadData, TimedOut, Left."""
    parts = list[bytes]()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Left
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise SlowBody from None
    raw = b"".join(parts)
    if len(raw) != length:
        raise BadData("body: shorter than its Content-Length")
    return raw


def _request(scope: Scope) -> Request:
    """What the server has read of a request. Raises BadUsage."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    target = f"{scope['raw_path'].decode('latin-1')}?{scope['query_string'].decode('latin-1')}"
    parts, query = guard.address(target)
    return Request(method=scope["method"], parts=parts, query=query, headers=headers)


async def _send(send: Send, reply: Reply, *, close: bool, head: bool) -> None:
    text = dumps(reply.body) if reply.text is None else reply.text
    data = text.encode("utf-8", "backslashreplace")
    headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(data)))]
    headers += [*guard.headers_of(reply.status), *reply.headers, *([("Connection", "close")] if close else [])]
    await send({"type": "http.response.start", "status": reply.status, "headers": _raw(headers)})
    await send({"type": "http.response.body", "body": b"" if head else data})


def _raw(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
