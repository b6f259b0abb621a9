"""SOAK: four dispatchers for as long as you like; agents that fail, flood and hang; kills at random. Then the sums.

python evidence/run.py SOAK                        two minutes
python evidence/run.py SOAK --whole                an hour (--minutes N for another length)

Tasks come in as fast as they are done. A dispatcher that was killed or told to leave is started again. When time is
up nobody is disturbed any more, until every task is answered. Then: tasks in = answers out, each the right one; no
process of an agent or a guard; no file in the temp folder; doctor has nothing to say; and what was answered stands in
the ledger.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from subprocess import Popen

from dispatching.hall import Hall, alive
from experiment import Plan, Table
from holding.place import TIMED_OUT, Broken, expect

from agent_lanes import Queue
from agent_lanes.services import costs
from agent_lanes.wiring import open_backend

DISPATCHERS, CONCURRENCY, OPEN_AT_ONCE = 4, 2, 24
SAMPLE_MINUTES, WHOLE_MINUTES = 2.0, 60.0
DRAIN_SECONDS, LEAVING_SECONDS = 600.0, 180.0
PAUSE_SECONDS = 2.0  # between two deeds, on average
FLAGS = ("--concurrency", str(CONCURRENCY), "--max-run-seconds", "6", "--max-output-bytes", "2000000")
LEASE = ("--lease-seconds", "5", "--wait", "30")
MOODS = {"echo": 70, "fail": 8, "flood": 4, "hang": 4, "deaf": 2, "leave": 4, "bytes": 8}
GOOD = {"echo", "leave", "bytes"}
"""The others are failed after their two attempts; these must be answered, however often they are disturbed."""
DEEDS = {"kill -9 dispatcher": 30, "kill -9 guard": 15, "kill -9 both": 10, "kill -9 agent": 15}
DEEDS |= {"SIGTERM": 15, "SIGTERM twice": 10, "stop for a second": 5}


class Soak:
    """One run of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.chance = plan, random.Random(plan.seed or str(time.time_ns()))
        self.seconds = 60 * (plan.minutes or (WHOLE_MINUTES if plan.whole else SAMPLE_MINUTES))
        self.hall = Hall(plan.work / "hall")
        self.queue = Queue.open(str(self.hall.store))
        self.backend = open_backend(str(self.hall.store))
        self.moods: dict[str, str] = {}
        self.open = set[str]()
        self.deeds = Counter[str]()
        self.dispatchers = list[Popen[bytes]]()

    def rage(self) -> None:
        """Until the time is up."""
        end = time.monotonic() + self.seconds
        said, next_deed = 0.0, time.monotonic() + PAUSE_SECONDS
        while (left := end - time.monotonic()) > 0:
            self._fill()
            self._revive()
            if time.monotonic() > next_deed:
                next_deed = time.monotonic() + self.chance.expovariate(1 / PAUSE_SECONDS)
                self._deed()
            if abs(said - left) > 30:
                said = left
                self.plan.say(f"SOAK: {left:.0f} s left, {len(self.moods)} tasks in, {len(self.open)} open")
            time.sleep(0.1)

    def calm(self) -> None:
        """Until every task is answered and every dispatcher has left."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.open and time.monotonic() < deadline:
            self._revive()
            self._look()
            time.sleep(0.2)
        for process in self._running():
            process.send_signal(signal.SIGTERM)
        for process in self.dispatchers:
            process.wait(LEAVING_SECONDS)

    def problems(self) -> list[str]:
        """Everything that is not as it was promised."""
        found = [f"{id} ({self.moods[id]}) was never answered" for id in sorted(self.open)]
        ids = set(self.backend.ids())
        found += [f"{id} was submitted by nobody" for id in sorted(ids - self.moods.keys())]
        found += [line for id in sorted(self.moods.keys() - self.open) for line in self._wrong(id)]
        entered = {(one.task, one.epoch) for one in costs.entries(self.backend)}
        for id in self.moods.keys() - self.open:
            response = self.backend.read(id).response
            if response is not None and response.metadata.get("seconds") and (id, response.epoch) not in entered:
                found.append(f"{id}: its answer stands in no ledger and no history")
        for check in (self._nothing_lies_about, self._nothing_runs, self.hall.healthy):
            try:
                check()
            except Broken as wrong:
                found.append(str(wrong))
        return found

    def table(self, problems: list[str]) -> Table:
        """What came of it."""
        answers = Counter(self._state(id) for id in self.moods)
        outcomes = Counter(one.outcome for one in self.backend.entries())
        table = Table(["what", "how many"], problems=problems)
        table.rows += [("tasks in", len(self.moods)), ("answers out", len(self.moods) - len(self.open))]
        table.rows += [(f"answers: {state}", count) for state, count in sorted(answers.items())]
        table.rows += [(f"attempts: {kind}", count) for kind, count in sorted(outcomes.items())]
        table.rows += [(deed, self.deeds[deed]) for deed in DEEDS]
        table.rows += [("dispatchers started", len(self.dispatchers)), ("minutes", round(self.seconds / 60))]
        return table

    # --- the rage --------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        self._look()
        while len(self.open) < OPEN_AT_ONCE:
            mood = self.chance.choices(list(MOODS), list(MOODS.values()))[0]
            id = self.queue.submit(
                "default",
                prompt=f"as told: {mood} {len(self.moods)}",
                max_attempts=1000 if mood in GOOD else 2,
                backoff_seconds=0,
            )
            self.moods[id] = mood
            self.open.add(id)

    def _look(self) -> None:
        self.open = {id for id in self.open if not self.backend.finished(id)}

    def _running(self) -> list[Popen[bytes]]:
        return [process for process in self.dispatchers if process.poll() is None]

    def _revive(self) -> None:
        for _ in range(DISPATCHERS - len(self._running())):
            self.dispatchers.append(self.hall.work("as-told", self.hall.root, flags=(*FLAGS, *LEASE)))

    def _deed(self) -> None:
        deed = self.chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        victim = self.chance.choice(self._running())
        guards, agents = self.hall.guards(), self.hall.agents()
        self.deeds[deed] += 1
        if deed.startswith("SIGTERM"):
            victim.send_signal(signal.SIGTERM)
            if deed == "SIGTERM twice":
                time.sleep(0.3)
                victim.send_signal(signal.SIGTERM)
        elif deed == "stop for a second":
            victim.send_signal(signal.SIGSTOP)
            time.sleep(1)
            victim.send_signal(signal.SIGCONT)
        elif deed == "kill -9 dispatcher":
            victim.kill()
        else:
            if deed == "kill -9 both":
                victim.kill()
            for pid in self.chance.sample(guards if "agent" not in deed else agents, k=1) if guards and agents else ():
                _kill(pid)

    # --- the sums --------------------------------------------------------------------------------------------

    def _state(self, id: str) -> str:
        return self.backend.read(id).state

    def _wrong(self, id: str) -> list[str]:
        """What is wrong with an answer."""
        snapshot, mood = self.backend.read(id), self.moods[id]
        wanted = "completed" if mood in GOOD else "failed"
        found = [] if snapshot.state == wanted else [f"{id} ({mood}) is {snapshot.state}, not {wanted}"]
        body = snapshot.response.body if snapshot.response is not None else ""
        if mood == "echo" and snapshot.task.prompt not in body:
            found.append(f"{id} (echo) was answered with something else: {body[:200]!r}")
        answers = [event for event in self.backend.events(id) if event.type == "response"]
        return found + ([f"{id} has {len(answers)} answers in its history"] if len(answers) > 1 else [])

    def _nothing_runs(self) -> None:
        self.hall.until(lambda: not self.hall.guards(), f"no guard runs: {self.hall.guards()}")
        self.hall.until(lambda: not self.hall.agents(), f"no agent runs: {self.hall.agents()}")
        mine = os.fsencode(self.hall.tmp)
        left = [pid for pid in _pids() if pid != os.getpid() and mine in _environment(pid) and alive(pid)]
        expect(not left, f"processes are left: {left}")

    def _nothing_lies_about(self) -> None:
        """What a dispatcher and guard, both killed, left behind, agents too, goes with the next one, once it is old."""
        for path in (*self.hall.tmp.iterdir(), *(self.hall.store / "tmp").iterdir()):
            os.utime(path, (0, 0), follow_symlinks=False)
        self.hall.ended(self.hall.work("echo", flags=("--once", "--wait", "0")), TIMED_OUT)
        self.hall.call("doctor", "--repair")
        for folder in (self.hall.tmp, self.hall.store / "tmp"):
            left = sorted(path.name for path in folder.iterdir())
            expect(not left, f"files are left in {folder.name}: {left[:10]}")


def run(plan: Plan) -> Table:
    """See experiment.py."""
    soak = Soak(plan)
    try:
        soak.rage()
        soak.calm()
        return soak.table(soak.problems())
    finally:
        soak.hall.close()
        shutil.rmtree(soak.hall.tmp, ignore_errors=True)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _environment(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""
