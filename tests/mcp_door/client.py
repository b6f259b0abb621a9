"""The official SDK's client, and the real server as a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from cli.process import PROGRAM, Command
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

PATIENCE_SECONDS = 120  # longer hangs: an error of the test run, never a measurement


@asynccontextmanager
async def connected(run: Command, *words: str) -> AsyncIterator[Client]:
    """A client of `agent-lanes mcp`, started in the project."""
    server = StdioServerParameters(command=PROGRAM, args=[*words, "mcp"], cwd=run.folder, env={"HOME": str(run.home)})
    async with Client(stdio_client(server)) as client:
        yield client


def talk(run: Command, conversation: Callable[[Client], Awaitable[None]], *words: str) -> None:
    """Hold a conversation with a server."""

    async def main() -> None:
        with anyio.fail_after(PATIENCE_SECONDS):
            async with connected(run, *words) as client:
                await conversation(client)

    anyio.run(main)


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """What a tool says; the test fails where it is an error."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """The error of a tool; the test fails where it is none."""
    result = await client.call_tool(name, arguments)
    assert result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    assert set(result.structured_content) == {"code", "message", "hint", "retryable"}
    return result.structured_content
