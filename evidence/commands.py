"""Every command that writes: what stands before it, the real command line, and what repeating the call must do.

One entry in CASES is all that a new command needs; tests/evidence/test_commands_covered.py fails where one that
writes has none. `{id}` and the like in a command line are what `before` found out (Stand.given).
"""

from __future__ import annotations

from commanding import asking, steering, storing, working
from commanding.case import Case, Stand

CASES = (*asking.CASES, *working.CASES, *steering.CASES, *storing.CASES)

NOT_SWEPT = {
    "next": "the same as wait --lane, which changes nothing",
    "watch": "the same as wait --lane, which changes nothing",
    "show": "changes nothing",
    "status": "changes nothing",
    "list": "changes nothing",
    "tree": "changes nothing",
    "where": "changes nothing",
    "setup": "writes into the user's agents, not into the queue; tested in tests/cli",
    "top": "cancels, holds and retries by the services of those commands, on a terminal",
    "keep": "renews as renew does, in a process that goes on",
    "work": "claims, renews and answers as those commands do; its processes are killed in tests/dispatch",
    "serve": "runs the same services as the commands, in a process that goes on",
    "self-test": "runs these commands in a temporary folder, which it removes",
}
"""Commands without an entry, and why. None of them may be one that the table of the CLI says changes the store."""


def of(command: str) -> list[Case]:
    """The entries of a command."""
    return [case for case in CASES if case.command == command]


def words(case: Case, stand: Stand) -> tuple[str, ...]:
    """The real command line."""
    return tuple(word.format_map(stand.given) if "{" in word else word for word in case.words)
