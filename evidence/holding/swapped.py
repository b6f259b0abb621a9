"""Locks, folders and whole stores that are deleted or replaced while they are in use."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from holding.place import DONE, LANE, NOT_FOUND, Broken, Case, Place, expect

WORKERS, TASKS = 4, 24


def _while_at_work(place: Place, spoil: Callable[[], None]) -> str:
    """Several drain a lane through commands while something is spoilt over and over: nothing is lost or doubled."""
    ids = [place.submit() for _ in range(TASKS // 2)]
    done, spoilt = threading.Event(), 0

    def work(number: int) -> list[str]:
        answered = []
        while not (done.is_set() and not _open(place)):
            values = place.call("claim", "--lane", LANE, "--owner", f"owner {number}").values
            if "task_id" in values:
                id = values["task_id"]
                place.call("respond", id, "--claim-token", values["claim_token"], "--body", f"by {number}")
                answered.append(id)
        return answered

    with ThreadPoolExecutor(WORKERS) as threads:
        working = [threads.submit(work, number) for number in range(WORKERS)]
        try:
            while len(ids) < TASKS:
                spoil()
                spoilt += 1
                ids.append(place.submit())
        finally:
            done.set()
        answered = [id for one in working for id in one.result()]
    expect(sorted(answered) == sorted(ids), f"{len(ids)} submitted, {len(answered)} answered")
    if not _healthy(place):
        place.call("doctor", "--repair")
    place.healthy()
    return f"{WORKERS} workers, {TASKS} tasks, spoilt {spoilt} times: each answered once"


def _healthy(place: Place) -> bool:
    try:
        place.healthy()
    except Broken:
        return False
    return True


def _open(place: Place) -> list[str]:
    return [path.name for path in (place.store / "tasks").iterdir() if not (path / "response.json").exists()]


def _gate(place: Place) -> str:
    return _while_at_work(place, lambda: (place.store / "gate").unlink(missing_ok=True))


def _gate_emptied(place: Place) -> str:
    return _while_at_work(place, lambda: (place.store / "gate").write_bytes(b"\0"))


def _counter(place: Place) -> str:
    return _while_at_work(place, lambda: (place.store / "ready" / LANE / ".sequence").unlink(missing_ok=True))


def _folders(place: Place) -> str:
    def spoil() -> None:
        for name in ("tmp", "signals", "keys", "claims"):
            shutil.rmtree(place.store / name, ignore_errors=True)

    return _spoilt_at_rest(place, spoil, "tmp/, signals/, keys/, claims/")


def _hints(place: Place) -> str:
    def spoil() -> None:
        for name in ("ready", "timers", "held"):
            shutil.rmtree(place.store / name, ignore_errors=True)

    return _spoilt_at_rest(place, spoil, "ready/, timers/, held/")


def _spoilt_at_rest(place: Place, spoil: Callable[[], None], what: str) -> str:
    ids = [place.submit() for _ in range(4)]
    held = place.claim(ids[0])
    waiting = place.blocked("claim", "--lane", "empty", "--wait", "60")
    spoil()
    expect([place.claim()[0] for _ in ids[1:]] == ids[1:], "not all are found")
    place.call("respond", held[0], "--claim-token", held[1], "--body", "b")
    fresh = place.submit(lane="empty")
    expect(place.end(waiting, DONE).values["task_id"] == fresh, "the waiter got something else")
    place.healthy()
    return f"{what} are made again by the next change; every task is found, a blocked claim gets the next one"


def _task_folder(place: Place) -> str:
    id, other = place.submit(), place.submit()
    _, token = place.claim(id)
    waiting = place.blocked("wait", id, "--timeout", "60", "--quiet")
    shutil.rmtree(place.store / "tasks" / id)
    for words in (("renew", id), ("release", id), ("event", id), ("respond", id, "--body", "b")):
        place.refused(*words, "--claim-token", token, names=(id,), code=NOT_FOUND)
    expect(place.claim()[0] == other, "the other task is not offered")
    place.call("list")
    told = place.end(waiting, NOT_FOUND).err.decode().strip().splitlines()[-1]
    place.call("doctor", "--repair")
    place.healthy()
    return f"the holder and the waiter (within 20 s) are told, exit code {NOT_FOUND}: {told}; everybody else goes on"


def _deleted(place: Place) -> str:
    id = place.submit()
    waiting = place.blocked("wait", id, "--timeout", "60", "--quiet")
    claiming = place.blocked("claim", "--lane", "empty", "--wait", "60")
    shutil.rmtree(place.store)
    told = place.end(waiting, NOT_FOUND).err.decode().strip().splitlines()[-1]
    fresh = place.submit(lane="empty")
    expect(place.end(claiming, DONE).values["task_id"] == fresh, "the claimer got something else")
    place.healthy()
    return f"wait: exit code {NOT_FOUND} within 20 s: {told}; a blocked claim gets the first task of the new store"


def _replaced(place: Place) -> str:
    id, held = place.submit(), place.submit()
    _, token = place.claim(held)
    waiting = place.blocked("wait", id, "--timeout", "60", "--quiet")
    claiming = place.blocked("claim", "--lane", "empty", "--wait", "60")
    place.store.rename(place.root / "away")
    fresh = place.submit(lane="empty")
    expect(place.end(claiming, DONE).values["task_id"] == fresh, "the claimer got something else")
    place.end(waiting, NOT_FOUND)
    place.refused("respond", held, "--claim-token", token, "--body", "b", names=(held,), code=NOT_FOUND)
    place.healthy()
    shutil.rmtree(place.store)
    (place.root / "away").rename(place.store)
    place.call("respond", held, "--claim-token", token, "--body", "b")
    place.healthy()
    return "a blocked claim finds the new store's task within 20 s; wait and holder: not found; put back, all goes on"


def _restored(place: Place) -> str:
    id = place.submit()
    shutil.copytree(place.store, place.root / "backup", symlinks=True)
    _, old = place.claim(id)
    waiting = place.blocked("wait", id, "--timeout", "60", "--quiet")
    shutil.rmtree(place.store)
    (place.root / "backup").rename(place.store)
    said = place.refused("respond", id, "--claim-token", old, "--body", "of the time before", names=("never claimed",))
    _, new = place.claim(id, owner="second")
    expect(place.task(id)["epoch"] == 1, "the epoch of the time before is known")
    place.refused("renew", id, "--claim-token", old, names=("second", "epoch 1"))
    place.call("respond", id, "--claim-token", new, "--body", "of the new time")
    expect(place.end(waiting, DONE).out == b"of the new time", "the waiter got something else")
    place.healthy()
    return (
        f"a claim from after the back-up is unknown: {said}; the same epoch is given anew, the token tells them apart"
    )


def _answer_undone(place: Place) -> str:
    id = place.submit()
    _, token = place.claim(id)
    shutil.copytree(place.store, place.root / "backup", symlinks=True)
    place.call("respond", id, "--claim-token", token, "--body", "first")
    shutil.rmtree(place.store)
    (place.root / "backup").rename(place.store)
    place.call("respond", id, "--claim-token", token, "--body", "second")
    expect(place.answer(id) == "second", "the answer is not there")
    place.healthy()
    return "what came after the back-up is gone, as with every back-up; the holder may answer again"


def _two_names(place: Place) -> str:
    (place.root / "other-name").symlink_to(place.store)
    ids = [place.submit() for _ in range(6)]
    other = ("--store", str(place.root / "other-name"))

    def claim(number: int) -> str:
        words = ("claim", "--lane", LANE)
        if number % 2:
            return place.call(*words).values["task_id"]
        return place.checked(words, place.run(*other, *words), DONE).values["task_id"]

    place.call("list")
    with ThreadPoolExecutor(6) as threads:
        taken = list(threads.map(claim, range(6)))
    expect(sorted(taken) == sorted(ids), f"claimed {taken}")
    return "by its path and by a symlink: the locks hold, each task is claimed once"


def _moved_while_held(place: Place) -> str:
    id = place.submit()
    _, token = place.claim(id)
    place.store.rename(place.root / "moved")
    place.store.symlink_to(place.root / "moved")
    place.call("renew", id, "--claim-token", token)
    place.call("respond", id, "--claim-token", token, "--body", "b")
    place.store.unlink()
    (place.root / "moved").rename(place.store)
    place.healthy()
    return "moved elsewhere with a link left behind: the claim goes on"


CASES = (
    Case("The gate is deleted over and over while commands are at work", "nothing lost, nothing twice", _gate),
    Case("The gate is overwritten over and over", "the same", _gate_emptied),
    Case("A lane's counter is deleted over and over", "the same", _counter),
    Case("The hints are deleted while a claim blocks", "made again; every task is found", _hints),
    Case(
        "tmp/, signals/, keys/, claims/ are deleted while a claim blocks",
        "made again; blocked claims go on",
        _folders,
        long=True,
    ),
    Case(
        "A task's folder is deleted while it is held and awaited",
        "both are told; the others go on",
        _task_folder,
        long=True,
    ),
    Case(
        "The store is deleted while a wait and a claim block",
        "wait: not found; claim: the next task of the new one",
        _deleted,
        long=True,
    ),
    Case(
        "The store is moved away, a new one takes its place, and the old one comes back",
        "each is a store of its own",
        _replaced,
        long=True,
    ),
    Case(
        "The store is restored from a back-up while a wait blocks",
        "no token of the time before is valid",
        _restored,
        long=True,
    ),
    Case("The store is restored to before an answer", "the task is open again", _answer_undone),
    Case("One store under two names", "they exclude each other", _two_names),
    Case("The store is moved, with a link left behind, while a task is held", "the claim goes on", _moved_while_held),
)
