"""wait --all, --any and --first: one process for several tasks."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from cli.process import DONE, NOT_FOUND, TASK_CANCELLED, TASK_FAILED, TIMED_OUT, USAGE, Command


def asked(run: Command, *names: str) -> list[str]:
    """A task for each name, with a response path of that name; none for `-`."""
    paths = [() if name == "-" else ("--response-to", f"out/{name}.md") for name in names]
    return [run("submit", "--lane", "default", "--prompt", "p", *path).line for path in paths]


@pytest.fixture
def loose(run: Command) -> Command:
    """The same command, whose error object may hold more."""
    return Command(run.folder, run.home, checks=False)


def test_all_prints_a_line_for_each_in_their_order_and_writes_the_answers(run: Command) -> None:
    ids = asked(run, "a", "-")
    with run.start("wait", "--all", *ids, "--quiet") as wait:
        wait.sleeping()
        run("respond", ids[1], "--body", "two", "--verdict", "accept")
        run("respond", ids[0], "--body", "one")
        told = wait.end().text.splitlines()
    assert told == [
        f"status=completed task_id={ids[0]} verdict= response_path={run.folder}/out/a.md",
        f"status=completed task_id={ids[1]} verdict=accept response_path=",
    ]
    assert (run.folder / "out/a.md").read_text() == "one"


def test_all_as_json_has_every_answer_and_the_exit_code_of_the_worst(run: Command) -> None:
    ids = asked(run, "-", "-", "-")
    run("respond", ids[0], "--body", "fine")
    run("cancel", ids[1])
    found = run("wait", "--all", ids[1], ids[0], "--json", code=TASK_CANCELLED).json
    assert (found["status"], found["open"]) == ("cancelled", [])
    assert [one["task_id"] for one in found["tasks"]] == [ids[1], ids[0]]
    assert found["tasks"][1]["response"]["body"] == "fine"
    run("respond", ids[2], "--status", "failed", "--body", "no")
    assert run("wait", "--all", *ids, "--json", code=TASK_FAILED).json["status"] == "failed"


def test_any_tells_the_first_as_wait_does_and_which_are_still_open(run: Command) -> None:
    ids = asked(run, "a", "b", "-")
    with run.start("wait", "--any", *ids, "--quiet") as wait:
        wait.sleeping()
        run("respond", ids[1], "--body", "two")
        result = wait.end()
    assert result.values["task_id"] == ids[1] and result.values["response_path"].endswith("out/b.md")
    assert ids[0] in result.said[-1] and ids[2] in result.said[-1] and "still open" in result.said[-1]
    assert (run.folder / "out/b.md").read_text() == "two"
    found = run("wait", "--any", *ids, "--json").json
    assert (found["status"], found["task_id"], found["open"]) == ("completed", ids[1], [ids[0], ids[2]])
    run("respond", ids[2], "--status", "failed", "--body", "no")
    assert run("wait", "--any", ids[0], ids[2], code=TASK_FAILED).text == "no"


def test_first_waits_for_so_many(run: Command) -> None:
    ids = asked(run, "-", "-", "-")
    for id in (ids[2], ids[0]):
        run("respond", id, "--body", "x")
    found = run("wait", "--first", "2", *ids, "--json").json
    assert [one["task_id"] for one in found["tasks"]] == [ids[2], ids[0]]
    assert found["open"] == [ids[1]]


def test_when_the_time_is_over_it_names_the_open_ones_and_nothing_is_lost(run: Command, loose: Command) -> None:
    ids = asked(run, "a", "-")
    run("respond", ids[0], "--body", "one")
    late = run("wait", "--all", *ids, "--timeout", "0", code=TIMED_OUT)
    assert "1 of 2" in late.why and ids[1] in late.why and late.text.startswith(f"status=completed task_id={ids[0]}")
    assert (run.folder / "out/a.md").read_text() == "one"
    found = loose("wait", "--all", *ids, "--timeout", "0", "--json", code=TIMED_OUT).json
    assert (found["code"], found["open"]) == ("timeout", [ids[1]])
    assert [one["task_id"] for one in found["tasks"]] == [ids[0]]
    run("respond", ids[1], "--body", "two")
    assert len(run("wait", "--all", *ids).text.splitlines()) == 2


def test_ids_may_come_on_stdin(run: Command) -> None:
    sent = b"".join(json.dumps({"lane": "default", "prompt": str(number)}).encode() + b"\n" for number in range(3))
    ids = run("submit", "--many", "-", stdin=sent).text
    for id in ids.split():
        run("respond", id, "--body", "x")
    assert len(run("wait", "--all", "-", stdin=ids.encode()).text.splitlines()) == 3


def test_a_hundred_take_one_thread_and_one_process(run: Command) -> None:
    sent = b"".join(json.dumps({"lane": "default", "prompt": str(number)}).encode() + b"\n" for number in range(100))
    ids = run("submit", "--many", "-", stdin=sent).text.split()
    with run.start("wait", "--any", *ids, "--quiet") as wait:
        wait.sleeping()
        assert len(os.listdir(f"/proc/{wait.process.pid}/task")) == 1
        threading.Thread(target=lambda: run("respond", ids[57], "--body", "x")).start()
        assert wait.end().text == "x"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--all",), "no task ids"),
        (("--all", "--any", "a"), "one of"),
        (("--first", "3", "a", "b"), "--first"),
        (("--first", "0", "a"), "--first"),
        (("--all", "a b"), "task id"),
        (("a", "b"), "--all"),
        (("--any", "a", "--lane", "default"), "--lane"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(run: Command, words: tuple[str, ...], says: str) -> None:
    assert says in run("wait", *words, code=USAGE).why


def test_one_that_is_not_there_is_named(run: Command) -> None:
    (id,) = asked(run, "-")
    assert "nobody" in run("wait", "--all", id, "nobody", code=NOT_FOUND).why


def test_a_flag_may_be_written_in_every_way(run: Command) -> None:
    one, two = asked(run, "-", "-")
    for id in (one, two):
        run("respond", id, "--body", "x")
    for words in (
        ("--all", one, two, "--timeout=1"),
        (one, two, "--all"),
        (one, "--all", two),
        ("--all", "--", one, two),
    ):
        assert len(run("wait", *words, code=DONE).text.splitlines()) == 2, words


def test_the_store_is_not_touched_by_a_wait_that_was_made_before(run: Command, store: Path) -> None:
    from cli.process import tree

    ids = asked(run, "-", "-")
    run("respond", ids[0], "--body", "x")
    run("wait", "--any", *ids)
    before = tree(store)
    run("wait", "--any", *ids)
    assert tree(store) == before
