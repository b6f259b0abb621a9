"""What happens at each step. Drawn from the seed, written down, and so can be done again with less in it.

A decision has the name of the client and the number of its step, and is one of

    ("next", name)        that client goes on
    ("crash",)            kill -9
    ("stall", micros)     SIGSTOP, a slow disk, a machine that is busy elsewhere
    ("jump", micros)      somebody sets the wall clock
    ("reboot",)           all die; the clocks begin anew, hints that nobody had synced may be gone
"""

from __future__ import annotations

from random import Random

from simulated.scenario import MICROS, Scenario

Key = tuple[str, int]
Decision = tuple[object, ...]

STALLS = (50_000, 2 * MICROS, 15 * MICROS, 5000 * MICROS)
JUMPS = (1000, 100 * MICROS, 7200 * MICROS, 40 * 86_400 * MICROS)
EAGER = frozenset(("flock", "rename", "link", "close", "unlink"))  # the calls around which races lie


class Fate:
    """Decides; remembers what it decided."""

    def __init__(self, scenario: Scenario, script: dict[Key, Decision] | None = None) -> None:
        self.scenario = scenario
        self.script = script
        self.decided: dict[Key, Decision] = {}
        self.random = Random(f"fate {scenario.seed} {scenario.salt}")
        self.faults = True
        s = scenario
        self.rare = s.crash + s.stall + s.jump + s.reboot

    def at(self, key: Key, call: str, others: list[str], *, mortal: bool) -> Decision | None:
        """What happens before this call of a client; None: it goes on. `others` may go on in its place."""
        if self.script is not None:
            decision = self.script.get(key)
            if decision is not None and (decision[0] == "next" or self.faults):
                self.decided[key] = decision
                return decision
            return None
        draw = self.random.random()
        if draw < self.rare:
            decision = self._fault(draw, mortal) if self.faults else None
        else:
            chance = self.scenario.switch * (3 if call in EAGER else 1)
            decision = ("next", self.random.choice(others)) if others and draw < self.rare + chance else None
        if decision is not None:
            self.decided[key] = decision
        return decision

    def next(self, key: Key, names: list[str]) -> str:
        """Who goes on, where the client itself cannot."""
        if self.script is not None:
            decision = self.script.get(key)
            return str(decision[1]) if decision and decision[0] == "next" and decision[1] in names else names[0]
        name = self.random.choice(names)
        if name != names[0]:
            self.decided[key] = ("next", name)
        return name

    def _fault(self, draw: float, mortal: bool) -> Decision | None:
        s = self.scenario
        if draw < s.crash:
            return ("crash",) if mortal else None
        if draw < s.crash + s.stall:
            return ("stall", self.random.choice(STALLS))
        if draw < s.crash + s.stall + s.jump:
            return ("jump", self.random.choice(JUMPS) * self.random.choice((-1, 1)))
        return ("reboot",)
