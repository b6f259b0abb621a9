"""Drive everything that is open on a store to its end, with the real commands, as somebody would who knows nothing.

    told = Ending(scene, store, tokens, environment).reach()

Nothing may be lost: every task must be offered to a fresh claim, at latest when its lease is over, get exactly one
answer, and keep it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from scene import Ended, Scene

LEASE_GRACE_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 5.0  # no trial asks that a task waits for longer
LONGEST_LEASE_SECONDS = 15.0  # no lease that a trial leaves behind holds for longer; those of known tokens excepted
MOST_TASKS = 50
Told = list[str]


class Ending:
    """`tokens` are those that somebody knows, by the id of their task."""

    def __init__(self, scene: Scene, store: Path, tokens: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._scene, self._store, self._environment = scene, store, environment
        self._tokens = tokens
        self.told: Told = []

    def reach(self) -> Told:
        """Bring every task to its one answer; what went wrong on the way."""
        if not (self._store / "tasks").is_dir():
            return []
        before = self._answers()
        self._let_go()
        self._let_times_come()
        self._take_all()
        for id, token in self._tokens.items():
            if id in self._open():
                self._expect(self._run("respond", id, "--claim-token", token, "--body", "By its holder."), id)
        if self._open():
            self.let_leases_end()
            self._take_all()
        for id in self._open():
            self.told.append(f"{id} is never offered to a claim of its lane")
        self._look_at_answers(before)
        return self.told

    def _let_go(self) -> None:
        """Nothing stays on hold."""
        for id in self._open():
            if self._claim(id).get("on_hold"):
                self._expect(self._run("resume", id), f"resume of {id}")
        for hold in self._store.glob("holds/*/*.json"):
            self._expect(self._run("resume", "--lane", hold.parent.name), f"resume of lane {hold.parent.name}")

    def _let_times_come(self) -> None:
        """Sleep until no task is to be offered later; one that is to wait for longer than any trial asks is told."""
        for id in self._open():
            named = self._claim(id).get("not_before") or self._record(id, "task.json").get("not_before")
            if named is None:
                continue
            ahead = datetime.fromisoformat(named.replace("Z", "+00:00")).timestamp() - time.time()
            if ahead > LONGEST_DELAY_SECONDS:
                self.told.append(f"{id} is not offered for {ahead:.0f} s")
            elif ahead > 0:
                time.sleep(ahead + LEASE_GRACE_SECONDS)

    def let_leases_end(self) -> None:
        """Sleep until every claim whose token nobody knows has run out; one that holds for longer is told."""
        for id in self._open():
            claim = self._claim(id)
            if id in self._tokens or claim.get("released_at") is not None:
                continue
            ends = claim.get("lease_ends_boottime_us", 0) / 1_000_000 - time.clock_gettime(time.CLOCK_BOOTTIME)
            if ends > LONGEST_LEASE_SECONDS:
                self.told.append(f"{id} stays claimed for {ends:.0f} s by nobody who knows it")
            elif ends > 0:
                time.sleep(ends + LEASE_GRACE_SECONDS)

    def _run(self, *words: str) -> Ended:
        return self._scene.run("--store", str(self._store), *words, environment=self._environment)

    def _expect(self, ended: Ended, what: str, *codes: int) -> bool:
        if ended.code in (codes or (0,)):
            return True
        self.told.append(f"{what}: {ended}")
        return False

    def _answers(self) -> dict[str, bytes]:
        return {path.parent.name: path.read_bytes() for path in self._store.glob("tasks/*/response.json")}

    def _open(self) -> list[str]:
        tasks = (self._store / "tasks").iterdir()
        return sorted(task.name for task in tasks if not (task / "response.json").exists())

    def _take_all(self) -> None:
        """Claim and answer whatever the lanes offer; what was parked, by its id."""
        for id in self._open():
            if self._claim(id).get("parked"):
                self._answer(self._run("claim", id, "--owner", "the-end"), id)
        for lane in self._lanes():
            for _ in range(MOST_TASKS):
                taken = self._run("claim", "--lane", lane, "--owner", "the-end")
                if not self._expect(taken, f"claim of lane {lane}") or "claim_token" not in taken.values:
                    break
                self._answer(taken, taken.values["task_id"])

    def _answer(self, taken: Ended, id: str) -> None:
        if self._expect(taken, f"claim of {id}"):
            token = taken.values["claim_token"]
            self._expect(self._run("respond", id, "--claim-token", token, "--body", "At last."), f"respond of {id}")

    def _look_at_answers(self, before: Mapping[str, bytes]) -> None:
        """Every answer can be had, and not be replaced."""
        now = self._answers()
        for id in sorted(before.keys() - now.keys()):
            self.told.append(f"the answer of {id} is gone")
        for id, answer in sorted(now.items()):
            if before.get(id, answer) != answer:
                self.told.append(f"the answer of {id} was replaced by another")
            try:
                body = json.loads(answer)["body"]
            except ValueError:
                self.told.append(f"the answer of {id} cannot be read")
                continue
            got = self._run("wait", id, "--timeout", "0", "--json")
            if self._expect(got, f"wait for {id}", 0, 8, 9) and json.loads(got.out)["response"]["body"] != body:
                self.told.append(f"wait for {id} tells of another answer than the store")
            self._expect(self._run("respond", id, "--body", "Another answer."), f"a second answer to {id}", 4, 9)
        if self._answers() != now:
            self.told.append("a second answer changed a first one")

    def _claim(self, id: str) -> dict[str, Any]:
        return self._record(id, "claim.json")

    def _record(self, id: str, name: str) -> dict[str, Any]:
        try:
            record = json.loads((self._store / "tasks" / id / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _lanes(self) -> list[str]:
        lanes = set()
        for task in (self._store / "tasks").iterdir():
            if lane := self._record(task.name, "task.json").get("lane"):
                lanes.add(lane)
        return sorted(lanes)
