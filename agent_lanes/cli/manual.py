"""Help, and every call that is not exactly right: argparse, built from the same table and options.

The width is fixed, so that help reads the same everywhere (and argparse need not import shutil).
"""

from __future__ import annotations

import argparse
import importlib

from agent_lanes import __version__
from agent_lanes.cli import options as opt
from agent_lanes.cli.options import Arguments, Option
from agent_lanes.cli.table import COMMANDS, Command, command, module_name
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

WIDTH = 100
FIRST_STEPS = """\
first steps:
  agent-lanes init                                  make handoff/ in this project
  VENDOR=claude bash handoff/dispatcher.sh          in one terminal: work on tasks with Claude Code
  agent-lanes run --lane default request.md         in another: hand over a request, get the answer
  agent-lanes COMMAND --help                        everything about one command

exit codes: 0 done · 1 failed · 2 timed out, call again · 4 refused · 5 not found · 6 not allowed ·
  8 the task failed · 9 cancelled · 64 usage · 65 bad data · 74 I/O · 75 busy, try again ·
  76 done, not confirmed · 130 interrupted"""


class Parser(argparse.ArgumentParser):
    """argparse, with our exit code and our one line for a wrong call."""

    def error(self, message: str) -> NoReturn:
        """A usage error: exit code 64."""
        raise BadUsage(f"{self.prog.removeprefix('agent-lanes ')}: {message}", hint=f"see: {self.prog} --help")


class Formatter(argparse.RawDescriptionHelpFormatter):
    """A fixed width."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=WIDTH)


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
    lines += [f"  {_flag(option):<16}{option.help}" for option in opt.GLOBAL]
    lines += [f"  {'--version':<16}print the version", "", FIRST_STEPS]
    return "\n".join(lines) + "\n"


def parser_of(entry: Command) -> argparse.ArgumentParser:
    """The argparse parser of one command."""
    module = importlib.import_module(module_name(entry))
    parser = Parser(
        prog=f"agent-lanes {entry.name}",
        description=f"{entry.summary[0].upper()}{entry.summary[1:]}.",
        epilog=(module.__doc__ or "").partition("\n\n")[2].rstrip() or None,
        formatter_class=Formatter,
    )
    for option in (*module.OPTIONS, *opt.GLOBAL):
        _add(parser, option)
    return parser


def parse(argv: list[str]) -> tuple[Command, Arguments] | str:
    """Any call at all: its command and values, or a text to print. Raises BadUsage."""
    front, verb, rest = _front(argv)
    if verb in ("-h", "--help", "help"):
        return overview()
    if verb == "--version":
        return f"agent-lanes {__version__}\n"
    entry = command(verb)
    if entry is None:
        raise BadUsage(f"there is no command {verb!r}{_nearest(verb)}", hint="see: agent-lanes --help")
    parser = parser_of(entry)
    if "-h" in rest or "--help" in rest:
        return parser.format_help()
    module = importlib.import_module(module_name(entry))
    found = _parsed(parser, front + rest, module.OPTIONS)
    values = Arguments((*module.OPTIONS, *opt.GLOBAL))
    for option in (*module.OPTIONS, *opt.GLOBAL):
        value = getattr(found, option.name)
        if value is not None:
            values.__dict__[option.name] = option.convert(value) if isinstance(value, str) else value
    return entry, values


def _parsed(parser: argparse.ArgumentParser, argv: list[str], options: tuple[Option, ...]) -> argparse.Namespace:
    """What argparse makes of it. What follows `--` it would take for options again: that part is ours."""
    cut = argv.index("--") if "--" in argv else len(argv)
    found, literal = parser.parse_intermixed_args(argv[:cut]), argv[cut + 1 :]
    for option in options:
        if literal and option.positional and getattr(found, option.name) is None:
            setattr(found, option.name, literal.pop(0))
    if literal:
        parser.error(f"unrecognized arguments: {' '.join(literal)}")
    return found


def _front(argv: list[str]) -> tuple[list[str], str, list[str]]:
    takes_value = {option.flag for option in opt.GLOBAL if option.kind != opt.FLAG}
    flags = {option.flag for option in opt.GLOBAL}
    position = 0
    while position < len(argv) and argv[position].partition("=")[0] in flags:
        position += 2 if argv[position] in takes_value else 1
    if position >= len(argv):
        if argv:
            raise BadUsage("a command is missing", hint="see: agent-lanes --help")
        return [], "--help", []
    verb = argv[position]
    if verb.startswith("-") and verb not in ("-h", "--help", "--version"):
        raise BadUsage(
            f"agent-lanes: there is no option {verb!r} in front of a command", hint="see: agent-lanes --help"
        )
    return argv[:position], verb, argv[position + 1 :]


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    help_text = argparse.SUPPRESS if option.hidden else option.help.replace("%", "%%")
    if option.positional:
        parser.add_argument(option.name, metavar=option.flag, nargs="?", help=help_text)
    elif option.kind == opt.FLAG:
        parser.add_argument(option.flag, dest=option.name, action="store_true", default=None, help=help_text)
    elif option.kind == opt.PAIRS:
        parser.add_argument(
            option.flag, dest=option.name, action="append", metavar=option.metavar, default=None, help=help_text
        )
    else:
        metavar = option.metavar or ("{" + ",".join(option.choices) + "}" if option.choices else None)
        parser.add_argument(
            option.flag, dest=option.name, metavar=metavar, required=option.required, default=None, help=help_text
        )


def _flag(option: Option) -> str:
    return f"{option.flag} {option.metavar}".strip()


def _nearest(verb: str) -> str:
    import difflib

    close = difflib.get_close_matches(verb, [entry.name for entry in COMMANDS], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
