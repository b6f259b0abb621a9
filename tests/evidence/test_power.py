"""K3 as CI takes it: some transitions, some of the disks that a power cut may leave of each; and that it can fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import power
import pytest
from disk import trace
from disk.facts import Answered
from disk.judge import Case, Judge
from disk.program import InProcess
from disk.record import Recording, record
from disk.replay import Data, Names, Operation, Sync
from disk.rules import ORDERED, POSIX, contents, loose
from disk.states import Moments
from disk.stories import STORIES
from disk.tree import ROOT, Tree
from experiment import Plan

Look = Callable[..., list[str]]


def needs_strace() -> None:
    missing = trace.available()
    if missing:
        assert not os.environ.get("CI"), f"CI needs it: {missing}"
        pytest.skip(missing)


@pytest.mark.slow
def test_no_disk_that_a_power_cut_may_leave_breaks_a_promise(tmp_path: Path) -> None:
    needs_strace()
    table = power.run(Plan(whole=False, work=tmp_path))
    assert table.problems == []
    assert [row[0] for row in table.rows] == [name for name in power.ROWS if name in power.SAMPLE]
    assert all(int(states) > 0 for row in table.rows for states in row[4:5])


# --- that it can fail --------------------------------------------------------------------------------------------


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Look]:
    """`found(story, without)`: what is found wrong if the syncs that `without` names had not been made."""
    needs_strace()
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()

    def look(name: str, without: Callable[[str], bool], level: str = POSIX) -> list[str]:
        whole = record(next(story for story in STORIES if story.name == name), folder, home)
        recording = without_syncs(whole, without)
        moments = Moments(
            start=recording.start,
            operations=recording.operations,
            all_files=recording.end,
            level=level,
            rng=Random("1"),
            most=3,
            speaks=recording.world.ledger.count,
            begin=recording.begin,
            quiet=8,
        )
        problems = []
        with InProcess(folder, home, "another boot") as program:
            for state in moments.states():
                state.tree.write(str(folder))
                problems += Judge(program, power.case(recording, state, folder, repair=False))()
        return problems

    yield look


def without_syncs(recording: Recording, named: Callable[[str], bool]) -> Recording:
    """The same story, by a program that lacks some of its syncs: they sync nothing that exists."""
    steps: list[Operation] = []
    for number, step in enumerate(recording.operations):
        lacking = isinstance(step, Sync) and number >= recording.begin and named(step.what)
        steps.append(Sync(-1, step.what) if lacking else step)
    assert steps != list(recording.operations)
    return replace(recording, operations=steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("story", "without", "what"),
    [
        ("submit", lambda what: what.endswith("state/tasks"), "lost: task"),
        ("submit", lambda what: what.endswith("/task.json"), "damaged"),
        ("submit", lambda what: what.endswith("/request.md"), "is not what was asked"),
        ("respond completed", lambda what: what.endswith("/response.json"), "damaged"),
        ("respond completed", lambda what: "/tasks/" in what, "lost: the answer"),
        ("wait with a response path", lambda what: "/.agent-lanes-" in what, "is not what was written"),
        ("wait with a response path", lambda what: what.endswith("out/deep"), "lost: the file"),
        ("first submit", lambda what: what == "fsync ", "lost: task"),
        ("doctor --repair", lambda what: what.endswith("/quarantine"), "what was left of a record"),
    ],
)
def test_every_sync_that_a_promise_needs_is_missed_where_it_lacks(
    found: Look, story: str, without: Callable[[str], bool], what: str
) -> None:
    assert any(what in problem for problem in found(story, without))


@pytest.mark.slow
def test_the_judge_notices_another_answer_and_a_file_that_was_not_written(tmp_path: Path) -> None:
    needs_strace()
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    recording = record(next(story for story in STORIES if story.name == "wait with a response path"), folder, home)
    world = recording.world
    facts = [replace(fact, body="other") if isinstance(fact, Answered) else fact for fact in world.ledger.possible()]
    (folder / "out" / "deep" / "answer.md").unlink()
    with InProcess(folder, home, "another boot") as program:
        problems = Judge(program, Case(folder, world.store, world.flags, facts, facts))()
    assert any("was answered ('other', 'completed'), and reads" in problem for problem in problems)
    assert any("lost: the file out/deep/answer.md" in problem for problem in problems)


# --- the rules ---------------------------------------------------------------------------------------------------

FOLDER, FILE = 1, 2
START = Tree({ROOT: {"folder": FOLDER}, FOLDER: {}})
MADE = Names(((FOLDER, "name", FILE),), "create")
WRITTEN = Data(FILE, 0, b"data", "write")


@pytest.mark.parametrize(
    ("synced", "level", "steps", "writes"),
    [
        ([], POSIX, 1, 1),
        ([FILE], POSIX, 1, 0),
        ([FILE], ORDERED, 0, 0),
        ([FOLDER], POSIX, 0, 1),
        ([FOLDER], ORDERED, 0, 1),
        ([ROOT], POSIX, 1, 1),
        ([FILE, FOLDER], POSIX, 0, 0),
    ],
)
def test_a_sync_holds_what_its_level_says_and_no_more(synced: list[int], level: str, steps: int, writes: int) -> None:
    found = loose(START, [MADE, WRITTEN, *(Sync(inode, "fsync") for inode in synced)], level)
    assert (len(found.steps), len(found.writes)) == (steps, writes)


def test_a_write_that_was_not_synced_may_be_missing_cut_at_any_byte_or_zeros() -> None:
    found = contents(b"", [WRITTEN], 64, Random(1))
    assert set(found) == {b"", b"d", b"da", b"dat", b"data", b"\0\0\0\0", b"d\0\0\0", b"da\0\0", b"dat\0"}


def test_an_overwritten_file_may_be_as_before_and_its_two_writes_come_in_any_order() -> None:
    changes = [Data(FILE, 0, None, "ftruncate"), Data(FILE, 0, b"new", "pwrite64")]
    assert {b"older", b"", b"new", b"newer"} <= set(contents(b"older", changes, 3, Random(1)))


def test_blocks_may_be_missing_one_by_one() -> None:
    whole = b"a" * 4096 + b"b" * 4096 + b"c"
    found = contents(b"", [Data(FILE, 0, whole, "write")], 3, Random(1))
    assert b"\0" * 4096 + whole[4096:] in found
    assert whole[:4096] + b"\0" * 4096 + b"c" in found


@contextmanager
def moments(steps: list[Operation], level: str) -> Iterator[list[dict[str, bytes | None]]]:
    tree = Tree({ROOT: {"folder": FOLDER}, FOLDER: {}}, {FILE: b""})
    made = Moments(START, steps, tree, level, Random("1"), 1000, lambda number: 0)
    yield [state.tree.shape() for state in made.states()]
    assert made.complete == made.points


def test_all_states_of_one_new_file_are_made_and_each_once() -> None:
    with moments([MADE, WRITTEN], POSIX) as found:
        names = [{"folder": None, "folder/name": content} for content in contents(b"", [WRITTEN], 64, Random(1))]
        assert sorted(found, key=str) == sorted([*names, {"folder": None}], key=str)


def test_a_rename_takes_place_wholly_or_not_at_all_and_in_order_only_where_there_is_an_order() -> None:
    rename = Names(((FOLDER, "name", None), (ROOT, "moved", FILE)), "rename")
    posix = [{"folder": None}, {"folder": None, "folder/name": b""}, {"folder": None, "moved": b""}]
    with moments([MADE, rename], POSIX) as found:
        assert sorted(found, key=str) == sorted(posix[1:], key=str)
    other = Names(((ROOT, "other", FOLDER + 2),), "create")
    tree = Tree({ROOT: {"folder": FOLDER}, FOLDER: {}}, {FILE: b"", FOLDER + 2: b""})
    made = Moments(START, [MADE, other], tree, ORDERED, Random("1"), 1000, lambda number: 0)
    shapes = [state.tree.shape() for state in made.states()]
    assert {"folder": None, "other": b""} not in shapes
    assert {"folder": None, "folder/name": b"", "other": b""} in shapes
