"""The same tools over streamable HTTP, below /mcp of `serve`; its token is asked for there, too."""

from __future__ import annotations

import anyio
import httpx2
from cli.process import Command
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from server.client import Client as Http
from server.client import serving

from mcp_door.client import PATIENCE_SECONDS, call, refused


def talk(http: Http, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def main() -> None:
        with anyio.fail_after(PATIENCE_SECONDS):
            async with (
                httpx2.AsyncClient(headers=headers) as by,
                Client(streamable_http_client(f"http://127.0.0.1:{http.port}/mcp", http_client=by)) as client,
            ):
                sent = await call(client, "submit_task", lane="l", prompt="p")
                taken = await call(client, "claim_next", lane="l", wait_seconds=30)
                token = {"task_id": sent["task_id"], "claim_token": taken["claim_token"]}
                await call(client, "respond", **token, body="fine")
                answer = await call(client, "wait_for_response", task_id=sent["task_id"])
                assert (answer["status"], answer["body"]) == ("completed", "fine")
                assert (await refused(client, "get_task", task_id="nope"))["code"] == "not_found"
                secret = await refused(client, "submit_task", lane="l", request_path="handoff/state/serve.token")
                assert secret["code"] == "not_allowed" and "lies inside the store" in secret["message"]

    anyio.run(main)


def test_a_client_with_the_token_uses_every_tool(run: Command) -> None:
    with serving(run) as http:
        talk(http, http.token)


def test_without_the_token_nothing_is_served(run: Command) -> None:
    with serving(run) as http:
        message = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
        wanted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        for shown in ({}, {"Authorization": "Bearer wrong"}):
            status, answer = Http(http.port, http.server).send("POST", "/mcp", message, {**wanted, **shown})
            assert (status, answer["code"]) == (401, "unauthorized")
