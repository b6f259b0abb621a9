"""The parser for calls that are exactly right: whole flags, values that follow, nothing missing, nothing odd.

    split(argv)      -> (global values, the verb, what follows), or None
    parse(options, argv) -> Arguments, or None: let argparse look at it

Whatever it is not sure about it leaves to argparse, which knows abbreviations, `--flag=value`, help and complaints;
a test sends every call of the suite through both.
"""

from __future__ import annotations

from agent_lanes.cli.options import FLAG, GLOBAL, PAIRS, Arguments, Option


def split(argv: list[str]) -> tuple[list[str], str, list[str]] | None:
    """The global options in front, the verb, the rest; None if there is anything else in front."""
    flags = {option.flag: option for option in GLOBAL}
    position = 0
    while position < len(argv):
        option = flags.get(argv[position])
        if option is None:
            break
        position += 1 if option.kind == FLAG else 2
    if position >= len(argv) or argv[position].startswith("-"):
        return None
    return argv[:position], argv[position], argv[position + 1 :]


def parse(options: tuple[Option, ...], argv: list[str]) -> Arguments | None:
    """The values of an exact call; None for any other. Raises BadUsage for a value of the wrong kind."""
    flags = {option.flag: option for option in options if not option.positional}
    places = [option for option in options if option.positional]
    given, values, rest = dict[str, str](), Arguments(options), iter(argv)
    for word in rest:
        option = flags.get(word)
        if option is None:
            if (word.startswith("-") and word != "-") or not places:
                return None
            option = places.pop(0)
            raw = word
        elif option.kind == FLAG:
            values.__dict__[option.name] = True
            continue
        else:
            raw = next(rest, "--")
            if raw.startswith("-") and raw != "-":
                return None
        given[option.flag] = raw
        if option.kind == PAIRS:
            values.__dict__[option.name].append(raw)
    if any(option.required and option.flag not in given for option in options):
        return None
    for option in options:  # only now: of a flag that is repeated, argparse looks at the last value alone
        if option.flag in given and option.kind != PAIRS:
            values.__dict__[option.name] = option.convert(given[option.flag])
    return values
