"""Setting a claim aside, killed at any call: it is never away, and no epoch is given twice (K1, K4)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from contracts.stores import Clock, ClockedFileStore, claim, release, respond, submit

from backends.files.conftest import Open
from backends.files.test_keys import killed

LAST = 7


def damaged_claim(store: ClockedFileStore, left: bytes, *, history: bool) -> Path:
    """A task that was claimed 7 times, its claim.json as it was left by the disk."""
    id = submit(store)
    for _ in range(LAST):
        claim(store, id)
        release(store, id)
    path = Path(store.layout.task(id)) / "claim.json"
    path.write_bytes(left)
    if not history:
        (path.parent / "events.jsonl").write_bytes(b"")
    return path


def repair(store: ClockedFileStore) -> object:
    return store.repair([finding for finding in store.examine() if finding.code == "damaged"])


@pytest.mark.parametrize("history", [True, False], ids=["a history", "no history"])
def test_killed_at_any_call_a_repair_leaves_a_claim_and_no_epoch_is_given_twice(
    tmp_path: Path, clock: Clock, history: bool
) -> None:
    left = b'{"epoch": %d, "format": 3}\n' % LAST
    number = 0
    while True:
        store = ClockedFileStore(str(tmp_path / str(number)), clock)
        path = damaged_claim(store, left, history=history)
        lived = not killed(store, repair, number)
        assert path.exists()
        repair(store)
        assert claim(store, path.parent.name).epoch > LAST
        assert {kept.read_bytes() for kept in (Path(store.address) / "quarantine").rglob("claim.json")} == {left}
        if lived:
            break
        number += 1
    assert number > 20


def test_killed_at_any_call_a_rebuild_after_a_power_cut_leaves_a_claim_and_no_epoch_is_given_twice(
    tmp_path: Path, clock: Clock
) -> None:
    left = b'{\n  "epoch": %d,\n  "for' % LAST
    number = 0
    while True:
        store = ClockedFileStore(str(tmp_path / str(number)), clock)
        path = damaged_claim(store, left, history=False)
        Path(store.layout.gate).write_bytes(b"2 a former boot\n")
        lived = not killed(store, ClockedFileStore.prepare, number)
        assert path.exists()
        assert claim(store, path.parent.name).epoch > LAST
        if lived:
            break
        number += 1
    assert number > 20


def test_an_answered_task_keeps_the_torn_claim_beside_its_answer_through_a_rebuild(
    store: ClockedFileStore, open_store: Open
) -> None:
    id = submit(store)
    path = Path(store.layout.task(id)) / "claim.json"
    claim(store, id)
    respond(store, id, "t")
    path.write_bytes(b"")
    open_store(boot="the next boot").prepare()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("lost", ["gone", "older"])
def test_a_claim_that_a_power_cut_took_back_leaves_its_epoch_taken_as_far_as_the_history_goes(
    store: ClockedFileStore, root: Path, open_store: Open, lost: str
) -> None:
    id = submit(store)
    path = root / "tasks" / id / "claim.json"
    older = None
    for _ in range(3):
        older = path.read_bytes() if path.exists() else None
        claim(store, id)
        release(store, id)
    path.unlink()
    if lost == "older" and older is not None:
        path.write_bytes(older)
    [finding] = [finding for finding in store.examine() if finding.task_id == id]
    assert (finding.code, finding.level) == ("claim_lost", "warning")
    assert claim(open_store(boot="the next boot"), id).epoch > 3
    assert [finding for finding in store.examine() if finding.task_id == id] == []


def test_doctor_mends_a_lost_claim_only_if_it_is_still_lost(store: ClockedFileStore, root: Path) -> None:
    id = submit(store)
    claim(store, id)
    release(store, id)
    path = root / "tasks" / id / "claim.json"
    whole = path.read_bytes()
    path.unlink()
    findings = [finding for finding in store.examine() if finding.code == "claim_lost"]
    path.write_bytes(whole)
    store.repair(findings)
    assert path.read_bytes() == whole
    os.unlink(path)
    store.repair(findings)
    assert json.loads(path.read_text())["epoch"] > 1
