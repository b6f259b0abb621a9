"""What comes on stdin and is no message: answered, and the next line is served."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli.process import Command

NO_JSON, NO_MESSAGE = -32700, -32600
HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a test", "version": "1"},
    },
}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        *(("{", NO_JSON), ("garbage", NO_JSON), ("\x00", NO_JSON), ("[" * 5000, NO_JSON)),
        *(("[]", NO_MESSAGE), ('{"jsonrpc": "2.0"}', NO_MESSAGE), ('"x"', NO_MESSAGE)),
    ],
)
def test_a_line_that_is_no_message_is_answered_and_the_next_one_served(run: Command, line: str, code: int) -> None:
    sent = f"{line}\n{json.dumps(HELLO)}\n"
    answers = [json.loads(one) for one in run("mcp", stdin=sent.encode()).text.splitlines()]
    refused, hello = sorted(answers, key=lambda one: one["id"] is not None)
    assert (refused["id"], refused["error"]["code"]) == (None, code)
    assert hello["id"] == 1 and hello["result"]["serverInfo"]["name"] == "agent-lanes"


def test_what_was_asked_right_before_the_end_is_answered(run: Command) -> None:
    """The SDK alone gives up what it is at when stdin ends: some of twenty would be missing."""
    asked: list[dict[str, Any]] = [{"jsonrpc": "2.0", "method": "notifications/initialized"}]
    for id in range(2, 22):
        call = {"name": "list_tasks", "arguments": {}}
        asked.append({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call})
    sent = "".join(f"{json.dumps(one)}\n" for one in [HELLO, *asked])
    answers = [json.loads(one) for one in run("mcp", stdin=sent.encode()).text.splitlines()]
    assert sorted(one["id"] for one in answers if "id" in one) == list(range(1, 22))
