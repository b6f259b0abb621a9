"""What an option is, the groups that several commands share, and the parser for calls that are exactly right.

    split(argv)             -> (global values, the verb, what follows), or None
    parse(options, argv)    -> Arguments, or None: let argparse look at it

Exactly right: whole flags, values that follow, nothing missing, nothing odd. Whatever it is not sure about it leaves
to argparse (inexact.py), which is built from the same plain values and knows abbreviations, `--flag=value` and
complaints; a test sends every call of the suite through both.
"""

from __future__ import annotations

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import shown
from agent_lanes.errors import BadUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TASK_METAVARS = ("TASK_ID", "ID")
TEXT, NUMBER, WHOLE, FLAG, PAIRS, REST = "text", "number", "whole", "flag", "pairs", "rest"


class Option(Frozen):
    """One option or positional. `flag` is `--name`, or a bare NAME for a positional (never required).

    One positional of kind REST takes everything that follows `--`, as a list.
    """

    flag: str
    help: str
    kind: str = TEXT
    default: object = None
    metavar: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    hidden: bool = False

    @property
    def name(self) -> str:
        """The attribute that holds its value."""
        return self.flag.lstrip("-").lower().replace("-", "_")

    @property
    def names_tasks(self) -> bool:
        """Its values are ids of tasks, or parts of them."""
        return self.metavar in TASK_METAVARS or self.flag in TASK_METAVARS

    @property
    def positional(self) -> bool:
        """Given by its place, not by a flag."""
        return not self.flag.startswith("-")

    def convert(self, raw: str) -> object:
        """The value of a text. Raises BadUsage that names the flag."""
        if self.choices and raw not in self.choices:
            raise BadUsage(f"{self.flag}: {shown(raw)} is not one of {', '.join(self.choices)}")
        if self.kind in (NUMBER, WHOLE):
            try:
                number = float(raw)
                if number.is_integer() and abs(number) < 10**15:
                    return int(number)
                if self.kind == WHOLE:
                    raise ValueError
                return number
            except (ValueError, OverflowError):
                what = "a whole number" if self.kind == WHOLE else "a number"
                raise BadUsage(f"{self.flag}: {shown(raw)} is not {what}") from None
        return raw


class Arguments:
    """The values of one call, as attributes; what was not given has its default."""

    def __init__(self, options: tuple[Option, ...]) -> None:
        for option in options:
            self.__dict__[option.name] = [] if option.kind in (PAIRS, REST) else option.default

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def pairs(flag: str, given: list[str]) -> dict[str, str]:
    """KEY=VALUE texts as a mapping, the last one winning. Raises BadUsage."""
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadUsage(f"{flag}: {shown(text)} is not KEY=VALUE")
        found[key] = value
    return found


def task_id(args: Arguments, instead: str = "") -> str:
    """The task id of a call that must have one; `instead` is what else would do. Raises BadUsage."""
    if args.task_id is None:
        raise BadUsage(f"{args.verb} needs a task id{instead}", hint="`agent-lanes list` shows the ids")
    return str(args.task_id)


