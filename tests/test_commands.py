"""Every command has its module, its help, its line in the table; and the two parsers say the same.

cli.options parses calls that are exactly right, argparse all others. So whatever exact accepts, argparse must accept
with the same values, and what exact finds wrong must be wrong for argparse, too.
"""

from __future__ import annotations

import importlib
import itertools
import random
from pathlib import Path

import pytest

import agent_lanes.cli.commands
from agent_lanes.cli import app, inexact, manual
from agent_lanes.cli.options import FLAG, GLOBAL, NUMBER, PAIRS, WHOLE, Arguments, Option
from agent_lanes.cli.table import COMMANDS, Command, command, module_name
from agent_lanes.errors import BadUsage

ENTRIES = {entry.name: entry for entry in COMMANDS}
FOLDER = Path(agent_lanes.cli.commands.__file__ or "").parent


def options_of(entry: Command) -> tuple[Option, ...]:
    options = importlib.import_module(module_name(entry)).OPTIONS
    assert isinstance(options, tuple)
    return options


@pytest.mark.parametrize("entry", COMMANDS, ids=ENTRIES)
def test_a_command_has_a_module_with_a_docstring_and_run(entry: Command) -> None:
    module = importlib.import_module(module_name(entry))
    title, _, more = (module.__doc__ or "").partition("\n\n")
    assert title.strip() and more.strip(), "one line, then what a user must know: it becomes the help"
    assert callable(module.run) and module.run.__doc__
    assert entry.summary and entry.summary[0].islower() and not entry.summary.endswith(".")
    assert entry.group


@pytest.mark.parametrize("entry", COMMANDS, ids=ENTRIES)
def test_the_help_of_a_command_explains_every_option(entry: Command) -> None:
    page = manual.page_of(entry)
    for option in (*options_of(entry), *GLOBAL):
        assert option.help.strip() and not option.help.endswith("."), option.flag
        assert (option.flag in page) is not option.hidden, option.flag
        if not option.hidden:
            assert option.help.split()[0] in page
    assert max(map(len, page.splitlines())) <= 120


def test_every_module_is_in_the_table() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert modules == {module_name(entry).rpartition(".")[2] for entry in COMMANDS}


def test_the_overview_shows_every_command_and_global_flag() -> None:
    page = manual.overview()
    for entry in COMMANDS:
        assert f"  {entry.name} " in page and entry.summary in page
    for option in GLOBAL:
        assert option.flag in page


def test_names_and_flags_are_unique_and_well_formed() -> None:
    assert len(ENTRIES) == len(COMMANDS)
    for entry in COMMANDS:
        flags = [option.flag for option in (*options_of(entry), *GLOBAL)]
        assert len(set(flags)) == len(flags), entry.name
        names = [option.name for option in (*options_of(entry), *GLOBAL)]
        assert len(set(names)) == len(names), entry.name


def test_commands_that_change_the_store_say_so() -> None:
    looks = {entry.name for entry in COMMANDS if not entry.changes}
    lists = {"show", "status", "list", "listeners", "events", "stats", "costs", "tree", "where", "vendors", "export"}
    assert looks == {"wait", "next", "watch", "serve", "mcp", "self-test", "protocol", "prompt", "completion"} | lists


Values = dict[str, str]  # as texts: 5, 5.0 and '5' differ, and nan is nan


def shown(found: tuple[Command, Arguments]) -> tuple[str, Values]:
    return found[0].name, {name: repr(value) for name, value in found[1].__dict__.items()}


def by_argparse(words: list[str]) -> tuple[str, Values] | str:
    """The command and the values; or "refused"; or the text that would be printed."""
    try:
        return manual.page(list(words)) or shown(inexact.parse(list(words)))
    except BadUsage:
        return "refused"


def by_exact(words: list[str]) -> tuple[str, Values] | str | None:
    """The same of the exact parser; None where it leaves the call to argparse."""
    try:
        found = app._exact(list(words))
    except BadUsage:
        return "refused"
    return None if found is None else shown(found)


def agree(words: list[str]) -> bool:
    """Whether exact took the call; fails if it took it differently."""
    exact = by_exact(words)
    if exact is None:
        return False
    assert exact == by_argparse(words), words
    return True


