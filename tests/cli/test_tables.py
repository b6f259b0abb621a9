"""list and status on a terminal: they fit it, have colours where they may, and in a pipe nothing has changed."""

from __future__ import annotations

import re

import pytest

from agent_lanes.cli.screen import columns_of
from cli.process import USAGE, Command
from cli.terminal import Terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LONG = "Review the plan: does it boil before it whistles, and who switches it off when nobody is at home?"


@pytest.fixture
def ids(run: Command) -> dict[str, str]:
    """A task in each state that a table tells apart; long names, wide letters."""
    found = {}
    for name, words in {
        "queued": ["--priority", "0", "--max-attempts", "3"],
        "delayed": ["--delay", "2h"],
        "claimed": ["--metadata", "required_vendor=codex"],
        "completed": [],
        "failed": ["--lane", "a lane with quite a long name, and 全角文字"],
        "on hold": ["--prompt", "全角のタイトル: 仕様を読んで、二つの質問に答えてください"],
    }.items():
        found[name] = run("submit", "--lane", "default", "request.md", "--prompt", LONG, *words).line
    run("claim", found["claimed"], "--owner", "an owner with a long name, too")
    run("respond", found["completed"], "--body", "fine")
    run("respond", found["failed"], "--status", "failed", "--body", "broken")
    run("hold", found["on hold"], "--reason", "not now")
    return found


def shown(run: Command, *words: str, columns: int = 80, **env: str) -> list[str]:
    """The lines of a command's terminal."""
    with Terminal(run, *words, columns=columns, env=env) as terminal:
        return terminal.end().decode().replace("\r\n", "\n").splitlines()


def plain(lines: list[str]) -> list[str]:
    return [COLOUR.sub("", line) for line in lines]


@pytest.mark.parametrize("columns", [20, 33, 40, 60, 80, 120, 200])
def test_every_line_fits_the_terminal(run: Command, ids: dict[str, str], columns: int) -> None:
    for words in (["list"], ["status", "--all"], *(["status", id] for id in ids.values())):
        for line in plain(shown(run, *words, columns=columns)):
            whole = max(map(len, line.split()), default=0) > columns - 12  # a word that is longer than the terminal
            assert columns_of(line) <= columns or whole, line


def test_the_table_has_a_line_for_each_task_with_what_people_ask_for(run: Command, ids: dict[str, str]) -> None:
    head, *lines = plain(shown(run, "list", columns=140))
    assert head.split() == ["ID", "STATE", "LANE", "OWNER", "AGE", "TRY", "PRI", "TITLE"]
    assert [line[:12] for line in lines] == [id[-12:] for id in ids.values()], "the newest stand by the prompt"
    for name, line in zip(ids, lines, strict=True):
        assert line[14:].startswith(name), line
    assert re.search(r"-  +\d+ s  0/3    0  Review the plan: does it boil before", lines[0])
    assert "an owner with a…" in lines[2] and "a lane with q…" in lines[4]


def test_at_80_columns_attempt_and_priority_are_still_there(run: Command, ids: dict[str, str]) -> None:
    head, *lines = plain(shown(run, "list"))
    assert "TRY  PRI  TITLE" in head and "Review the plan" in lines[0]
    assert "TITLE" in plain(shown(run, "list", columns=40))[0]


def test_a_card_tells_the_rest(run: Command, ids: dict[str, str]) -> None:
    card = "\n".join(plain(shown(run, "status", ids["claimed"])))
    assert card.startswith(f"{ids['claimed'][-12:]}  claimed\n  Review the plan:")
    for part in (
        "lane      default · for codex · priority 5",
        "held by   an owner with",
        "ago by orchestrator",
        ids["claimed"],
    ):
        assert part in card
    assert "reason    not now" in "\n".join(plain(shown(run, "status", ids["on hold"])))


def test_status_all_counts_and_says_what_is_next(run: Command, ids: dict[str, str]) -> None:
    lines = plain(shown(run, "status", "--all"))
    assert "3 queued · 1 claimed · 1 completed · 1 failed" in lines
    assert "dispatchers: claim the queued tasks" in "\n".join(lines)


def test_an_empty_queue_says_so(run: Command) -> None:
    assert shown(run, "list") == ["agent-lanes: no tasks"]