GLOBAL = (
    Option(flag="--config", metavar="PATH", help="the engine's handoff.yaml (default: the nearest above this folder)"),
    Option(flag="--store", metavar="PATH", help="the state folder (default: queue_root of the config)"),
    Option(flag="--json", kind=FLAG, default=False, help="print one JSON object instead of short text"),
    Option(flag="--no-color", kind=FLAG, default=False, help="no colours on a terminal (as NO_COLOR does)"),
)
ID = Option(flag="TASK_ID", help="the id of a task, as submit prints it")
MORE_IDS = Option(flag="TASK_IDS", metavar="ID", kind=PAIRS, help="more ids, with --all, --any or --first")
TOKEN = Option(flag="--claim-token", metavar="T", help="the token that claim printed", required=True)
LEASE = Option(
    flag="--lease-seconds", metavar="N", kind=NUMBER, help="how long the claim holds (default: the lane's, else 7200)"
)
OWNER = Option(flag="--owner", metavar="NAME", default="worker", help="who claims (default: worker)")
LANE = Option(flag="--lane", metavar="L", help="the lane's name")
REASON = Option(flag="--reason", metavar="R", default="", help="why, for the history")
BY = Option(flag="--by", metavar="NAME", default="orchestrator", help="who says so (default: orchestrator)")
VENDOR = Option(
    flag="--vendor",
    metavar="V",
    help="only tasks whose required_vendor is V or any (default: every task, whoever it is for)",
)
MAX_CONCURRENCY = Option(
    flag="--max-concurrency",
    metavar="N",
    kind=WHOLE,
    help="with --lane: only while fewer than N tasks of it are claimed (default: as the lane says)",
)
HELD_VENDOR = Option(flag="--vendor", metavar="V", help="the vendor, on --lane or on every lane")
MATCH = Option(flag="--match", metavar="K=V", kind=PAIRS, help="only tasks whose metadata has this value; repeatable")
TIMEOUT = Option(
    flag="--timeout", metavar="SECONDS", kind=NUMBER, default=21600, help="how long to wait (default: 21600, six hours)"
)
HEARTBEAT = Option(
    flag="--heartbeat-seconds",
    metavar="N",
    kind=NUMBER,
    default=30,
    help="a line on stderr this often while waiting; 0 for none (default: 30)",
)
ALLOW_NETWORK = Option(
    flag="--allow-network", kind=FLAG, default=False, help="the queue may lie on a network file system"
)
WATCH = Option(
    flag="--watch", kind=FLAG, default=False, help="on a terminal: show it anew after each change, until Ctrl-C"
)
QUIET = Option(flag="--quiet", kind=FLAG, default=False, help="no heartbeats")
DRY_RUN = Option(flag="--dry-run", kind=FLAG, default=False, help="change nothing, tell what would be done")
SUBMISSION = (
    Option(flag="REQUEST", help="the request: a file, or - for stdin (the same as --request-from)"),
    Option(flag="--task", metavar="FILE", help="a task file (YAML or JSON) to start from; flags override it"),
    LANE,
    Option(flag="--request-from", metavar="P", help="the request: a file inside the workspace, or - for stdin"),
    Option(flag="--response-to", metavar="P", help="where wait writes the answer (default: wait prints it)"),
    Option(flag="--prompt", metavar="T", help="what to do with the request"),
    Option(flag="--prompt-file", metavar="P", help="a file that holds the prompt"),
    Option(flag="--worktree-path", metavar="P", help="the folder to work in"),
    Option(flag="--branch", metavar="B", help="the branch that is expected there"),
    Option(flag="--metadata", metavar="K=V", kind=PAIRS, help="metadata, such as required_vendor=codex; repeatable"),
    Option(flag="--source-agent", metavar="N", help="who asks (default: orchestrator)"),
    Option(flag="--priority", metavar="N", kind=WHOLE, help="0 (most urgent) to 9 (default: the lane's, else 5)"),
    Option(flag="--delay", metavar="TIME", help="not offered before: 90s, 10m, 2h, 1d from now, or a time"),
    Option(flag="--at", metavar="TIME", help="the same as --delay"),
    Option(flag="--expires", metavar="TIME", help="failed if it is not begun by then: a duration from now, or a time"),
    Option(flag="--max-cost-usd", metavar="N", help="on hold once its attempts together have cost so much"),
    Option(flag="--max-attempts", metavar="N", kind=WHOLE, help="failed after so many attempts (default: 3; 0: never)"),
    Option(flag="--backoff", metavar="TIME", help="pause after a failed attempt, doubling (default: 10s)"),
    Option(
        flag="--depends-on",
        metavar="ID",
        kind=PAIRS,
        help="offered once this task has completed; key:K names it by its idempotency key; repeatable",
    ),
    Option(flag="--on-failure", choices=("fail", "run"), help="what to do if one of those does not (default: fail)"),
    Option(
        flag="--unique-key",
        metavar="K",
        help="a key of yours: no second task of the lane with it while one is queued or claimed",
    ),
    Option(
        flag="--if-exists",
        choices=("return", "refuse"),
        help="with --unique-key, where there is such a task: print its id (default), or exit 4",
    ),
    Option(
        flag="--idempotency-key",
        metavar="K",
        help="a key of yours: the same submit repeated with it returns the task of the first time",
    ),
    Option(
        flag="--task-id", metavar="CORRELATION", help="a name of yours inside the task id (default: task file, or lane)"
    ),
)


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
    places = [option for option in options if option.positional and option.kind != REST]
    given, values, rest = dict[str, str](), Arguments(options), iter(argv)
    for word in rest:
        option = flags.get(word)
        if option is None:
            if (word.startswith("-") and word != "-") or not places:
                return None
            option = places[0] if places[0].kind == PAIRS else places.pop(0)
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