VALUES = {
    NUMBER: ("5", "0", "0.5", "1e3", "1e400", "nan", "x", "", "-1", "+1", " 1", "1_000"),
    WHOLE: ("5", "0", "1.0", "1.5", "x", "-2", "9" * 400),
    PAIRS: ("k=v", "k=", "=v", "k", "k=-v", "-k=v", "", "a=b=c"),
}
TEXTS = ("x", "", "-", "--", "-x", "--json", "--lane", "a b", "é", "\udcff", "x=y", "-1", "--x=y", "@file", "%s")


def required_of(options: tuple[Option, ...]) -> list[str]:
    return [word for option in options if option.required for word in (option.flag, "x")]


def values_of(option: Option) -> tuple[str, ...]:
    return option.choices + TEXTS if option.choices else VALUES.get(option.kind, TEXTS)


@pytest.mark.parametrize("entry", COMMANDS, ids=ENTRIES)
def test_the_parsers_agree_on_every_option_with_every_kind_of_value(entry: Command) -> None:
    options = (*options_of(entry), *GLOBAL)
    required = required_of(options)
    taken = agree([entry.name, *required])
    for option in options:
        if option.kind == FLAG:
            calls = [[option.flag], [option.flag] * 2, [option.flag + "=x"], [option.flag, "x"], [option.flag[:-1]]]
        else:
            lead = [] if option.positional else [option.flag]
            calls = [[*lead, value] for value in values_of(option)]
            calls += [[*lead, value] * 2 for value in values_of(option)]
            calls += [lead, [*lead, "--", "x"], ["--", *lead, "x"], [f"{option.flag}=x"], [option.flag[:5], "x"]]
        for call in calls:
            taken += agree([entry.name, *required, *call])
            taken += agree([entry.name, *call, *required])
            taken += agree([*call, entry.name, *required])
    assert taken > 5, "the exact parser is used"


@pytest.mark.parametrize("entry", COMMANDS, ids=ENTRIES)
def test_the_parsers_agree_on_calls_thrown_together(entry: Command) -> None:
    chance = random.Random(entry.name)  # the same calls in each run
    options = (*options_of(entry), *GLOBAL)
    taken = 0
    for _ in range(400):
        call = required_of(options) if chance.random() < 0.8 else []
        for option in chance.choices(options, k=chance.randrange(6)):
            value = chance.choice(("x", "5", "k=v", *values_of(option)))
            if option.kind == FLAG:
                call.append(option.flag)
            elif option.positional:
                call.append(value)
            else:
                call += chance.choices(([option.flag, value], [f"{option.flag}={value}"]), (9, 1))[0]
        front = chance.choice(([], ["--json"], ["--store", "s"], ["--config", "c", "--json"], ["--store"], ["--help"]))
        taken += agree([*front, entry.name, *call])
        chance.shuffle(call)
        taken += agree([*front, entry.name, *call])
    assert taken > 50


def test_the_parsers_agree_on_what_stands_in_front_of_a_command() -> None:
    words = ("--json", "--store", "s", "--config", "-", "--", "-h", "", "list", "bogus", "--store=s", "--js")
    for size in range(4):
        for front in itertools.product(words, repeat=size):
            agree([*front, "list", "--json"])


def test_calls_as_people_write_them_take_the_short_way() -> None:
    for line in (
        "submit --lane default --request-from plan.md --response-to out.md --json",
        "--store s submit request.md --lane default --metadata a=b --metadata c=d",
        "submit --lane default -",
        "claim --lane default --vendor codex --wait 600 --json",
        "claim ID --owner me --lease-seconds 900",
        "renew ID --claim-token T",
        "respond ID --claim-token T --file - --verdict accept --blocking-count 0",
        "event ID --type note --message m",
        "wait ID --timeout 60 --quiet",
        "wait --lane default",
        "status ID",
        "status --all --active-only",
        "--json list",
    ):
        assert agree(line.split()), line


def test_what_only_argparse_knows_is_left_to_it() -> None:
    for line in ("submit --la x", "submit --lane=x", "list --help", "list -- x", "bogus", "", "--json", "renew ID"):
        assert by_exact(line.split()) is None, line
    assert command("bogus") is None
    told = by_argparse(["submit", "--la", "x", "--", "-request"])
    assert isinstance(told, tuple) and told[1]["lane"] == "'x'" and told[1]["request"] == "'-request'"
    for words in (
        ["list", "--", "x"],
        ["submit", "a", "--", "b"],
        ["submit", "--", "a", "b"],
        ["submit", "--lane", "--"],
    ):
        assert by_argparse(words) == "refused", words
