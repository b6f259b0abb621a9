"""What a power cut may undo. Two levels, from the weakest promise that a program may build on to a common disk's.

`posix`, what only the standard promises, as ALICE's weakest model does ("All File Systems Are Not Created Equal",
Pillai et al., OSDI 2014, section 3.2: its abstract persistence models):

- fsync of a file: its content and size are on the disk; its name is not (fsync(2): an explicit fsync of the folder
  is needed for that).
- fsync of a folder: the names in it are as they are; those in its parent, its own among them, are not.
- Everything else may be missing or there, each independent of every other, in any order: an entry that was made,
  removed or replaced; each write.
- One step in folders is atomic: a rename takes place wholly, also between two folders, or not at all (rename(2);
  every journal and every copy-on-write tree gives this, and without it no program could replace a file).
- A rename that was lost leaves the old file in place. A file whose last name is gone is gone.

`ordered`, what ext4 (data=ordered, its default), xfs and btrfs do beyond that (the kernel's documentation of ext4,
"Data Mode"; of the xfs log; btrfs(5)): steps in folders go through one journal, so after a crash the first so many of
them have taken place, and an fsync of anything brings all that came before it to the disk. Contents
stay as weak as above: with delayed allocation a file may have its new name and none of its bytes.

Contents, on both levels: of what was written since the last fsync of the file, each write may be missing; one may be
cut at any byte; the size may be the new one and the bytes zero; blocks of 4096 bytes may be missing and read as
zeros, in any order. Not modelled: bytes that were never written there (stale blocks, which data=ordered and the
others rule out), a disk that loses what it has confirmed, modes and times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from random import Random

from disk.replay import Data, Names, Operation, Sync, SyncAll
from disk.tree import Tree

POSIX, ORDERED = "posix", "ordered"
LEVELS = (POSIX, ORDERED)
BLOCK = 4096
FEW_CHANGES = 4


@dataclass(frozen=True)
class Loose:
    """What is not certain after a crash: steps in folders by number, and writes by file."""

    steps: tuple[int, ...]
    writes: dict[int, tuple[bytes, tuple[Data, ...]]]
    """inode: what it certainly held, and what was written since."""


def loose(start: Tree, operations: Sequence[Operation], level: str) -> Loose:
    """What may be missing when the power goes after these operations."""
    steps: list[int] = []
    held: dict[int, bytes] = {}
    writes: dict[int, list[Data]] = {}
    for number, step in enumerate(operations):
        if isinstance(step, Names):
            steps.append(number)
        elif isinstance(step, Data):
            writes.setdefault(step.inode, []).append(step)
        elif isinstance(step, (Sync, SyncAll)):
            settled = [step.inode] if isinstance(step, Sync) else list(writes)
            for inode in settled:
                held[inode] = applied(held.get(inode, start.files.get(inode, b"")), writes.pop(inode, ()))
            if isinstance(step, SyncAll) or level == ORDERED:
                steps.clear()
            else:
                steps = [n for n in steps if not _in(operations[n], step.inode)]
    open_writes = {inode: (held.get(inode, start.files.get(inode, b"")), tuple(done)) for inode, done in writes.items()}
    return Loose(tuple(steps), open_writes)


def applied(content: bytes, changes: Sequence[Data]) -> bytes:
    """The content after all of them."""
    for change in changes:
        content = change.applied(content)
    return content


def contents(base: bytes, changes: Sequence[Data], cuts: int, rng: Random) -> dict[bytes, str]:
    """What a file may hold, and how that came: first nothing of the changes, then all of them, then parts.

    Each write is cut at up to `cuts` bytes; at every one if it is no longer than that.
    """
    found = {base: "as before"}
    found.setdefault(applied(base, changes), "whole")
    for some in _some(changes):
        found.setdefault(applied(base, some), f"{len(some)} of {len(changes)} writes")
    for number, change in enumerate(changes):
        before = applied(base, changes[:number])
        for content, how in _torn(before, change, cuts, rng):
            found.setdefault(content, how)
    full = applied(base, changes)
    if len(full) > BLOCK:
        for content, how in _blocks(base, full, rng):
            found.setdefault(content, how)
    return found


def _in(step: Operation, folder: int) -> bool:
    return isinstance(step, Names) and any(entry[0] == folder for entry in step.entries)


def _some(changes: Sequence[Data]) -> Iterator[tuple[Data, ...]]:
    if len(changes) > FEW_CHANGES:
        return (tuple(changes[:number]) for number in range(1, len(changes)))
    return chain.from_iterable(combinations(changes, number) for number in range(1, len(changes)))


def _torn(before: bytes, change: Data, cuts: int, rng: Random) -> Iterator[tuple[bytes, str]]:
    if change.data is None:
        return
    size = len(change.data)
    places = set(range(size)) if size <= cuts else {0, 1, size - 1, size // 2, *range(0, size, BLOCK)}
    while len(places) < min(cuts, size):
        places.add(rng.randrange(size))
    for place in sorted(places):
        part = Data(change.inode, change.offset, change.data[:place], change.what)
        yield part.applied(before), f"cut after {place} of {size} bytes"
        zeros = Data(change.inode, change.offset, change.data[:place].ljust(size, b"\0"), change.what)
        yield zeros.applied(before), f"zeros after {place} of {size} bytes"


def _blocks(base: bytes, full: bytes, rng: Random) -> Iterator[tuple[bytes, str]]:
    count = -(-len(full) // BLOCK)
    lost = [{number} for number in range(count)] + [set(range(count)) - {number} for number in range(count)]
    lost += [{number for number in range(count) if rng.random() < 0.5} for _ in range(4)]
    for some in lost:
        out = bytearray(full)
        for number in some:
            old = base[number * BLOCK : (number + 1) * BLOCK]
            end = min(len(full), (number + 1) * BLOCK)
            out[number * BLOCK : end] = old.ljust(end - number * BLOCK, b"\0")[: end - number * BLOCK]
        yield bytes(out), f"blocks {sorted(some)} of {count} not written"
