"""How each lane stands, and what it has done."""

from __future__ import annotations

from cli.process import USAGE, Command
from cli.terminal import Terminal

SPANS = ("ever", "last_hour", "last_day")


def test_a_line_for_each_lane_and_the_lane_comes_last(run: Command) -> None:
    run("submit", "--lane", "b c", "--prompt", "p")
    id = run("submit", "--lane", "a", "--prompt", "p").text.strip()
    run("respond", id, "--body", "fine")
    first, second = run("stats").text.splitlines()
    assert first.startswith("ready=0 claimed=0 delayed=0 blocked=0 on_hold=0 oldest_ready_seconds= submitted=1 ")
    assert " completed=1 " in first and " last_hour_completed=1 " in first and first.endswith(" lane=a")
    assert second.startswith("ready=1 ") and second.endswith(" lane=b c")


def test_json(run: Command) -> None:
    run("submit", "--lane", "a", "--prompt", "p")
    run("submit", "--lane", "b", "--prompt", "p")
    told = run("stats", "--lane", "a", "--json").json
    assert (told["status"], told["count"]) == ("ok", 1)
    [lane] = told["lanes"]
    assert lane.pop("oldest_ready_seconds") >= 0
    for span in SPANS:
        assert lane.pop(span) == {"submitted": 1, "completed": 0, "failed": 0, "cancelled": 0}
    assert lane == {"lane": "a", "ready": 1, "claimed": 0, "delayed": 0, "blocked": 0, "on_hold": 0}


def test_nothing_was_ever_submitted(run: Command) -> None:
    assert run("stats").text == ""
    assert run("stats", "--json").json == {"status": "ok", "count": 0, "lanes": []}
    assert run("stats", "--lane", "\n", code=USAGE).why.startswith("agent-lanes: --lane: ")


def test_on_a_terminal_it_is_a_table_that_fits(run: Command) -> None:
    lane = "a lane with a name that is longer than all columns of this terminal have room for"
    run("submit", "--lane", lane, "--prompt", "p", "--quiet")
    run("submit", "--lane", "b", "--prompt", "p", "--quiet", "--delay", "1h")
    with Terminal(run, "stats", "--no-color") as terminal:
        lines = terminal.end().decode().replace("\r\n", "\n").splitlines()
    assert lines[0].split() == ["LANE", "READY", "CLAIMED", "DELAYED", "OLDEST", "NEW", "DONE", "FAILED"]
    assert lines[1].startswith("a lane with a name") and lines[2].split()[:4] == ["b", "0", "0", "1"]
    assert all(len(line) <= 80 for line in lines) and len(lines) == 4
