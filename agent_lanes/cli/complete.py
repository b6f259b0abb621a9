"""What could stand next on a command line: `agent-lanes __complete SHELL WORD...`, asked by the completion scripts.

The words are those of the line up to the cursor, without the program's; the last one is being typed and may be empty.
Each answer is a line: a value, and for zsh and fish after a tab what it is. A single `:files` means that the shell
completes paths. Whatever is wrong, it is silent: nobody wants an error in the middle of a line.

What an option takes is told by its metavar, which means the same wherever it stands.
"""

from __future__ import annotations

import sys

from agent_lanes.cli import output
from agent_lanes.cli.options import FLAG, GLOBAL, PAIRS, Option
from agent_lanes.cli.table import COMMANDS, command, module_name
from agent_lanes.core.escapes import one_line
from agent_lanes.core.names import short_id
from agent_lanes.errors import AgentLanesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_lanes.wiring import Session

VERB = "__complete"
FILES = ":files"
BASH = "bash"
MOST_TASKS = 40
LONGEST_DESCRIPTION = 60
KNOWN_VENDORS = ("any", "claude", "codex", "gemini", "opencode", "qwen", "copilot", "amp", "cursor", "aider")

Offer = tuple[str, str]


def run(words: list[str]) -> int:
    """Print what fits; the exit code is 0 whatever happens."""
    shell, *words = words or [BASH]
    joined = shell == BASH and _join(words)
    try:
        for value, what in offers(words or [""], described=shell != BASH):
            if value.isprintable():
                value = value.partition("=")[2] if joined else value
                alone = shell == BASH or value == FILES
                output.line(value if alone else f"{value}\t{one_line(what)[:LONGEST_DESCRIPTION]}")
    except (AgentLanesError, OSError):
        pass
    return 0


def offers(words: list[str], *, described: bool) -> Iterator[Offer]:
    """The values that fit the last word, each with a description; those of tasks cost a look, only if `described`."""
    line, word = Line(words[:-1], described), words[-1].lstrip("'\"")
    flag, equals, value = word.partition("=")
    if line.pending is not None:
        yield from line.values(line.pending, word)
    elif flag.startswith("--") and equals and flag in line.flags:
        for offer, what in line.values(line.flags[flag], value):
            yield f"{flag}={offer}", what
    elif word.startswith("-"):
        yield from line.flags_left(word)
    elif line.verb is None:
        yield from ((entry.name, entry.summary) for entry in COMMANDS if entry.name.startswith(word))
    elif line.places:
        yield from line.values(line.places[0], word)
    elif not word:
        yield from line.flags_left(word)


class Line:
    """What the words before the last one say."""

    def __init__(self, words: list[str], described: bool) -> None:
        self.verb: str | None = None
        self.pending: Option | None = None
        self.places: list[Option] = []
        self.flags = {option.flag: option for option in GLOBAL}
        self._given: dict[str, str] = {}
        self._described = described
        for word in words:
            self._read(word.strip("'\""))

    def _read(self, word: str) -> None:
        if self.pending is not None:
            self._given[self.pending.flag], self.pending = word, None
        elif word.startswith("-") and word != "-":
            flag, equals, value = word.partition("=")
            self._given[flag] = value
            option = self.flags.get(flag)
            if option is not None and option.kind != FLAG and not equals:
                self.pending = option
        elif self.verb is None:
            self.verb = word
            self._open(word)
        elif self.places and self.places[0].kind != PAIRS:
            self.places.pop(0)

    def _open(self, verb: str) -> None:
        entry = command(verb)
        if entry is not None:
            name = module_name(entry)
            __import__(name)
            options: tuple[Option, ...] = sys.modules[name].OPTIONS
            self.places = [option for option in options if option.positional]
            self.flags |= {option.flag: option for option in options if not option.positional and not option.hidden}

    def flags_left(self, word: str) -> Iterator[Offer]:
        """Flags that were not given yet, or may be given again."""
        for flag, option in self.flags.items():
            if flag.startswith(word) and (flag not in self._given or option.kind == PAIRS):
                yield flag, option.help
        if "--help".startswith(word):
            yield "--help", "how it is used"

    def values(self, option: Option, word: str) -> Iterator[Offer]:
        """What an option can be."""
        find = VALUES.get(option.metavar or option.flag)
        if option.choices:
            yield from ((choice, "") for choice in option.choices if choice.startswith(word))
        elif find is not None:
            from agent_lanes.wiring import Session

            session = Session(config=self._given.get("--config"), store=self._given.get("--store"))
            yield from find(session, word, self._described)


def tasks(session: Session, word: str, described: bool) -> Iterator[Offer]:
    """Tasks of the store, the newest first, by the short ids that people see, or by the whole id once that is typed."""
    found = [(short_id(id), id) for id in reversed(session.backend.ids())]
    fitting = [(offer, id) for offer, id in found if offer.startswith(word)]
    fitting = fitting or [(id, id) for _, id in found if id.startswith(word)]
    for offer, id in fitting[:MOST_TASKS]:
        yield offer, _told(session, id) if described else ""


def lanes(session: Session, word: str, described: bool) -> Iterator[Offer]:
    """Lanes that the config declares, and those that have had tasks."""
    declared = session.config.lanes if session.config is not None else {}
    for name in sorted({*declared, *session.backend.lanes()}):
        if name.startswith(word):
            yield name, declared[name].description if name in declared else ""


def vendors(session: Session, word: str, described: bool) -> Iterator[Offer]:
    """Vendors that are widely known, and those that tasks of this store were meant for."""
    for name in sorted({*KNOWN_VENDORS, *session.backend.vendors()}):
        if name.startswith(word):
            yield name, ""


def files(session: Session, word: str, described: bool) -> Iterator[Offer]:
    """The shell knows them."""
    yield FILES, ""


def _told(session: Session, id: str) -> str:
    from agent_lanes.core import glance

    try:
        view = session.looks.status(session.looks.read(id))
    except AgentLanesError:
        return ""
    return f"{glance.phase(view)} · {view['lane']} · {glance.title(view)}"


def _join(words: list[str]) -> bool:
    """bash cuts `--flag=value` into three words: make it one again; whether the last one was."""
    joined = False
    for at in reversed(range(1, len(words))):
        if words[at] == "=" and words[at - 1].startswith("--"):
            joined = joined or at >= len(words) - 2
            words[at - 1 : at + 2] = ["".join(words[at - 1 : at + 2])]
    return joined


VALUES: dict[str, Callable[[Session, str, bool], Iterator[Offer]]] = {
    **dict.fromkeys(("TASK_ID", "ID"), tasks),
    **dict.fromkeys(("L", "LANE"), lanes),
    "V": vendors,
    **dict.fromkeys(("P", "PATH", "FILE", "FILE.jsonl", "REQUEST"), files),
}
