"""The disks that may be found after a power cut: at every moment of a history, and each only once.

A crash after operation n leaves the disk in one of many states: for each loose step in folders there or not, for each
file with loose writes one of its contents. At each n only the states that are new with it are made: those in which
the operation itself took place; after a command has said something, all of them again, because more is promised now.
Where there are no more than `most` they are all made. Else: everything there, nothing there, and once something new
is promised each step alone missing; and up to `most` more: each alone missing or there, each content alone, then by
seeded chance.

Every moment at which something new is promised is looked at; of the quiet ones, at which nothing is, up to `quiet`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from random import Random

from disk.replay import Data, Mode, Names, Operation, Said
from disk.rules import ORDERED, POSIX, Loose, contents, loose
from disk.tree import Tree

CUTS_HERE, CUTS_ELSEWHERE = 64, 3
TRIES_FOR_ONE = 3
MANY = 10

Kept = frozenset[int]
Contents = dict[int, list[tuple[bytes, str]]]
"""Of each file, what it may hold and how that came: first as before, then whole."""
Choice = tuple[Kept, dict[int, tuple[bytes, str]]]


@dataclass(frozen=True)
class State:
    """A disk after a crash, and how it came to be so."""

    after: int
    """The number of the last operation before the crash."""
    tree: Tree
    lost: tuple[str, ...]
    torn: tuple[str, ...]

    def story(self, operations: Sequence[Operation]) -> str:
        """One line that says which state it is."""
        parts = [f"power lost after {self.after}: {operations[self.after].what}"]
        if self.lost:
            parts.append("undone: " + ", ".join(self.lost))
        if self.torn:
            parts.append("contents: " + ", ".join(self.torn))
        return "; ".join(parts)


@dataclass
class Moments:
    """All moments of one history at which the power may go."""

    start: Tree
    operations: Sequence[Operation]
    all_files: Tree
    """The tree that the history ends in: it knows of each inode whether it is a file or a folder."""
    level: str
    rng: Random
    most: int
    speaks: Callable[[int], int]
    """How much is promised after an operation: a number that grows."""
    begin: int = 0
    quiet: int | None = None
    """How many of the moments at which nothing new is promised are looked at, taken by chance; None: all of them."""
    opened: set[tuple[int, bytes]] = field(default_factory=set)
    """States of the same history that were looked at elsewhere: they count here, and are not made once more."""
    points: int = 0
    complete: int = 0
    _seen: set[tuple[int, bytes]] = field(default_factory=set)

    def states(self) -> Iterator[State]:
        """Every state that is looked at, in order."""
        numbers = range(self.begin, len(self.operations))
        news = {number for number in numbers if self._tells(number)}
        quiet = [number for number in numbers if isinstance(self.operations[number], (Names, Data))]
        if self.quiet is not None and self.quiet < len(quiet):
            quiet = self.rng.sample(quiet, self.quiet)
        for number in sorted(news.union(quiet)):
            self.points += 1
            yield from self._after(number, None if number in news else number)

    def _tells(self, number: int) -> bool:
        return isinstance(self.operations[number], Said) and self.speaks(number) > self.speaks(number - 1)

    def _after(self, number: int, must: int | None) -> Iterator[State]:
        found = loose(self.start, self.operations[: number + 1], self.level)
        step = self.operations[number]
        here = step.inode if isinstance(step, Data) else None
        choice = {
            inode: list(contents(base, done, CUTS_HERE if inode == here else CUTS_ELSEWHERE, self.rng).items())
            for inode, (base, done) in found.writes.items()
        }
        if here is not None:
            choice[here] = choice[here][1:] or choice[here]  # as before: not new
        must_keep = must if isinstance(step, Names) and must is not None else None
        if self._number_of(found, choice, must_keep) <= self.most:
            self.complete += 1
            yield from self._new(number, found, self._all(found, choice, must_keep), self.most)
            return
        yield from self._new(
            number, found, self._sure(found, choice, must_keep, every=must is None), len(found.steps) + 9
        )
        yield from self._new(number, found, self._some(found, choice, must_keep), self.most)

    def _new(self, number: int, found: Loose, choices: Iterator[Choice], most: int) -> Iterator[State]:
        """Those that were not seen yet, up to so many, less those that were opened elsewhere."""
        for kept, held in choices:
            if most <= 0:
                return
            state = self._state(number, found, kept, held)
            key = (self.speaks(number), state.tree.digest())
            if key not in self._seen:
                self._seen.add(key)
                most -= 1
                if key not in self.opened:
                    self.opened.add(key)
                    yield state

    def _number_of(self, found: Loose, choice: Contents, must: int | None) -> int:
        steps = len(found.steps) + 1 if self.level == ORDERED else 2 ** (len(found.steps) - (must is not None))
        return steps * prod(len(some) for some in choice.values())

    def _all(self, found: Loose, choice: Contents, must: int | None) -> Iterator[Choice]:
        for kept in self._kept(found.steps, must):
            for some in product(*choice.values()):
                yield kept, dict(zip(choice, some, strict=True))

    def _kept(self, steps: tuple[int, ...], must: int | None) -> Iterator[Kept]:
        if self.level == ORDERED:
            first = len(steps) if must is not None else 0
            yield from (frozenset(steps[:count]) for count in range(first, len(steps) + 1))
            return
        free = [step for step in steps if step != must]
        sure = {must} if must is not None else set()
        for bits in product((True, False), repeat=len(free)):
            yield frozenset(sure.union(step for step, bit in zip(free, bits, strict=True) if bit))

    def _sure(self, found: Loose, choice: Contents, must: int | None, *, every: bool) -> Iterator[Choice]:
        """What is never left out."""
        nothing, everything = _ends(choice)
        sure = frozenset({must} if must is not None else ())
        yield frozenset(found.steps), everything
        yield sure, nothing
        if every and self.level == POSIX:
            for step in self.rng.sample(found.steps, len(found.steps)):
                yield frozenset(found.steps) - {step}, everything
        yield sure, everything
        yield frozenset(found.steps), nothing

    def _some(self, found: Loose, choice: Contents, must: int | None) -> Iterator[Choice]:
        """The extremes, then by chance."""
        rng, steps = self.rng, found.steps
        nothing, everything = _ends(choice)
        for kept in self._extremes(steps, must):
            yield kept, everything
            yield kept, nothing
        for kept in (frozenset(steps), frozenset({must} if must is not None else ())):
            for rest in (everything, nothing):
                yield from ((kept, {**rest, inode: one}) for inode, some in choice.items() for one in some[:40])
        for _ in range(self.most * TRIES_FOR_ONE):
            likely = rng.choice((0.1, 0.5, 0.9))
            if self.level == ORDERED:
                kept = frozenset(steps[: len(steps) if must is not None else rng.randint(0, len(steps))])
            else:
                kept = frozenset(step for step in steps if step == must or rng.random() < likely)
            yield (
                kept,
                {
                    inode: rng.choice((some[0], some[min(1, len(some) - 1)], rng.choice(some)))
                    for inode, some in choice.items()
                },
            )

    def _extremes(self, steps: tuple[int, ...], must: int | None) -> Iterator[Kept]:
        if self.level == ORDERED:
            yield from self._kept(steps, must)
            return
        sure = frozenset({must} if must is not None else ())
        yield frozenset(steps)
        yield sure
        yield from (frozenset(steps) - {step} | sure for step in steps)
        yield from (sure | {step} for step in steps)
        yield from (frozenset(steps[:count]) | sure for count in range(1, len(steps)))

    def _state(self, number: int, found: Loose, kept: Kept, held: dict[int, tuple[bytes, str]]) -> State:
        tree = self.start.copy()
        for inode in self.all_files.folders:
            tree.folders.setdefault(inode, {})
        tree.modes = dict(self.all_files.modes)
        uncertain, lost = set(found.steps), []
        for index in range(number + 1):
            step = self.operations[index]
            if isinstance(step, Names):
                if index in uncertain and index not in kept:
                    lost.append(step.what)
                    continue
                for folder, name, inode in step.entries:
                    if inode is None:
                        tree.folders[folder].pop(name, None)
                    else:
                        tree.folders[folder][name] = inode
            elif isinstance(step, Mode):
                tree.modes[step.inode] = step.mode
            elif isinstance(step, Data) and step.inode not in held:
                tree.files[step.inode] = step.applied(tree.files.get(step.inode, b""))
        for inode in self.all_files.files:
            tree.files.setdefault(inode, b"")
        torn = []
        for inode, (content, how) in held.items():
            tree.files[inode] = content
            if how != "whole":
                torn.append(f"{found.writes[inode][1][0].what} {how}")
        return State(number, tree, tuple(lost), tuple(torn))


def _ends(choice: Contents) -> tuple[dict[int, tuple[bytes, str]], dict[int, tuple[bytes, str]]]:
    """Every file as before; every file whole."""
    return {inode: some[0] for inode, some in choice.items()}, {
        inode: some[min(1, len(some) - 1)] for inode, some in choice.items()
    }
