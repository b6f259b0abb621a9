"""Every step of a change, one after the other: what if exactly this call to the system fails, or is the last one?"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contracts.stores import BOOT, Clock, ClockedFileStore, claim, make, note, park, release, renew, respond

from agent_lanes.backends.files import together
from agent_lanes.core.digest import sha256
from agent_lanes.core.task import Claim, Lease, Snapshot, Task
from agent_lanes.core.transitions import created
from agent_lanes.errors import NotFound, Refused
from agent_lanes.services.queue import QueueService

CALLS = ("open", "read", "write", "pread", "pwrite", "fsync", "rename", "link", "unlink", "mkdir", "stat", "listdir")
ID = "the-task"
REQUEST = b"please"
Do = Callable[[ClockedFileStore], object]


def submit(store: ClockedFileStore) -> object:
    return store.create("default", make(id=ID, request_stored=True, request_sha256=sha256(REQUEST)), REQUEST)


def submit_with_a_key(store: ClockedFileStore) -> Task:
    return store.create("default", make(idempotency_key="k"), None, "k")


def restore(store: ClockedFileStore) -> None:
    """A claimed task of another store."""
    born = make(id=ID, request_stored=True, request_sha256=sha256(REQUEST), idempotency_key="k")(Birth(store))
    lease = Lease(seconds=100, expires_at=store.now().wall + 1, boot_id=BOOT, ends_boottime=store.now().boottime + 1)
    held = Claim(epoch=3, owner="o", token="t", claimed_at=1, updated_at=1, lease=lease)
    snapshot = Snapshot(task=born, claim=held)
    store.restore(snapshot, (created(snapshot),), REQUEST)


class Birth:
    """What a store would add."""

    id, chance, sequence = None, "0" * 12, 7

    def __init__(self, store: ClockedFileStore) -> None:
        self.now = store.now()


def claim_next(store: ClockedFileStore, request_id: str | None = None) -> object:
    found = QueueService(store).claim_next("default", request_id=request_id)
    if found is None:
        raise Refused("idle")
    return found


# What stands before, and the change that is made.
CHANGES: dict[str, tuple[tuple[Do, ...], Do]] = {
    "submit": ((), submit),
    "claim": ((submit,), lambda store: claim(store, ID)),
    "claim the next": ((submit,), claim_next),
    "claim with a request id": ((submit,), lambda store: claim_next(store, "r")),
    "restore": ((), restore),
    "claim again after the lease": (
        (submit, lambda store: claim(store, ID, "former", lease_seconds=1), lambda store: store.clock.advance(1)),  # type: ignore[attr-defined]
        lambda store: claim(store, ID),
    ),
    "renew": ((submit, lambda store: claim(store, ID)), lambda store: renew(store, ID, lease_seconds=200)),
    "release": ((submit, lambda store: claim(store, ID)), lambda store: release(store, ID)),
    "park": ((submit,), lambda store: park(store, ID)),
    "respond": ((submit, lambda store: claim(store, ID)), lambda store: respond(store, ID, "t")),
    "respond without a claim": ((submit,), lambda store: respond(store, ID)),
    "note": ((submit,), lambda store: note(store, ID, "m")),
}


def store_in(path: Path) -> ClockedFileStore:
    """A store that is there, with nothing in it."""
    store = ClockedFileStore(str(path), Clock())
    store.prepare()
    return store


def prepared(folder: Path, change: str) -> ClockedFileStore:
    """A store on which everything stands that comes before the change."""
    store = store_in(folder)
    for step in CHANGES[change][0]:
        step(store)
    assert store.boot_id == BOOT
    return store


def reopened(store: ClockedFileStore, warn: Callable[[str], None] = lambda line: None) -> ClockedFileStore:
    """The same store as the next process finds it."""
    return ClockedFileStore(store.address, store.clock, warn=warn)


def stands(store: ClockedFileStore) -> Snapshot | None:
    """What the facts say."""
    try:
        return store.read(ID)
    except NotFound:
        return None


@contextmanager
def at_call(number: int, act: Callable[[str, tuple[Any, ...]], None]) -> Iterator[list[str]]:
    """`act` instead of the given call, counted from 0; the list yielded says which calls there were."""
    seen: list[str] = []
    originals: list[tuple[Any, str, Any]] = [(os, name, getattr(os, name)) for name in CALLS]
    originals.append((fcntl, "flock", fcntl.flock))
    originals.append((together, "syncfs", together.syncfs))

    def counted(name: str, original: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            seen.append(name)
            if len(seen) == number + 1:
                act(name, args)
            return original(*args, **options)

        return call

    try:
        for module, name, original in originals:
            setattr(module, name, counted(name, original))
        yield seen
    finally:
        for module, name, original in originals:
            setattr(module, name, original)


def die(name: str, args: tuple[Any, ...]) -> None:
    """The last call of this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def after_death(store: ClockedFileStore, do: Do, number: int) -> bool:
    """Make the change in a process that is killed at that call; False if it lived to the end."""
    child = os.fork()
    if child == 0:
        with at_call(number, die):
            try:
                do(reopened(store))
            finally:
                os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)
