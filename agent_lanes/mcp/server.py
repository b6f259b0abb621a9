"""The tools, resources and prompts of one queue on the official SDK: the only door to `mcp`.

    stdio(session)    serve one client on stdin and stdout, until it leaves
    mount(session)    an ASGI application, streamable HTTP, for `serve`
    server(desk)      the SDK's server, for every transport

A call that waits is cut into short sleeps, each in a thread of its own pool: between two of them the client is told
of progress, and a call that was given up leaves nothing behind but the rest of one sleep. A task is claimed after
the wait, in one short step that nobody can interrupt; if the client is gone by then, the task goes back.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from agent_lanes import __version__, guide
from agent_lanes.core.jsontext import dumps
from agent_lanes.errors import AgentLanesError, BadUsage, NotFound
from agent_lanes.mcp import calls, lines
from agent_lanes.mcp.arguments import checked, schema
from agent_lanes.mcp.tools import TOOLS, Tool, tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.wiring import Session

SLEEP_SECONDS = 5.0
GRACE_SECONDS = 2.0  # for what a client asked right before it left
MOST_CALLS_AT_ONCE = 256
SCHEME = "agent-lanes://task/"
PATH = "/mcp"
INSTRUCTIONS = (
    "A queue between coding agents. To hand work over: submit_task, then wait_for_response until it is not pending. "
    "To take work on: claim_next, do what input says, report_progress now and then, respond."
)


def stdio(session: Session) -> int:
    """Serve one client on stdin and stdout until it leaves; the exit code. Raises BadUsage where either is closed."""
    for name in ("stdin", "stdout"):
        if getattr(sys, name) is None:
            raise BadUsage(f"mcp: {name} is closed: a client writes to stdin and reads from stdout")
    door = server(calls.Desk(session))
    stdin: Any = anyio.wrap_file(lines.Lines(lines.own(0)))  # type: ignore[arg-type]  # the SDK reads lines alone

    async def run() -> None:
        async with stdio_server(stdin) as (incoming, outgoing), anyio.create_task_group() as tasks:
            line = Line(incoming, outgoing)
            told, answers = anyio.create_memory_object_stream[Any]()
            passed_on, messages = anyio.create_memory_object_stream[Any]()
            tasks.start_soon(line.sifted, passed_on)
            tasks.start_soon(line.answered, answers)
            await door.run(messages, told, door.create_initialization_options())
            tasks.cancel_scope.cancel()
            outgoing.close()  # its writer goes on until then

    anyio.run(run)
    return 0


class Line:
    """One client's messages and the answers to them, each counted: what was asked before the end is still answered."""

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._open, self._changed = set[str | int](), anyio.Event()

    async def sifted(self, passed_on: Any) -> None:
        """Pass on what is a message; a line that is none is answered, which the SDK leaves out (JSON-RPC 2.0, 5.1)."""
        async with passed_on:
            async for one in self._incoming:
                if isinstance(one, Exception):
                    refusal = types.JSONRPCError(jsonrpc="2.0", id=None, error=_refusal(one))
                    await self._outgoing.send(SessionMessage(refusal))
                    continue
                if isinstance(one.message, types.JSONRPCRequest):
                    self._open.add(one.message.id)
                await passed_on.send(one)
            with anyio.move_on_after(GRACE_SECONDS):  # the SDK gives up what it is at as soon as this stream ends
                while self._open:
                    self._changed = anyio.Event()
                    await self._changed.wait()

    async def answered(self, answers: Any) -> None:
        """Pass on what the server says."""
        async for one in answers:
            await self._outgoing.send(one)
            if isinstance(one.message, types.JSONRPCResponse | types.JSONRPCError):
                self._open.discard(one.message.id)
                self._changed.set()


def _refusal(wrong: Exception) -> types.ErrorData:
    """What is told of a line that was too long, or is no JSON, or of JSON that is no message."""
    found = wrong.errors() if isinstance(wrong, ValidationError) else []
    if any(one["input"] == lines.TOO_LONG for one in found):
        return types.ErrorData(code=types.INVALID_REQUEST, message=f"{lines.TOO_LONG.strip()} was passed over")
    is_json = bool(found) and all(one["type"] != "json_invalid" for one in found)
    code = types.INVALID_REQUEST if is_json else types.PARSE_ERROR
    return types.ErrorData(code=code, message="this line is no JSON-RPC message")


def mount(session: Session) -> tuple[str, Callable[..., Any], AbstractAsyncContextManager[None]]:
    """The path below which `serve` lets it answer, the application, and what is entered while that runs.

    Host, Origin and token are those of `serve`, which looks at them before.
    """
    manager = StreamableHTTPSessionManager(server(calls.Desk(session, remote=True)))
    return PATH, manager.handle_request, manager.run()


def server(desk: calls.Desk) -> Server[Any]:
    """The SDK's server with everything that a client of this queue sees."""
    door = Door(desk)
    return Server(
        "agent-lanes",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=door.tools,
        on_call_tool=door.call,
        on_list_resources=door.resources,
        on_list_resource_templates=door.templates,
        on_read_resource=door.read,
        on_list_prompts=door.prompts,
        on_get_prompt=door.prompt,
    )


