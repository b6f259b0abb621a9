"""K5: a storm. Clients by the dozen, `kill -9` at random, leases of a second; then its history.

python evidence/run.py K5              a minute, a small crowd
python evidence/run.py K5 --whole      200 submitters, 50 workers, ten minutes (--minutes N for another length)

Submitters ask for work on all kinds of terms (attempts, priorities, delays, dependencies, unique keys), workers answer,
fail, release and forget it, overseers cancel, hold and resume tasks and lanes, waiters wait. Some of the clients use
the Python API, the others run real commands. Meanwhile the store is examined, exported,
repaired, and made to rebuild its hints. When time is up nobody is killed any more, until every task is answered. Then
the journals of all clients, the histories in the store and the store itself must agree (crowd/checker.py).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from crowd import aftermath, chart
from crowd.journal import now, read
from crowd.people import Crowd, Person
from crowd.upkeep import Upkeep
from experiment import Plan, Table

DRAIN_SECONDS = 300


@dataclass(frozen=True)
class Scale:
    """How large a storm is."""

    seconds: float
    submitters: int
    at_once: int
    """Of the submitters."""
    workers: int
    commanding_workers: int
    """Of the workers: those who run commands."""
    waiters: int
    overseers: int
    pause: float
    """Seconds between two deeds, on average."""


WHOLE = Scale(600, submitters=200, at_once=20, workers=50, commanding_workers=10, waiters=8, overseers=3, pause=0.25)
SAMPLE = Scale(60, submitters=40, at_once=10, workers=16, commanding_workers=4, waiters=3, overseers=2, pause=0.25)
DEEDS = {"kill worker": 38, "kill submitter": 15, "kill waiter": 6, "kill overseer": 4, "kill command": 25, "stop": 12}
ROLES = ("submitter", "waiter", "overseer", "worker")


class Storm:
    """One storm: the crowd, and chance."""

    def __init__(self, plan: Plan, scale: Scale) -> None:
        self.plan, self.scale = plan, scale
        self.seed = plan.seed or str(time.time_ns())
        self.chance = random.Random(self.seed)
        self.store = plan.work / "store"
        self.crowd = Crowd(self.store, plan.work, self.seed)
        self.upkeep = Upkeep(self.store, plan.work)
        self.begin = now()
        self.end = self.begin / 1e6 + scale.seconds
        self.submitters = 0

    def rage(self) -> None:
        """From the first client to the last deed."""
        for number in range(self.scale.workers):
            door = "commands" if number < self.scale.commanding_workers else "python"
            self.crowd.start("worker", f"worker{number}", door)
        for number in range(self.scale.waiters):
            self.crowd.start("waiter", f"waiter{number}", self._door())
        for number in range(self.scale.overseers):
            self.crowd.start("overseer", f"overseer{number}", self._door())
        said = 0.0
        while (left := self.end - now() / 1e6) > 0:
            self._send_submitters(left)
            self.upkeep.step()
            time.sleep(self.chance.expovariate(1 / self.scale.pause))
            self.crowd.resume()
            self._deed()
            self.crowd.revive()
            if said - left > 10 or not said:
                said = left
                self.plan.say(f"K5: {left:.0f} s left, {self.submitters} submitters, {len(self.crowd.deeds)} deeds")

    def calm(self) -> list[str]:
        """Until everything is answered. What is wrong if it never is."""
        self.upkeep.finish()
        self.crowd.dismiss("overseer")
        self.crowd.resume(all=True)
        patience = time.monotonic() + DRAIN_SECONDS
        while self.crowd.of("submitter") and time.monotonic() < patience:
            self.crowd.revive()
            time.sleep(0.2)
        self.plan.say("K5: every submitter has its answers")
        problems = [f"{one.name} waits for ever" for one in self.crowd.of("submitter")]
        problems += aftermath.drained(self.store, patience)
        self.plan.say("K5: every task is answered")
        problems += self.crowd.overgrown()
        self.crowd.dismiss(*ROLES)
        return problems

    def _send_submitters(self, left: float) -> None:
        """Keep so many at once, each for a while, so that all of them have been there in the end."""
        missing = self.scale.at_once - len(self.crowd.of("submitter"))
        rounds = self.scale.submitters / self.scale.at_once
        for _ in range(missing):
            if self.submitters == self.scale.submitters:
                return
            until = min(self.end, now() / 1e6 + self.chance.uniform(0.7, 1.3) * self.scale.seconds / rounds)
            self.crowd.start("submitter", f"submitter{self.submitters}", self._door(), until)
            self.submitters += 1

    def _deed(self) -> None:
        [deed] = self.chance.choices(list(DEEDS), list(DEEDS.values()))
        if deed == "kill command":
            busy = [one for one in self.crowd.of(*ROLES) if one.door == "commands"]
            self.chance.shuffle(busy)
            any(self.crowd.kill_command(one) for one in busy)
        elif deed == "stop":
            running = [one for one in self.crowd.of("worker", "waiter") if not one.stopped_until]
            self.crowd.stop(self.chance.choice(running), self.chance.uniform(1.1, 2.5))
        elif found := self._mostly_busy(deed.removeprefix("kill ")):
            self.crowd.kill(self.chance.choice(found))

    def _mostly_busy(self, role: str) -> list[Person]:
        """Those who might be killed: rather one at work than one asleep."""
        found = self.crowd.of(role)
        busy = [one for one in found if one.runs]
        return busy if busy and self.chance.random() < 0.7 else found

    def _door(self) -> str:
        return self.chance.choice(["python", "python", "commands"])


def run(plan: Plan) -> Table:
    """See experiment.py."""
    scale = WHOLE if plan.whole else SAMPLE
    if plan.minutes is not None:
        scale = Scale(**{**scale.__dict__, "seconds": plan.minutes * 60})
    storm = Storm(plan, scale)
    try:
        storm.rage()
        problems = storm.calm()
    finally:
        storm.crowd.dismiss(*ROLES)
        storm.upkeep.finish()
    plan.say("K5: checking the history")
    operations = read(*storm.crowd.journals.iterdir())
    records = aftermath.records(storm.store)
    problems += aftermath.problems(storm.store, operations, records)
    problems += storm.upkeep.problems + storm.crowd.complaints()
    table = Table(["what", "how many"], problems=[*problems, *([f"seed {storm.seed}"] if problems else [])])
    table.rows = aftermath.figures(operations, records, storm.crowd, storm.upkeep, scale.seconds)
    table.notes = [f"seed {storm.seed}; the same seed chooses the same deeds, not the same interleaving"]
    table.pictures = {"timeline": chart.timeline(operations, storm.crowd.deeds, storm.begin)}
    return table
