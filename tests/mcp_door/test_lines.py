"""What comes on stdin and is no message: answered, and the next line is served."""

from __future__ import annotations

import io
import json
import os
import subprocess
from typing import Any

import pytest
from cli.process import PATIENCE_SECONDS, PROGRAM, USAGE, Command

from agent_lanes.mcp.lines import LONGEST_BYTES, TOO_LONG, Lines, own

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


def test_a_line_that_is_too_long_is_passed_over_and_the_next_one_served(run: Command) -> None:
    asked = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "x" * LONGEST_BYTES}}
    sent = f"{json.dumps(asked)}\n{json.dumps(HELLO)}\n"
    answers = [json.loads(one) for one in run("mcp", stdin=sent.encode()).text.splitlines()]
    refused, hello = sorted(answers, key=lambda one: one["id"] is not None)
    assert refused["error"] == {"code": NO_MESSAGE, "message": "a line of more than 64 MiB was passed over"}
    assert hello["id"] == 1 and "result" in hello


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"12345678\n", ["12345678\n"]),
        (b"12345678", ["12345678"]),
        (b"123456789\n1\n", [TOO_LONG, "1\n"]),
        (b"123456789", [TOO_LONG]),
        (b"x" * (3 << 20) + b"\n\n\xff\n", [TOO_LONG, "\n", "\ufffd\n"]),
    ],
)
def test_a_line_is_read_up_to_the_limit_and_no_further(content: bytes, lines: list[str]) -> None:
    read = Lines(io.BytesIO(content), longest_bytes=8)
    assert list(iter(read.readline, "")) == lines


@pytest.mark.parametrize("name", ["stdin", "stdout"])
def test_without_a_client_it_says_so(run: Command, name: str) -> None:
    closed = "<&-" if name == "stdin" else ">&-"
    words = ("sh", "-c", f'exec "$0" mcp {closed}', PROGRAM)
    done = subprocess.run(words, cwd=run.folder, env=run.environment(), capture_output=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == USAGE and done.stderr.startswith(f"agent-lanes: mcp: {name} is closed".encode())


def test_what_reads_the_same_descriptor_takes_none_of_the_clients_words() -> None:
    descriptor, other_end = os.pipe()
    os.write(other_end, b"words\n")
    os.close(other_end)
    file = own(descriptor)
    assert os.read(descriptor, 100) == b"" and file.readline() == b"words\n"
    os.close(file.fileno())
    os.close(descriptor)
