"""What a sweep tries: one command line, on one state of the queue, and what repeating the call must do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from companions import Companion
from scene import Scene

AGAIN, SAYS, REFUSED, SAME = "does it once more", "says so", "is refused, and says why", "gives the same"
EITHER = "gives the same, or is refused once that is seen to"
"""What the same call may do once it had been done. `says` stands in what it says; SAME: and no fact changes."""
REFUSAL = 4


@dataclass(frozen=True)
class Stand:
    """What stands before the command."""

    given: Mapping[str, str] = field(default_factory=dict)
    """What stands in the braces of the command line."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Who holds what: a token for each id of a claim that its holder knows."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What is put back before everything is driven to its end: a request that had been changed."""


@dataclass(frozen=True)
class Case:
    """One command line, on one state of the queue."""

    name: str
    words: tuple[str, ...]
    before: Callable[[Scene], Stand]
    again: str = AGAIN
    says: str = ""
    code: int = 0
    """How an undisturbed run ends."""
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    companion: Companion | None = None
    """Another process, without which this one would block for ever."""
    lane: str = "work"
    store: str = "handoff/state"
    view: str = "facts"
    """What shows whether it was done: `facts`, `facts and hints`, `history`, or a path below the project."""
    alone: bool = False
    """Nobody can go on before the same call has been made again: there is no queue yet, or it is damaged."""
    steps: bool = False
    """It commits more than once, so that it may stop in between; the same call goes on."""

    @property
    def command(self) -> str:
        """The word of the command line that names the command."""
        words = self.words[2:] if self.words[0] == "--store" else self.words
        return words[0]
