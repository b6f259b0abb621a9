"""A failing seed, made small: fewer clients, rounds, switches, faults. `python -m simulated.shrink SEED [MUTANT]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from simulated import seeds
from simulated.fate import Decision, Key
from simulated.scenario import Scenario, deal

BUDGET_SECONDS = 60  # of processor time: on a busy machine it is made as small
LAST_LINES = 60
COURSES = 4
Script = dict[Key, Decision]


class Shrinker:
    """Keeps the smallest run that still shows a problem."""

    def __init__(self, seed: int, mutant: str | None = None) -> None:
        self.mutant = mutant
        self.scenario, self.script = deal(seed), dict[Key, Decision]()
        self.end = time.process_time() + BUDGET_SECONDS
        self.report = seeds.run(self.scenario, mutant=mutant)
        self.script = self.report.decided

    def shrink(self) -> seeds.Report:
        """The smallest run found within the budget."""
        if self.report.problems:
            for name in reversed(self.scenario.roles):
                self._somehow(roles=tuple(other for other in self.scenario.roles if other != name))
            for rounds in range(1, self.scenario.rounds):
                if self._somehow(rounds=rounds):
                    break
            for kind in ("crash", "stall", "jump", "reboot"):
                if getattr(self.scenario, kind):
                    self._somehow(**{kind: 0.0})
            self._fewer_decisions()
        return self.report

    def _somehow(self, **less: object) -> bool:
        """Whether some course of events breaks it with less: one of its own, the one so far first."""
        smaller = self.scenario.without(**less)
        return self._fails(smaller, self.script) or any(
            self._fails(smaller.without(salt=salt), None) for salt in range(COURSES)
        )

    def _fewer_decisions(self) -> None:
        size = max(1, len(self.script) // 2)
        while size and time.process_time() < self.end:
            for part in list(_parts(self.script, size)):
                rest = {key: decision for key, decision in self.script.items() if key not in part}
                if len(rest) < len(self.script):
                    self._fails(self.scenario, rest)
            size //= 2

    def _fails(self, scenario: Scenario, script: Script | None) -> bool:
        if time.process_time() > self.end:
            return False
        report = seeds.run(scenario, script, self.mutant)
        if report.problems:
            self.scenario, self.script, self.report = scenario, report.decided, report
        return bool(report.problems)


def _parts(script: Script, size: int) -> Iterator[set[Key]]:
    """The keys of the script, so many at a time."""
    keys = list(script)
    return (set(keys[begin : begin + size]) for begin in range(0, len(keys), size))


def main(words: list[str]) -> int:
    """Shrink a seed, and tell its story."""
    seeds.with_ordered_sets(__spec__.name, words)
    shrinker = Shrinker(int(words[0]), *words[1:2])
    report, scenario = shrinker.shrink(), shrinker.scenario
    if not report.problems:
        print(f"seed {scenario.seed}: nothing was broken")
        return 0
    print(f"seed {scenario.seed}, {report.steps} steps, of these clients: {', '.join(scenario.roles)}")
    for (name, step), decision in sorted(report.decided.items(), key=lambda item: item[0]):
        print(f"  {name} at its step {step}: {' '.join(map(str, decision))}")
    first = next(n for n, line in enumerate(report.story) if "!!!" in line)
    print(*report.story[max(0, first - LAST_LINES) : first + 1], *report.problems, sep="\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
