"""Receipts: what `wait` notes, once, and what it leaves alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agent_lanes import Queue
from cli.process import TIMED_OUT, Command


def types(run: Command, id: str) -> list[str]:
    return [json.loads(line)["type"] for line in run("events", id, "--json").text.splitlines()]


def receipts(run: Command, id: str) -> dict[str, Any]:
    found = run("status", id).json["receipts"]
    assert found == run("show", id, "--json").json["receipts"]
    assert isinstance(found, dict)
    return found


def submitted(run: Command) -> str:
    return run("submit", "--lane", "default", "request.md", "--quiet").line


def files(store: Path) -> dict[str, bytes]:
    """Everything in the store, by path."""
    found = (os.path.join(folder, name) for folder, _, names in os.walk(store) for name in names)
    return {path: Path(path).read_bytes() for path in found}


def test_a_wait_that_prints_a_task_or_an_answer_says_so_once(run: Command, store: Path) -> None:
    id = submitted(run)
    assert receipts(run, id)["seen_at"] is None
    for _ in range(2):
        run("wait", "--lane", "default", "--timeout", "0")
    assert types(run, id) == ["created", "seen"]
    run("wait", id, "--timeout", "0", "--quiet", code=TIMED_OUT)
    run("respond", id, "--body", "ok")
    run("wait", id)
    assert types(run, id) == ["created", "seen", "response", "fetched"]
    found = receipts(run, id)
    assert found["claimed_at"] is None and found["first_progress_at"] is None
    assert found["queued_at"] < found["seen_at"] < found["answered_at"] < found["fetched_at"]
    assert run("status", id).json["task"]["last_event"]["type"] == "response"
    before = files(store)
    run("wait", id)
    run("wait", "--all", id)
    assert files(store) == before


@pytest.mark.parametrize("how", ["--all", "--any"])
def test_a_wait_for_several_notes_each_that_it_told_of(run: Command, how: str) -> None:
    first, second = submitted(run), submitted(run)
    run("respond", first, "--body", "ok")
    if how == "--all":
        run("wait", "--all", first, second, "--timeout", "0", code=TIMED_OUT)
    else:
        run("wait", "--any", first, second, "--timeout", "0")
    assert types(run, first)[-1] == "fetched"
    assert types(run, second) == ["created"]


def test_a_store_of_another_boot_is_not_brought_up_by_a_wait(run: Command, store: Path) -> None:
    id = submitted(run)
    run("respond", id, "--body", "ok")
    before = files(store)
    run("wait", id, env={"AGENT_LANES_BOOT_ID": "another"})
    assert files(store) == before


def test_an_answer_nobody_could_be_given_was_not_fetched(run: Command) -> None:
    id = submitted(run)
    run("respond", id, "--body", "ok")
    with open("/dev/full", "wb") as full:
        run("wait", id, code=None, stdout=full)
    assert types(run, id) == ["created", "response"]


def test_a_python_program_notes_what_it_was_given_and_reads_receipts(run: Command, store: Path) -> None:
    queue = Queue.open(str(store))
    first, second = queue.submit("default", prompt="x"), queue.submit("default", prompt="y")
    for id in (first, second):
        queue.respond(id, "ok")
        assert queue.receipts(id)["fetched_at"] is None
    queue.wait(first)
    queue.wait_all([first, second])
    assert types(run, first) == types(run, second) == ["created", "response", "fetched"]
    assert queue.receipts(second)["fetched_at"] is not None
