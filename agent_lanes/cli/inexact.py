"""Every call that is not exactly right: argparse, built from the same options as the exact parser.

It knows abbreviations and `--flag=value`, and has a complaint for everything else.
"""

from __future__ import annotations

import argparse
import sys

from agent_lanes.cli import options as opt
from agent_lanes.cli.manual import front
from agent_lanes.cli.options import Arguments, Option
from agent_lanes.cli.table import Command, command, module_name
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse, with our exit code and our one line for a wrong call."""

    def error(self, message: str) -> NoReturn:
        """A usage error: exit code 64."""
        raise BadUsage(f"{self.prog.removeprefix('agent-lanes ')}: {message}", hint=f"see: {self.prog} --help")


class Formatter(argparse.HelpFormatter):
    """A fixed width: to ask the terminal for its own, argparse would import shutil for every complaint."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=100)


def parse(argv: list[str]) -> tuple[Command, Arguments]:
    """The command and the values of a call for which manual.page has no text. Raises BadUsage."""
    before, verb, rest = front(argv)
    entry = command(verb)
    assert entry is not None
    name = module_name(entry)
    __import__(name)
    options = (*sys.modules[name].OPTIONS, *opt.GLOBAL)
    parser = Parser(prog=f"agent-lanes {entry.name}", formatter_class=Formatter, add_help=False)
    for option in options:
        _add(parser, option)
    found = _parsed(parser, before + rest, sys.modules[name].OPTIONS)
    values = Arguments(options)
    for option in options:
        value = getattr(found, option.name)
        if value is not None:
            values.__dict__[option.name] = option.convert(value) if isinstance(value, str) else value
    return entry, values


def _parsed(parser: argparse.ArgumentParser, argv: list[str], options: tuple[Option, ...]) -> argparse.Namespace:
    """What argparse makes of it. What follows `--` it would take for options again: that part is ours."""
    cut = argv.index("--") if "--" in argv else len(argv)
    found, literal = parser.parse_intermixed_args(argv[:cut]), argv[cut + 1 :]
    for option in options:
        if option.kind == opt.REST:
            setattr(found, option.name, literal)
            return found
        if literal and option.positional and option.kind == opt.PAIRS:
            getattr(found, option.name).extend(literal)
            literal = []
        elif literal and option.positional and getattr(found, option.name) is None:
            setattr(found, option.name, literal.pop(0))
    if literal:
        parser.error(f"unrecognized arguments: {' '.join(literal)}")
    return found


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    if option.kind == opt.REST:
        parser.set_defaults(**{option.name: []})
    elif option.positional:
        parser.add_argument(option.name, metavar=option.flag, nargs="*" if option.kind == opt.PAIRS else "?")
    elif option.kind == opt.FLAG:
        parser.add_argument(option.flag, dest=option.name, action="store_true", default=None)
    elif option.kind == opt.PAIRS:
        parser.add_argument(option.flag, dest=option.name, action="append", metavar=option.metavar, default=None)
    else:
        metavar = option.metavar or ("{" + ",".join(option.choices) + "}" if option.choices else None)
        parser.add_argument(option.flag, dest=option.name, metavar=metavar, required=option.required, default=None)
