"""A change that fails or is killed at any of its steps: done or not done, never half; and never stuck (K1, K2)."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.stores import ClockedFileStore, claim, respond

from agent_lanes.core.placement import Ready, placement
from agent_lanes.core.task import Snapshot
from agent_lanes.errors import AgentLanesError, AlreadyAnswered, Damaged, Refused, Unconfirmed
from agent_lanes.services.queue import QueueService
from backends.files.sweep import CHANGES, ID, Do, after_death, at_call, prepared, reopened, stands, submit_with_a_key

LEASE = 1000

pytestmark = pytest.mark.usefixtures("same_boot")


def expected_after(folder: Path, change: str) -> Snapshot | None:
    """What the facts say after the change, undisturbed."""
    store = prepared(folder, change)
    CHANGES[change][1](store)
    return stands(store)


def same(one: Snapshot | None, other: Snapshot | None) -> bool:
    """The same but for chance: the token of claim_next."""
    if one is None or other is None or one.claim is None or other.claim is None:
        return one == other
    return one.replace(claim=one.claim.replace(token="")) == other.replace(claim=other.claim.replace(token=""))


def history(store: ClockedFileStore) -> list[str]:
    return [event.type for event in store.events(ID)] if stands(store) else []


def check_that_all_goes_on(store: ClockedFileStore, change: str) -> None:
    """The next process finds the task if it may be claimed, can do the same again, answer it, and rebuild."""
    now = stands(store)
    if now is not None and isinstance(placement(now, store.now()), Ready):
        peeked = QueueService(store).peek_next("default")
        assert peeked is not None and peeked.id == ID
    if now is None or change != "submit":  # a submit that is told to use this id would look for a free one for ever
        try:
            CHANGES[change][1](store)
        except Refused:
            assert now is not None  # it had been done: a second claim, a second park or answer is refused
    found = store.read(ID)
    if found.response is None:
        if found.claim is None or not found.claim.held:
            found = claim(store, ID, "last")
        assert found.claim is not None
        respond(store, ID, found.claim.token, body="the end")
    with pytest.raises(AlreadyAnswered):
        respond(store, ID, body="another")
    assert QueueService(store).claim_next("default") is None
    numbers = [event.number for event in store.events(ID)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_killed_at_any_step_is_done_or_not_done_and_all_goes_on(folder: Path, change: str) -> None:
    done, number, lived = expected_after(folder / "done", change), 0, False
    while not lived:
        store = prepared(folder / str(number), change)
        before = stands(store)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child uses none
            lived = not after_death(store, CHANGES[change][1], number)
        now = stands(store)
        assert same(now, before) or same(now, done), f"killed at step {number}"
        check_that_all_goes_on(reopened(store), change)
        number += 1
    assert number > 10


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE], ids=errno.errorcode.get)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_fails_at_any_step_says_so_or_is_done(folder: Path, change: str, code: int) -> None:
    """No answer but: done (perhaps with a warning), Unconfirmed and done, or an error and not done."""
    done, number = expected_after(folder / "done", change), 0
    while True:
        store = prepared(folder / str(number), change)
        before, lines = stands(store), history(store)
        told: list[str] = []
        outcome, step = attempt(reopened(store, told.append), CHANGES[change][1], number, code)
        now = stands(store)
        if step is None:
            break
        place = f"step {number}, {step}"
        assert outcome is None or isinstance(outcome, AgentLanesError), place
        assert outcome is None or outcome.message.isprintable(), place
        if outcome is None or isinstance(outcome, Unconfirmed):
            assert same(now, done), place
            assert told or change != "note" or history(store) == [*lines, "note"], place
        else:
            assert same(now, before), place
            assert history(store) == lines, place
        if outcome is not None and not step.startswith("unlink"):
            assert list((Path(store.address) / "tmp").iterdir()) == [], place
        check_that_all_goes_on(reopened(store), change)
        number += 1
    assert number > 10


def attempt(store: ClockedFileStore, do: Do, number: int, code: int) -> tuple[Exception | None, str | None]:
    """Make the change with one failing step; what was raised, and which step it was (None: there are no more)."""
    failed: list[str] = []

    def fail(name: str, args: tuple[Any, ...]) -> None:
        failed.append(f"{name}{args!r}")
        raise OSError(code, os.strerror(code))

    with at_call(number, fail):
        try:
            do(store)
        except Exception as wrong:
            return wrong, failed[0] if failed else None
    return None, failed[0] if failed else None


# --- submit with a key: it has no id before it is done, and is simply made again -----------------------------


@pytest.mark.parametrize("code", [None, errno.EIO, errno.ENOSPC], ids=["killed", "EIO", "ENOSPC"])
def test_a_submit_with_a_key_that_is_killed_or_fails_at_any_step_is_made_once_when_repeated(
    folder: Path, code: int | None
) -> None:
    number, ended = 0, False
    while not ended:
        store = prepared(folder / str(number), "submit")
        if code is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                ended = not after_death(store, submit_with_a_key, number)
        else:
            outcome, step = attempt(reopened(store), submit_with_a_key, number, code)
            assert outcome is None or isinstance(outcome, AgentLanesError), step
            ended = step is None
        seen = [found.id for found in store.scan() if isinstance(found, Snapshot)]
        again = [submit_with_a_key(reopened(store)) for _ in range(2)]
        assert again[0] == again[1]
        assert [found.id for found in store.scan() if isinstance(found, Snapshot)] == [again[0].id]
        assert seen in ([], [again[0].id])
        taken = QueueService(reopened(store)).claim_next("default")
        assert taken is not None and taken.id == again[0].id
        assert QueueService(reopened(store)).claim_next("default") is None
        number += 1
    assert number > 10


# --- the fsync of a folder, after the commit -----------------------------------------------------------------


@pytest.fixture
def failing_folders(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`failing_folders(end)`: from now on the fsync of a folder whose path ends so fails."""
    from agent_lanes.backends.files import atomic

    original = atomic.sync_folder

    def arm(end: str) -> None:
        def sync(path: str) -> None:
            if path.endswith(end):
                raise OSError(errno.EIO, "Input/output error")
            original(path)

        monkeypatch.setattr(atomic, "sync_folder", sync)

    return arm