def test_a_pipe_and_json_get_json(run: Command, ids: dict[str, str]) -> None:
    assert run("list").json["count"] == len(ids) and run("status", "--all").json["count"] == len(ids)
    for words in (["list", "--json"], ["status", "--all", "--json"], ["status", ids["queued"], "--json"]):
        lines = shown(run, *words)
        assert lines[0] == "{" and lines[-1] == "}" and not any("\x1b" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "env", "coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
        ([], {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "0"}, False),
        ([], {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (["--no-color"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_where_they_are_wanted(
    run: Command, ids: dict[str, str], words: list[str], env: dict[str, str], coloured: bool
) -> None:
    lines = shown(run, "list", *words, **env)
    assert any("\x1b[" in line for line in lines) is coloured
    assert plain(lines)[0].startswith("ID  ")


def test_the_headings_of_show_are_bold_and_nothing_of_the_task_is(run: Command, ids: dict[str, str]) -> None:
    (run.folder / "evil.md").write_text("HISTORY\nANSWER  by root\n")
    id = run("submit", "--lane", "default", "evil.md", "--prompt", "REQUEST").line
    bold = [COLOUR.sub("", line) for line in shown(run, "show", id, columns=200) if line.startswith("\x1b[1m")]
    assert [line.split()[0] for line in bold] == [id, "PROMPT", "REQUEST", "HISTORY"]
    assert run("show", id, env={"FORCE_COLOR": "1"}).text.count("\x1b[1m") == 4
    assert "\x1b" not in run("show", id).text + "".join(shown(run, "show", id, "--no-color"))


def test_a_damaged_task_is_named_below_the_table(run: Command, ids: dict[str, str]) -> None:
    (run.folder / f"handoff/state/tasks/{ids['queued']}/task.json").write_text("{")
    lines = plain(shown(run, "list", columns=300))
    assert len(lines) == 1 + len(ids) and ids["queued"] in lines[-1] and "warning" in lines[-1]


def test_columns_from_the_environment_win(run: Command, ids: dict[str, str]) -> None:
    assert max(map(columns_of, plain(shown(run, "list", columns=200, COLUMNS="50")))) <= 50


@pytest.mark.parametrize("words", [["list"], ["status", "--all"]])
def test_watch_is_drawn_anew_after_a_change_until_ctrl_c(run: Command, ids: dict[str, str], words: list[str]) -> None:
    with Terminal(run, *words, "--watch", "--no-color", lines=30) as watch:
        watch.until(ids["queued"][-12:].encode())
        assert b"\x1b[?1049h" in watch.seen
        new = run("submit", "--lane", "default", "request.md").line
        watch.until(new[-12:].encode())
        watch.interrupt()
        seen = watch.end(code=0).decode()
    after = seen.rpartition("\x1b[?1049l")[2]
    assert "\x1b[?25h" in seen and new[-12:] in after, "the last picture stays"


def test_watch_of_one_task_shows_its_answer(run: Command, ids: dict[str, str]) -> None:
    with Terminal(run, "status", ids["queued"][-12:], "--watch", "--no-color") as watch:
        watch.until(b"queued")
        run("respond", ids["queued"], "--body", "fine")
        watch.until(b"completed")
        watch.interrupt()
        watch.end(code=0)


def test_watch_shows_no_more_than_the_screen_holds(run: Command) -> None:
    for _ in range(12):
        last = run("submit", "--lane", "default", "request.md").line
    with Terminal(run, "list", "--watch", "--no-color", lines=8) as watch:
        watch.until(last[-12:].encode())
        assert watch.seen.count(b" queued ") <= 7
        watch.interrupt()
        watch.end()


def test_a_terminated_watch_gives_the_terminal_back(run: Command, ids: dict[str, str]) -> None:
    with Terminal(run, "list", "--watch") as watch:
        watch.until(ids["queued"][-12:].encode())
        watch.process.terminate()
        assert watch.end(code=143).endswith(b"\x1b[?25h\x1b[?1049l")


def test_watch_needs_a_terminal_and_no_json(run: Command, ids: dict[str, str]) -> None:
    assert "terminal" in run("list", "--watch", code=USAGE).why
    assert "terminal" in run("status", ids["queued"], "--watch", code=USAGE).why
    assert "--json" in run("status", "--all", "--watch", "--json", code=USAGE).why
    run("list", "--archived", "--watch", code=USAGE)


def test_wait_shows_one_line_on_a_terminal_and_cuts_it(run: Command) -> None:
    id = run("submit", "--lane", "default", "request.md").line
    with Terminal(run, "wait", id, columns=40) as wait:
        wait.until(f"queued · {id[-12:]}".encode())
        run("event", id, "--message", "x" * 100)
        wait.until(b"\xe2\x80\xa6")
        assert all(columns_of(part) < 40 for part in wait.seen.decode().split("\r"))
        run("respond", id, "--body", "the answer")
        assert wait.end().decode().rsplit("\r", 2)[-2] == "the answer"


def test_wait_for_a_lane_shows_that_it_waits(run: Command) -> None:
    with Terminal(run, "wait", "--lane", "nothing", "--timeout", "60") as wait:
        wait.until(b"waiting for work on lane nothing")
        wait.interrupt()
        wait.end(code=130)
    with Terminal(run, "wait", "--lane", "nothing", "--timeout", "0.1", "--quiet") as wait:
        assert b"waiting for work" not in wait.end()