class Door:
    """The handlers that the SDK calls."""

    def __init__(self, desk: calls.Desk) -> None:
        self.desk = desk
        self._threads = anyio.CapacityLimiter(MOST_CALLS_AT_ONCE)

    # --- tools -----------------------------------------------------------------------------------------------

    async def tools(self, ctx: Any, params: Any) -> types.ListToolsResult:
        """All of them."""
        listed = [
            types.Tool(
                name=one.name,
                description=one.description,
                input_schema=dict(schema(one.arguments)),
                annotations=types.ToolAnnotations(read_only_hint=True) if one.reads else None,
            )
            for one in TOOLS
        ]
        return types.ListToolsResult(tools=listed)

    async def call(self, ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run one; what is refused comes back as an object with code, message, hint and retryable."""
        chosen = tool(params.name)
        if chosen is None:
            raise MCPError(types.INVALID_PARAMS, f"unknown tool: {params.name}")
        try:
            told = await self._run(chosen, checked(chosen.arguments, params.arguments or {}), ctx)
        except AgentLanesError as wrong:
            return _result(_problem(wrong), wrong=True)
        return _result(told)

    async def _run(self, chosen: Tool, given: dict[str, Any], ctx: Any) -> JsonObject:
        if chosen.look is None:
            assert chosen.call is not None
            told: JsonObject = await self._thread(chosen.call, given)
            return told
        began = time.monotonic()
        end = began + given.pop("wait_seconds", chosen.default_wait_seconds)
        while True:
            left = max(0.0, end - time.monotonic())
            found: JsonObject | None = await self._thread(chosen.look, given, min(left, SLEEP_SECONDS))
            if found is not None and chosen.call is not None:
                found = await self._taken(chosen.call, given)  # None: somebody was faster
            if found is not None:
                return found
            if left == 0:
                assert chosen.nothing is not None
                pending: JsonObject = await self._thread(chosen.nothing, given)
                return pending
            await ctx.session.report_progress(time.monotonic() - began, message=f"{chosen.name}: still waiting")

    async def _taken(self, call: Callable[..., Any], given: dict[str, Any]) -> JsonObject | None:
        with anyio.CancelScope(shield=True):
            found: JsonObject | None = await self._thread(call, given)
        try:
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            if found is not None:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(calls.give_back, self.desk, found, limiter=self._threads)
            raise
        return found

    async def _thread(self, call: Callable[..., Any], given: dict[str, Any], *more: float) -> Any:
        return await anyio.to_thread.run_sync(
            lambda: call(self.desk, dict(given), *more), limiter=self._threads, abandon_on_cancel=True
        )

    # --- resources -------------------------------------------------------------------------------------------

    async def resources(self, ctx: Any, params: Any) -> types.ListResourcesResult:
        """The newest unfinished tasks; every other is found by its id."""
        found = await self._thread(calls.several, {})
        listed = [
            types.Resource(name=task["id"], uri=SCHEME + task["id"], description=f"{task['lane']}: {task['state']}")
            for task in found["tasks"]
        ]
        return types.ListResourcesResult(resources=listed)

    async def templates(self, ctx: Any, params: Any) -> types.ListResourceTemplatesResult:
        """A task, and its answer."""
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(name="task", uri_template=SCHEME + "{id}", mime_type="application/json"),
                types.ResourceTemplate(name="response", uri_template=SCHEME + "{id}/response", mime_type="text/plain"),
            ]
        )

    async def read(self, ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """The record of a task, or the body of its answer."""
        uri = str(params.uri)
        id, _, what = uri.removeprefix(SCHEME).partition("/")
        try:
            if not uri.startswith(SCHEME) or what not in ("", "response"):
                raise NotFound(f"no such resource: {uri}", hint=f"{SCHEME}ID or {SCHEME}ID/response")
            text, kind = await self._thread(_resource, {"task_id": id, "what": what})
        except AgentLanesError as wrong:
            raise MCPError(types.INVALID_PARAMS, wrong.message, _problem(wrong)) from None
        content = types.TextResourceContents(uri=uri, text=text, mime_type=kind)
        return types.ReadResourceResult(contents=[content])

    # --- prompts ---------------------------------------------------------------------------------------------

    async def prompts(self, ctx: Any, params: Any) -> types.ListPromptsResult:
        """One for each role."""
        words = [types.PromptArgument(name="lane"), types.PromptArgument(name="vendor")]
        listed = [
            types.Prompt(name=role, description=f"makes you the {role} of this queue", arguments=words)
            for role in guide.PROMPTS
        ]
        return types.ListPromptsResult(prompts=listed)

    async def prompt(self, ctx: Any, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """The text of `agent-lanes prompt ROLE`."""
        if params.name not in guide.PROMPTS:
            raise MCPError(types.INVALID_PARAMS, f"unknown prompt: {params.name}")
        said = params.arguments or {}
        lane, vendor = said.get("lane", "default"), said.get("vendor", "any")
        try:
            text = guide.prompt(self.desk.session, params.name, lane=lane, vendor=vendor, owner=None)
        except AgentLanesError as wrong:
            raise MCPError(types.INVALID_PARAMS, wrong.message, _problem(wrong)) from None
        content = types.TextContent(type="text", text=text)
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])


def _resource(desk: calls.Desk, given: dict[str, Any]) -> tuple[str, str]:
    snapshot = desk.service.read(given["task_id"])
    if not given["what"]:
        return dumps(desk.service.status(snapshot)), "application/json"
    if snapshot.response is None:
        raise NotFound(f"task {snapshot.id} has no answer yet", hint="wait_for_response")
    return snapshot.response.body, "text/plain"


def _problem(wrong: AgentLanesError) -> JsonObject:
    return {"code": wrong.code, "message": wrong.message, "hint": wrong.hint, "retryable": wrong.retryable}


def _result(told: JsonObject, *, wrong: bool = False) -> types.CallToolResult:
    content = types.TextContent(type="text", text=dumps(told))
    return types.CallToolResult(content=[content], structured_content=told, is_error=wrong)