def test_a_submit_whose_name_could_not_be_synced_is_unconfirmed_and_done(
    tmp_path: Path, failing_folders: Callable[[str], None]
) -> None:
    store = prepared(tmp_path / "state", "submit")
    failing_folders("/tasks")
    with pytest.raises(Unconfirmed, match=f"submitted {ID}, but it may not survive a power cut") as told:
        CHANGES["submit"][1](store)
    assert told.value.hint == f"confirm with: agent-lanes status {ID}"
    taken = QueueService(reopened(store)).claim_next("default")
    assert taken is not None and taken.id == ID


def test_an_answer_whose_name_could_not_be_synced_is_unconfirmed_and_confirmed_by_repeating_it(
    tmp_path: Path, failing_folders: Callable[[str], None]
) -> None:
    store = prepared(tmp_path / "state", "respond")
    failing_folders(f"/tasks/{ID}")
    for _ in range(2):
        with pytest.raises(Unconfirmed, match=f"answered {ID}, but the answer may not survive"):
            respond(store, ID, "t")
        assert store.read(ID).state == "completed"
    failing_folders("nothing")
    assert respond(store, ID, "t").state == "completed"
    assert history(store).count("response") == 1


def test_an_answer_that_cannot_be_made_durable_is_not_reported(
    tmp_path: Path, failing_folders: Callable[[str], None]
) -> None:
    from agent_lanes.errors import StorageFailed
    from agent_lanes.services import waiting

    store = prepared(tmp_path / "state", "respond")
    failing_folders(f"/tasks/{ID}")
    with pytest.raises(Unconfirmed):
        respond(store, ID, "t")
    with pytest.raises(StorageFailed, match="cannot be made durable"):
        waiting.for_answer(store, ID, timeout_seconds=0)


# --- what follows a commit, and cannot be written ------------------------------------------------------------


@pytest.mark.parametrize("lost", ["signals", "indexes/correlations"])
def test_what_cannot_be_written_after_a_commit_is_a_warning(tmp_path: Path, lost: str) -> None:
    store = prepared(tmp_path / "state", "submit")
    told: list[str] = []
    (tmp_path / "state" / lost).rmdir()
    (tmp_path / "state" / lost).touch()
    CHANGES["submit"][1](reopened(store, told.append))
    assert len(told) == 1
    assert told[0].startswith(f"task {ID}: ")
    assert told[0].endswith("the change itself is done")
    assert not isinstance(store.read(ID), Damaged)


@pytest.mark.parametrize("change", CHANGES)
def test_who_looks_while_another_changes_the_task_sees_it_before_or_after(tmp_path: Path, change: str) -> None:
    """Before each call that a reader makes, another process makes its whole change."""
    number = 0
    while True:
        store = prepared(tmp_path / str(number), change)
        before, do = stands(store), CHANGES[change][1]
        with at_call(number, lambda name, args, store=store, do=do: do(reopened(store))) as seen:  # type: ignore[misc]
            saw = stands(reopened(store))
        assert saw in (before, stands(store)), f"call {number} of {seen}"
        if len(seen) <= number:
            return
        number += 1
