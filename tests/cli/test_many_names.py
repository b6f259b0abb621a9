"""submit --many with names: whole graphs in one call, as scripts meet them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

import pytest

from cli.process import BAD_DATA, USAGE, Command


def line(name: str | None = None, *depends_on: str, **more: object) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {"lane": "default", "prompt": "p", "depends_on": list(depends_on), **named, **more}


def sent(*wanted: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in wanted)


@pytest.fixture
def loose(run: Command) -> Command:
    """The same command, whose stdout may be many objects and whose stderr many lines."""
    return Command(run.folder, run.home, checks=False)


def depends_on(run: Command, id: str) -> list[str]:
    found = run("status", id, "--json").json["task"]["depends_on"]
    assert isinstance(found, list)
    return found


def test_ids_stand_in_the_order_of_the_lines_and_depend_as_the_names_say(run: Command) -> None:
    join, left, right = run(
        "submit", "--many", "-", stdin=sent(line("join", "@left", "@right"), line("left"), line("right", "@left"))
    ).text.split()
    assert depends_on(run, join) == [left, right] and depends_on(run, right) == [left]
    assert "-left-" in left
    run("respond", left, "--body", "x")
    assert [task["id"] for task in run("list", "--ready", "--lane", "default", "--json").json["tasks"]] == [right]


def test_the_whole_call_can_be_repeated_with_a_key(run: Command) -> None:
    words, lines = ("submit", "--many", "-", "--idempotency-key", "k"), sent(line("b", "@a"), line("a"))
    first = run(*words, stdin=lines)
    again = run(*words, stdin=lines)
    assert again.text == first.text and "2 of 2" in again.said[0]


def test_what_is_refused_is_named_with_its_line_and_takes_its_dependents_with_it(loose: Command) -> None:
    wanted = (line("a", "@b"), line("b", "@a"), line(None, "@a"), line("good"), line(None, "@none"), line("good"))
    told = loose("submit", "--many", "-", stdin=sent(*wanted), code=BAD_DATA)
    assert [one == "-" for one in told.text.split()] == [True, True, True, False, True, True]
    assert told.said[:5] == [
        "agent-lanes submit: line 1: depends_on: a cycle: @a -> @b -> @a",
        "agent-lanes submit: line 2: depends_on: a cycle: @a -> @b -> @a",
        "agent-lanes submit: line 3: depends_on: @a was not submitted (mend that one first)",
        "agent-lanes submit: line 5: depends_on: no task of this stream has the name @none",
        "agent-lanes submit: line 6: name: 'good' is that of another task of this stream",
    ]
    told = loose("submit", "--many", "-", "--json", stdin=sent(line("a", "@a"), line()), code=BAD_DATA)
    one, two = map(json.loads, told.text.splitlines())
    assert (one["line"], one["code"], two["line"], two["status"]) == (1, "bad_data", 2, "submitted")


def test_a_name_elsewhere_is_refused_or_ignored_with_a_warning(run: Command) -> None:
    refused = run("submit", "--lane", "default", "--prompt", "x", "--depends-on", "@a", code=USAGE)
    assert "@a" in refused.why and "submitted together" in refused.why
    (run.folder / "t.yaml").write_text("lane: default\nprompt: x\nname: a\n")
    assert any("name" in said for said in run("submit", "--task", "t.yaml").said)


def test_a_pipe_that_brings_a_name_late_does_not_hold_up_the_others(run: Command) -> None:
    with subprocess.Popen(
        [run.program, "submit", "--many", "-"],
        cwd=run.folder, env=run.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(sent(line("early")))
        process.stdin.flush()
        early = process.stdout.readline().decode().strip()
        process.stdin.write(sent(line(None, "@late"), line(None, "@early")))
        process.stdin.flush()
        process.stdin.write(sent(line("late")))
        process.stdin.close()
        waits, after, late = process.stdout.read().decode().split()
    assert process.returncode == 0
    assert depends_on(run, waits) == [late] and depends_on(run, after) == [early]


def test_killed_on_the_way_and_repeated_it_is_one_graph(run: Command) -> None:
    lines = sent(line("0"), *(line(str(number), f"@{number - 1}") for number in range(1, 40)))
    words = [run.program, "submit", "--many", "-", "--idempotency-key", "k"]
    read, write = os.pipe()
    with subprocess.Popen(words, cwd=run.folder, env=run.environment(), stdin=read, stdout=subprocess.PIPE) as process:
        os.close(read)
        os.write(write, lines[: len(lines) // 2])
        assert process.stdout is not None and process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    os.close(write)
    ids = run("submit", "--many", "-", "--idempotency-key", "k", stdin=lines).text.split()
    assert run("list", "--json").json["count"] == len(set(ids)) == 40
    assert [depends_on(run, id) for id in ids[1:6]] == [[id] for id in ids[:5]]
