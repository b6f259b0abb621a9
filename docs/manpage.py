"""The man page agent-lanes(1), made from the table of commands, their options and docstrings; reference.py writes it.

Only the macros of man(7) that every formatter knows; whatever is not ASCII is written as an escape.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from agent_lanes import __version__, guide
from agent_lanes.cli.options import FLAG, GLOBAL, PAIRS, Option
from agent_lanes.cli.table import COMMANDS, Command, module_name

CONTRACT = Path(__file__).resolve().parent.parent / "CONTRACT.md"
HEAD = '.\\" Written by docs/reference.py from the code. Do not edit: change the code and run it again.\n'
WHAT = """\
One agent submits a task, another claims it, works, and responds; the first waits for the answer. There is no server:
the queue is JSON files in a folder, and each step is one command. agent-lanes and handoff are one program."""
IDS = "Where a command takes the id of a task, the 12 digits at its end, or the first 4 or more of those, are enough."
FILES = (
    ("handoff/handoff.yaml", "the config: the nearest one above the current folder"),
    ("handoff/state/", "the store, unless the config says otherwise"),
)
EXAMPLES = (
    ("make handoff/ in this project", "agent-lanes init"),
    ("in one terminal: work on tasks with Claude Code", "VENDOR=claude bash handoff/dispatcher.sh"),
    ("in another: hand over a request, get the answer", "agent-lanes run --lane default request.md"),
    ("what goes on, kept up to date", "agent-lanes status --all --active-only --watch"),
    ("complete commands, tasks and lanes in bash", 'eval "$(agent-lanes completion bash)"'),
)


def page() -> str:
    """The whole page."""
    lines = [
        f'.TH AGENT\\-LANES 1 "" "agent\\-lanes {__version__}" "User Commands"',
        ".SH NAME",
        "agent\\-lanes, handoff \\- the queue through which coding agents hand work to one another",
        ".SH SYNOPSIS",
        ".B agent\\-lanes",
        "[\\fB\\-\\-config\\fR \\fIPATH\\fR] [\\fB\\-\\-store\\fR \\fIPATH\\fR] [\\fB\\-\\-json\\fR]",
        "\\fICOMMAND\\fR ...",
        ".SH DESCRIPTION",
        *prose(WHAT),
        ".PP",
        *prose(IDS),
        ".SS Options that go with every command",
        *_options(GLOBAL),
    ]
    group = ""
    for entry in COMMANDS:
        if entry.group != group:
            group = entry.group
            lines.append(f".SH {plain(group).upper()}")
        lines += _command(entry)
    lines += [".SH EXIT STATUS"]
    for code, meaning in guide.EXIT_CODES.items():
        lines += [".TP", f".B {code}", *prose(meaning)]
    lines += [".SH ENVIRONMENT"]
    for name, meaning in _variables():
        lines += [".TP", f".B {plain(name)}", *prose(meaning)]
    lines.append(".SH FILES")
    for path, meaning in FILES:
        lines += [".TP", f".I {plain(path)}", *prose(meaning)]
    lines.append(".SH EXAMPLES")
    for what, call in EXAMPLES:
        lines += [".PP", *prose(f"{what}:"), ".PP", ".RS 4", ".nf", plain(call), ".fi", ".RE"]
    return HEAD + "\n".join(lines) + "\n"


def _command(entry: Command) -> list[str]:
    module = importlib.import_module(module_name(entry))
    older = entry.name in ("next", "watch")
    options = [option for option in module.OPTIONS if not option.hidden and not (older and option.positional)]
    given = "".join(f" [\\fI{plain(option.flag)}\\fR]" for option in options if option.positional)
    lines = [f".SS agent\\-lanes {plain(entry.name)}{given}", *prose(f"{entry.summary[0].upper()}{entry.summary[1:]}.")]
    story = "" if entry.module else (module.__doc__ or "").partition("\n\n")[2].strip("\n")
    return [*lines, *_story(story), *_options(tuple(options))]


def _story(text: str) -> list[str]:
    """Prose is filled; what is indented or in columns stays as it stands."""
    lines = []
    for paragraph in filter(None, re.split(r"\n{2,}", text)):
        as_it_stands = re.search(r"^ {2,}|\S {2,}\S", paragraph, re.MULTILINE)
        lines.append(".PP")
        if as_it_stands:
            lines += [".nf", *map(plain, paragraph.split("\n")), ".fi"]
        else:
            lines += prose(paragraph)
    return lines


def _options(options: tuple[Option, ...]) -> list[str]:
    lines = []
    for option in options:
        value = "" if option.kind == FLAG or option.positional else option.metavar or "|".join(option.choices)
        name = f"\\fI{plain(option.flag)}\\fR" if option.positional else f"\\fB{plain(option.flag)}\\fR"
        extra = "; required" if option.required else ""
        again = "; repeatable" if option.kind == PAIRS and "repeatable" not in option.help else ""
        lines += [".TP", f"{name} \\fI{plain(value)}\\fR" if value else name, *prose(f"{option.help}{extra}{again}")]
    return lines


def _variables() -> list[tuple[str, str]]:
    """The environment variables, as CONTRACT.md has them."""
    section = CONTRACT.read_text(encoding="utf-8").partition("\n## Environment variables\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    found = []
    for names, reader, meaning in rows:
        where = "" if reader == "every command" else f" ({reader})"
        found.append((names.replace("`", ""), re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", "") + where))
    return found


def prose(text: str) -> list[str]:
    """Text to be filled: a line each, without the marks of Markdown."""
    return [plain(line.strip()) for line in text.replace("`", "").splitlines() if line.strip()]


def plain(text: str) -> str:
    """A line as roff takes it: nothing in it is a request or an escape."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    ascii_only = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return f"\\&{ascii_only}" if ascii_only.startswith(".") else ascii_only
