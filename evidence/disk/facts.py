"""What was acknowledged, and from which moment on: a command printed it, and exited 0."""

from __future__ import annotations

from dataclasses import dataclass, field

NEVER = 1 << 62


@dataclass(frozen=True)
class Asked:
    """A task was submitted: it exists, and its worker is given all of `asks`."""

    id: str
    asks: tuple[str, ...]
    again: tuple[str, ...] = ()
    """The submit with its idempotency key: repeated, it prints the same id."""
    parked: bool = False
    """Not offered, since its request is not what was submitted."""


@dataclass(frozen=True)
class Attempted:
    """A submit whose id nobody was told: if its task is there, it is there whole."""

    asks: tuple[str, ...]


@dataclass(frozen=True)
class Claimed:
    """A token was given out. It need not survive: its holder did not."""

    id: str
    token: str


@dataclass(frozen=True)
class Answered:
    """The one answer to a task."""

    id: str
    body: str | None
    """None: whatever it is."""
    status: str = "completed"
    token: str | None = None


@dataclass(frozen=True)
class Written:
    """A file of the user's, relative to the workspace, that a command said it wrote."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Spoiled:
    """A record that was damaged before: it is still somewhere, and its task is as doctor leaves it."""

    id: str
    content: bytes


@dataclass(frozen=True)
class Shows:
    """What `status` shows of a task, until something else is asked for."""

    id: str
    field: str
    value: object


Fact = Asked | Attempted | Claimed | Answered | Written | Spoiled | Shows


@dataclass
class Ledger:
    """Facts, each with the moment from which on it is promised; until then it may be so, or not at all."""

    entries: list[tuple[int, Fact]] = field(default_factory=list)

    def note(self, since: int, fact: Fact) -> None:
        """Promised from that moment on; with NEVER it is only possible."""
        self.entries.append((since, fact))

    def promised(self, moment: int) -> list[Fact]:
        """What must be so if the power goes after that moment."""
        return [fact for since, fact in self.entries if since <= moment]

    def possible(self) -> list[Fact]:
        """All that may be so at any moment."""
        return [fact for _, fact in self.entries]

    def count(self, moment: int) -> int:
        """How much is promised then."""
        return len(self.promised(moment))
