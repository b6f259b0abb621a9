"""events: what happens in the whole store."""

from __future__ import annotations

import json
from typing import Any

from cli.process import NOT_FOUND, USAGE, Command, Result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.text.splitlines()]


def test_events_are_told_of_all_tasks_or_some(run: Command) -> None:
    first = run("submit", "--lane", "default", "request.md").line
    run("submit", "--lane", "other", "request.md")
    run("event", first, "--message", "half\x1b[2J way")
    assert [line.split("  ")[3] for line in run("events").text.splitlines()] == ["created", "created", "note"]
    assert "half\\x1b[2J way" in run("events", "--type", "note").line
    assert [one["lane"] for one in lines(run("events", "--lane", "other", "--json"))] == ["other"]
    assert [one["type"] for one in lines(run("events", first, "--json"))] == ["created", "note"]
    assert [one["type"] for one in lines(run("events", "--limit", "1", "--json"))] == ["note"]
    assert len(lines(run("events", "--since", "1h", "--json"))) == 3


def test_a_cursor_goes_on_and_one_that_is_gone_says_so(run: Command) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    (one,) = lines(run("events", "--json"))
    assert run("events", "--since", one["cursor"]).text == ""
    run("event", id, "--message", "next")
    assert [one["message"] for one in lines(run("events", "--since", one["cursor"], "--json"))] == ["next"]
    assert "not kept" in run("events", "--since", "77:0", code=NOT_FOUND).why
    assert "--limit" in run("events", "--limit", "0", code=USAGE).why


def test_who_follows_is_told_at_once(run: Command) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    (one,) = lines(run("events", "--json"))
    with run.start("events", "--follow", "--since", one["cursor"], "--limit", "2", "--json") as follower:
        run("event", id, "--message", "one")
        run("event", id, "--message", "two")
        assert [one["message"] for one in lines(follower.end())] == ["one", "two"]
