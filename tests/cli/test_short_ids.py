"""Wherever a task is named, a part of its id that no other task has is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.process import NOT_FOUND, USAGE, Command, tree


@pytest.fixture
def id(run: Command) -> str:
    return run("submit", "--lane", "default", "request.md").line


def test_every_command_takes_the_digits_at_the_end(run: Command, id: str) -> None:
    short = id[-12:]
    assert run("status", short).json["task"]["id"] == id
    assert id in run("show", short).text
    assert run("event", short, "--message", "m").line == id
    assert run("hold", short).values["task_id"] == id
    assert run("resume", short).values["task_id"] == id
    token = run("claim", short, "--json").json["claim_token"]
    assert run("renew", short, "--claim-token", token).values["task_id"] == id
    assert run("release", short, "--claim-token", token).values["task_id"] == id
    depends = run("submit", "--lane", "default", "--prompt", "x", "--depends-on", short, "--json").json
    assert depends["task"]["depends_on"] == [id]
    assert run("respond", short, "--body", "b").values["task_id"] == id
    assert run("wait", short).out == b"b"
    assert run("retry", short, "--json").json["retry_of"] == id
    assert run("cancel", depends["task_id"][-6:]).values["task_id"] == depends["task_id"]


def test_a_beginning_will_do_while_it_is_the_only_one(run: Command, id: str) -> None:
    assert run("status", id[:8]).json["task"]["id"] == id
    other = run("submit", "--lane", "default", "request.md").line
    refused = run("status", id[:8], code=USAGE).why
    assert id in refused and other in refused and id[-12:] in refused


def test_an_ambiguous_part_changes_nothing(run: Command, store: Path, id: str) -> None:
    run("submit", "--lane", "default", "request.md")
    before = tree(store)
    for words in (
        ["cancel", id[:8]],
        ["claim", id[:8], "--json"],
        ["submit", "--lane", "x", "--prompt", "x", "--depends-on", id[:8]],
    ):
        run(*words, code=USAGE)
    assert tree(store) == before


def test_three_characters_and_parts_from_the_middle_are_no_names(run: Command, id: str) -> None:
    for part in (id[-3:], id[9:30]):
        assert part in run("status", part, code=NOT_FOUND).why


def test_an_archived_task_goes_by_its_short_id_too(run: Command, id: str) -> None:
    run("respond", id, "--body", "b")
    run("archive", "--older-than", "0s")
    assert run("status", id).json["task"]["state"] == "completed"
    assert run("status", id[-12:]).json["task"]["id"] == id
    run("status", "0" * 12, code=NOT_FOUND)
