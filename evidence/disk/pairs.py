"""Two processes: one is stopped or killed at one of its calls, the other works on; then the power goes.

What the first has made visible need not be on the disk, and whoever builds on it must not promise more than is.
Only what the second does is looked at here: crashes in the first are the stories'. The first ends at each of its calls
that does something; to end at one that fails is to end at the next, for nothing lies between them on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from disk import setups, steps, tree
from disk.facts import Attempted, Fact
from disk.record import Recorder, Recording, recorded
from disk.stories import Step, Story
from disk.trace import Site
from disk.tree import Tree
from disk.world import BODY, World

STOPPED, KILLED = "stopped", "killed"
Call = tuple[tuple[str, ...], bytes, tuple[Fact, ...]]


@dataclass(frozen=True)
class Pair:
    """`first` is stopped or killed, `second` goes on."""

    name: str
    before: Step
    first: Callable[[World], Call]
    """The call, its stdin, and what may be so because of it."""
    second: Step
    how: str
    setup: Step = setups.request_file


def sites(pair: Pair, folder: Path, home: Path) -> list[Site]:
    """The calls at which the first process may end."""
    recorder, world, (words, stdin, _), _ = _prepared(pair, folder, home)
    return recorder.command(world.boot).recorded((*world.flags, *words), recorder.log, stdin=stdin).sites


def record_pair(pair: Pair, site: Site, folder: Path, home: Path) -> Recording:
    """The first process ends at that call, the second is recorded."""
    recorder, world, (words, stdin, facts), start = _prepared(pair, folder, home)
    world.maybe(*facts)
    command, log, full = recorder.command(world.boot), home / "first.log", (*world.flags, *words)
    rest = Story(pair.name, steps.nothing, pair.second, settled=False)
    if pair.how == KILLED:
        recorder.followed(command.killed(full, log, site, stdin=stdin))
        return recorded(rest, world, recorder, start)
    first = command.stopped(full, log, site, stdin=stdin)
    try:
        first.stands()
        recorder.followed(first.so_far())
        return recorded(rest, world, recorder, start)
    finally:
        first.kill()


def _prepared(pair: Pair, folder: Path, home: Path) -> tuple[Recorder, World, Call, Tree]:
    tree.empty(str(folder))
    recorder = Recorder(folder, home)
    world = World(folder, home, recorder)
    pair.setup(world)
    start = recorder.begin()
    pair.before(world)
    call = pair.first(world)
    assert recorder.replay is not None
    recorder.replay.settle()
    return recorder, world, call, start


# --- what the first does -----------------------------------------------------------------------------------------


def submits(world: World) -> Call:
    """A task that nobody was told of."""
    words = ("submit", "--lane", "default", "-", "--prompt", "Unheard.")
    return words, BODY.encode(), (Attempted(("Unheard.", BODY)),)


def submits_with_key(world: World) -> Call:
    """One that will be submitted again."""
    return steps.KEYED, b"", (Attempted(("With a key.",)),)


def responds(world: World) -> Call:
    """An answer that nobody was told of."""
    words, fact = world.answer("a")
    return words, BODY.encode(), (fact,)


def _by_token(*words: str) -> Callable[[World], Call]:
    def call(world: World) -> Call:
        return (words[0], world.ids["a"], "--claim-token", world.tokens["a"], *words[1:]), b"", ()

    return call


def _plain(*words: str) -> Callable[[World], Call]:
    return lambda world: (words, b"", ())


def waits(world: World) -> Call:
    """An answer that is being written where it is wanted."""
    return ("wait", world.ids["a"], "--timeout", "0"), b"", ()


def imports(world: World) -> Call:
    """A store that is being restored."""
    facts = tuple(fact for _, fact in world.ledger.entries)
    world.ledger.entries.clear()
    return ("import", "backup.jsonl"), b"", facts


def reboots(world: World) -> Call:
    """The first change of another boot."""
    steps.to_next_boot(world)
    return ("event", world.ids["a"], "--message", "half"), b"", ()


# --- what the second does ----------------------------------------------------------------------------------------


def works(world: World) -> None:
    """Takes whatever there is, and submits."""
    world.take()
    steps.submit(world)


def only_takes(world: World) -> None:
    """Takes whatever there is."""
    world.take()


def asks_again(world: World) -> None:
    """Repeats the submit; then it is answered."""
    steps.submit_with_key(world)
    world.take()


def answers_again(world: World) -> None:
    """Repeats the answer."""
    steps.respond(world)


def imports_again(world: World) -> None:
    """Repeats the import."""
    entries = list(world.ledger.entries)
    world.run("import", "backup.jsonl")
    world.promise(*(fact for _, fact in entries))


def _again_and_works(step: Step) -> Step:
    def both(world: World) -> None:
        step(world)
        works(world)

    return both


PAIRS: tuple[Pair, ...] = (
    Pair("submit, taken by another", steps.older, submits, only_takes, STOPPED),
    Pair("first submit, another works", steps.nothing, submits, works, KILLED),
    Pair("submit, another works", steps.older, submits, works, KILLED),
    Pair("submit with a key, again", steps.older, submits_with_key, asks_again, KILLED),
    Pair("respond, read by another", steps.renewed, responds, steps.wait, STOPPED),
    Pair("respond, again", steps.claimed, responds, answers_again, KILLED),
    Pair("claim, another works", steps.older, _plain("claim", "--lane", "default"), works, KILLED),
    Pair("renew, then respond", steps.claimed, _by_token("renew"), answers_again, KILLED),
    Pair("release, another works", steps.claimed, _by_token("release"), works, KILLED),
    Pair("wait, again", steps.answered, waits, steps.wait, KILLED),
    Pair("import, again", steps.nothing, imports, imports_again, KILLED, setups.exported),
    Pair("rebuild, another works", steps.renewed, reboots, works, KILLED),
    Pair("rebuild, hints lost, another works", steps.nothing, reboots, works, KILLED, setups.hints_lost),
    Pair(
        "doctor --repair, again",
        steps.nothing,
        _plain("doctor", "--repair"),
        _again_and_works(steps.repair),
        KILLED,
        setups.spoiled,
    ),
    Pair("upgrade, another works", steps.nothing, reboots, works, KILLED, setups.store_of_v01),
)
