"""A story, recorded: the tree it began with, every operation, and what was acknowledged when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from disk import tree
from disk.program import Result
from disk.replay import Operation, Replay, Said
from disk.stories import Story
from disk.trace import Command, Done
from disk.tree import Tree
from disk.world import World


@dataclass(frozen=True)
class Recording:
    """All that is needed to think of every crash in it."""

    start: Tree
    operations: Sequence[Operation]
    end: Tree
    world: World
    begin: int
    """The operation with which the change itself begins, after what was prepared."""


class Recorder:
    """A world.Runner that follows every command, once it has begun."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.log = home / "strace.log"
        self.replay: Replay | None = None
        self._said = -1

    def begin(self) -> Tree:
        """What is there now is on the disk; from here on everything is recorded."""
        start = tree.read(str(self.folder))
        self.replay = Replay(str(self.folder), start)
        return start

    def run(self, words: tuple[str, ...], stdin: bytes, boot: str) -> Result:
        """See world.Runner."""
        return self.followed(self.command(boot).recorded(words, self.log, stdin=stdin))

    def command(self, boot: str) -> Command:
        """For what else may be done to a command."""
        return Command(self.folder, self.home, boot)

    def followed(self, done: Done) -> Result:
        """Take in what a command did."""
        if self.replay is not None:
            before = len(self.replay.operations)
            self.replay.follow(done.calls)
            steps = self.replay.operations
            said = [n for n in range(before, len(steps)) if isinstance(steps[n], Said)]
            if not said:  # its end is all that is heard of it
                steps.append(Said(b"", "it ended"))
            self._said = said[-1] if said else len(steps) - 1
        return Result(done.words, done.code, done.out.decode(), done.err)

    def said_at(self) -> int:
        """See world.Runner."""
        return self._said


def record(story: Story, folder: Path, home: Path) -> Recording:
    """Tell the story in this folder, which is emptied first. Raises AssertionError if a call was missed."""
    tree.empty(str(folder))
    recorder = Recorder(folder, home)
    world = World(folder, home, recorder)
    story.setup(world)
    start = recorder.begin()
    story.before(world)
    return recorded(story, world, recorder, start)


def recorded(story: Story, world: World, recorder: Recorder, start: Tree) -> Recording:
    """The change itself, after what stands before it."""
    replay = recorder.replay
    assert replay is not None
    replay.catch_up(tree.read(str(world.folder)))  # a story may edit files of the user's
    if story.settled:
        replay.settle()
    begin = len(replay.operations)
    story.change(world)
    found, left = replay.tree.shape(), tree.read(str(world.folder)).shape()
    if found != left:
        odd = sorted(path for path in found.keys() | left.keys() if found.get(path, 0) != left.get(path, 0))
        raise AssertionError(f"{story.name}: what was recorded is not what was done: {odd[:5]}")
    return Recording(start, replay.operations, replay.tree, world, begin)
