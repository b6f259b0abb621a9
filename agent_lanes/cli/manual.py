"""Help, made from the table and the options: the overview, and a page for each command.

    page(argv)    what to print for a call that asks for help or the version; None for any other
    front(argv)   what stands in front of a command, the command, what follows

The width is fixed, so that help reads the same everywhere.
"""

from __future__ import annotations

import sys

from agent_lanes import __version__
from agent_lanes.cli.options import FLAG, GLOBAL, PAIRS, Option
from agent_lanes.cli.table import COMMANDS, Command, command, module_name
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 100
COLUMN = 26  # where the explanations begin
FIRST_STEPS = """\
first steps:
  agent-lanes init                                  make handoff/ in this project
  VENDOR=claude bash handoff/dispatcher.sh          in one terminal: work on tasks with Claude Code
  agent-lanes run --lane default request.md         in another: hand over a request, get the answer
  agent-lanes COMMAND --help                        everything about one command

exit codes: 0 done · 1 failed · 2 timed out, call again · 4 refused · 5 not found · 6 not allowed ·
  8 the task failed · 9 cancelled · 64 usage · 65 bad data · 74 I/O · 75 busy, try again ·
  76 done, not confirmed · 130 interrupted"""


def page(argv: list[str]) -> str | None:
    """The text that a call asks for; None if it asks for none. Raises BadUsage: no such command, none at all."""
    _, verb, rest = front(argv)
    if verb in ("-h", "--help", "help"):
        return overview()
    if verb == "--version":
        return f"agent-lanes {__version__}\n"
    entry = command(verb)
    if entry is None:
        raise BadUsage(f"there is no command {verb!r}{_meant(verb)}", hint="see: agent-lanes --help")
    ours = rest[: rest.index("--")] if "--" in rest else rest
    return page_of(entry) if "-h" in ours or "--help" in ours else None


def overview() -> str:
    """`agent-lanes --help`: what it is, every command, first steps."""
    lines = [
        "usage: agent-lanes [--config PATH] [--store PATH] [--json] COMMAND ...",
        "",
        "The queue through which AI coding agents hand work to one another, with no server: JSON files in a folder.",
    ]
    group = ""
    for entry in COMMANDS:
        if entry.group != group:
            group = entry.group
            lines += ["", f"{group}:"]
        lines.append(f"  {entry.name:<12}{entry.summary}")
    lines += ["", "everywhere:"]
    lines += [f"  {_flag(option):<16}{option.help}" for option in GLOBAL]
    lines += [f"  {'--version':<16}print the version", "", FIRST_STEPS]
    return "\n".join(lines) + "\n"


def page_of(entry: Command) -> str:
    """`agent-lanes COMMAND --help`."""
    name = module_name(entry)
    __import__(name)
    options = [option for option in sys.modules[name].OPTIONS if not option.hidden]
    given = "".join(
        f" [{option.flag}{' ...' if option.kind == PAIRS else ''}]" for option in options if option.positional
    )
    needed = "".join(f" {_flag(option)}" for option in options if option.required)
    lines = [f"usage: agent-lanes {entry.name}{given}{needed} [options]", ""]
    lines += [f"{entry.summary[0].upper()}{entry.summary[1:]}."]
    if options:
        lines.append("")
    for option in sorted(options, key=lambda option: not option.positional):
        lines += _explained(option)
    lines += ["", "everywhere:"]
    for option in GLOBAL:
        lines += _explained(option)
    story = (sys.modules[name].__doc__ or "").partition("\n\n")[2].strip()
    return "\n".join([*lines, "", story] if story else lines) + "\n"


def front(argv: list[str]) -> tuple[list[str], str, list[str]]:
    """The global options in front, the word in the command's place, the rest. Raises BadUsage: nothing there."""
    takes_value = {option.flag for option in GLOBAL if option.kind != FLAG}
    flags = {option.flag for option in GLOBAL}
    position = 0
    while position < len(argv) and argv[position].partition("=")[0] in flags:
        position += 2 if argv[position] in takes_value else 1
    if position >= len(argv):
        if argv:
            raise BadUsage("a command is missing", hint="see: agent-lanes --help")
        return [], "--help", []
    verb = argv[position]
    if verb.startswith("-") and verb not in ("-h", "--help", "--version"):
        raise BadUsage(f"there is no option {verb!r} in front of a command", hint="see: agent-lanes --help")
    return argv[:position], verb, argv[position + 1 :]


def _flag(option: Option) -> str:
    if option.positional:
        return option.flag
    return f"{option.flag} {option.metavar or '|'.join(option.choices)}".strip()


def _explained(option: Option) -> Iterator[str]:
    """The lines of one option: its name, and its meaning in a column beside it."""
    name = f"  {_flag(option)}"
    if len(name) + 2 > COLUMN:
        yield name
        name = ""
    line = f"{name:<{COLUMN - 1}}"
    for word in f"{option.help}{'; required' if option.required else ''}".split():
        if len(line) + 1 + len(word) > WIDTH:
            yield line
            line = " " * (COLUMN - 1)
        line += " " + word
    yield line


def _meant(verb: str) -> str:
    """What was probably meant, if anything."""
    from agent_lanes.core.spelling import nearest

    name = nearest(verb, (entry.name for entry in COMMANDS))
    return "" if name is None else f"; did you mean {name!r}?"
