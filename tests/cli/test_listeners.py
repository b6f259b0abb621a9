"""listeners, and what submit says where there are none."""

from __future__ import annotations

import re

import pytest

from cli.process import Command


def unheard(said: list[str]) -> list[str]:
    return [line for line in said if "nobody is listening" in line]


def listed(run: Command) -> list[dict[str, object]]:
    found = run("listeners", "--json").json["listeners"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("words", [["claim", "--wait", "60", "--owner", "me"], ["wait", "--timeout", "60"]])
def test_a_blocked_call_is_listed_and_a_submit_then_says_nothing(run: Command, words: list[str]) -> None:
    run("submit", "--lane", "other", "--prompt", "x")
    with run.start(*words, "--lane", "l", "--vendor", "codex") as waiting:
        waiting.sleeping()
        (one,) = listed(run)
        assert (one["lane"], one["vendor"], one["kind"]) == ("l", "codex", words[0])
        assert run("listeners").line.startswith(f"l  codex  {words[0]}")
        assert run("status", "--all").json["listening"] == [one] == run("where", "--json").json["listening"]
        assert run("listeners", "--lane", "other", "--json").json["listeners"] == []
        submitted = run("submit", "--lane", "l", "--prompt", "x", "--metadata", "required_vendor=codex", "--json")
        assert submitted.json["listeners"] == 1 and unheard(submitted.said) == []
        waiting.end()
    assert listed(run) == []


def test_a_submit_that_nobody_hears_says_so_once_and_is_queued(run: Command) -> None:
    done = run("submit", "--lane", "default", "--prompt", "x", "--metadata", "required_vendor=codex")
    assert unheard(done.said) == done.said and len(done.said) == 1
    assert "VENDOR=codex LANE=default bash handoff/dispatcher.sh" in done.said[0]
    assert run("status", done.line).json["task"]["state"] == "queued"
    assert run("submit", "--lane", "default", "--prompt", "x", "--json").json["listeners"] == 0
    assert run("submit", "--lane", "default", "--prompt", "x", "--quiet").said == []


def test_while_somebody_works_on_the_lane_a_submit_says_nothing(run: Command) -> None:
    run("claim", run("submit", "--lane", "default", "--prompt", "x").line)
    assert run("submit", "--lane", "default", "--prompt", "x").said == []


def test_many_are_warned_of_once_for_each_lane_and_vendor(run: Command) -> None:
    lines = b"".join(b'{"lane": "%s", "prompt": "x"}\n' % lane for lane in (b"a", b"a", b"b"))
    done = run("submit", "--many", "-", stdin=lines)
    assert [re.findall(r"lane (\w)", line) for line in unheard(done.said)] == [["a"], ["b"]]


def test_a_dispatcher_is_listed_also_while_its_agent_works(run: Command) -> None:
    run("submit", "--lane", "default", "--prompt", "x", "--quiet")
    with run.start("work", "--lane", "default", "--owner", "me", "--", "sleep", "60") as dispatcher:
        while run("status", "--all").json["summary"]["claimed"] == 0:
            pass
        (one,) = listed(run)
        assert (one["kind"], one["owner"], one["pid"]) == ("dispatcher", "me", dispatcher.process.pid)


def test_where_nobody_listens_a_line_says_so(run: Command) -> None:
    told = run("listeners", "--lane", "review")
    assert told.out == b"" and len(told.said) == 1
    assert "nobody listens on lane review" in told.said[0] and "agent-lanes work --lane review" in told.said[0]
    assert run("listeners", "--json").said == []
