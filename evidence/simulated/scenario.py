"""Who takes part, and what may happen to them: all of it a function of the seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

MICROS = 1_000_000
LANES = ("a", "b/c")
VENDORS = (None, None, "codex")

# What a seed may be dealt of each kind. Zero leaves a kind out; so a part of the seeds knows no crashes at all.
SWITCH = (0.01, 0.05, 0.2, 0.6)
CRASH = (0.0, 0.0, 1 / 400, 1 / 100)
STALL = (0.0, 0.0, 1 / 500)
JUMP = (0.0, 0.0, 1 / 800)
REBOOT = (0.0, 0.0, 0.0, 1 / 4000)
PACE = (20, 200, 2000)

# How many of each kind of client a seed may be dealt: at least, at most.
ROLES = {
    "submitter": (1, 3),
    "worker": (1, 3),
    "waiter": (0, 2),
    "renewer": (0, 1),
    "stale": (0, 2),
    "local": (0, 1),
    "looker": (0, 2),
    "editor": (0, 1),
    "operator": (0, 1),
    "repairer": (0, 1),
}


@dataclass(frozen=True)
class Scenario:
    """Everything that a run depends on."""

    seed: int
    roles: tuple[str, ...]
    """Each client's name: its kind and a number, which its own chance comes from."""
    rounds: int
    """How often each client does what its kind does."""
    switch: float
    """Probabilities, at each step: that somebody else goes on, ..."""
    crash: float
    stall: float
    jump: float
    reboot: float
    pace: int
    """Microseconds that pass with each step."""
    salt: int = 0
    """Another course of events among the same clients: for shrinking."""

    @property
    def calm(self) -> bool:
        """Nothing goes wrong from outside: every command must end well, and leave nothing behind."""
        return not (self.crash or self.stall or self.jump or self.reboot)

    def without(self, **changes: object) -> Scenario:
        """The same with less in it: for shrinking."""
        return replace(self, **changes)  # type: ignore[arg-type]


def deal(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(f"scenario {seed}")
    roles = [f"{kind}-{n}" for kind, (least, most) in ROLES.items() for n in range(random.randint(least, most))]
    return Scenario(
        seed=seed,
        roles=tuple(roles),
        rounds=random.randint(2, 5),
        switch=random.choice(SWITCH),
        crash=random.choice(CRASH),
        stall=random.choice(STALL),
        jump=random.choice(JUMP),
        reboot=random.choice(REBOOT),
        pace=random.choice(PACE),
    )
