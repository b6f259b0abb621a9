"""Whether a store that a power cut left keeps its promises: real commands on it, in another boot.

look      status --all, list, doctor: they end well, and name no damaged record
kept      every task that was acknowledged is there with its request, every answer is there and the same, also in
          the file that `wait` said it wrote; what was not acknowledged is there whole, or not at all
go_on     every task without an answer is offered once, in order, under an epoch above every one on the disk;
          the tokens of the former boot are refused; it can be answered, and the answer read
again     calls that are repeated are confirmed, and a second answer is refused
renewed   a new task goes the whole way, its place is behind all others; doctor finds no problem
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disk.facts import Answered, Asked, Attempted, Claimed, Fact, Shows, Spoiled, Written
from disk.program import Program, Result

LANES = ("default", "other")
OK, FINDINGS, REFUSED = 0, 1, 4
ANSWERED = {"completed": OK, "failed": 8, "cancelled": 9}
"""States with an answer, and how `wait` exits then."""
NEW_ANSWER = "answered after the power came back"


@dataclass(frozen=True)
class Case:
    """What is looked at, and what must be so."""

    folder: Path
    store: Path
    flags: tuple[str, ...]
    """Which store the commands are to open: `--store`, or none, where a config says it."""
    promised: Sequence[Fact]
    possible: Sequence[Fact]
    first: Sequence[tuple[str, ...]] = ()
    """Calls that come before the first look; they may find that there is nothing to do."""


class Judge:
    """One look at one store."""

    def __init__(self, program: Program, case: Case) -> None:
        self.program, self.case = program, case
        self.problems: list[str] = []
        self.asked = {fact.id: fact for fact in case.possible if isinstance(fact, Asked)}
        answers = [fact for fact in case.possible if isinstance(fact, Answered)]
        self.answers = {fact.id: fact for fact in sorted(answers, key=lambda fact: fact.token is not None)}
        self.spoiled = [fact for fact in case.possible if isinstance(fact, Spoiled)]
        spoiled = {fact.id for fact in self.spoiled}
        self.sure_asked = {fact.id for fact in case.promised if isinstance(fact, Asked)} - spoiled
        self.sure_answered = {fact.id for fact in case.promised if isinstance(fact, Answered)} - spoiled
        self.there: dict[str, dict[str, Any]] = {}

    def __call__(self) -> list[str]:
        """Everything, in order; what is wrong."""
        for fact in self.case.promised:
            if isinstance(fact, Written):
                self._same_file(fact.path, fact.content)
        for words in self.case.first:
            self._call(*words, codes=(OK, FINDINGS, REFUSED))
        self.look()
        self.kept()
        if not self.problems:  # else what follows says the same once more
            self.go_on()
            self.again()
            self.renewed()
        return self.problems

    # --- what is looked at -----------------------------------------------------------------------------------

    def look(self) -> None:
        """Reading commands end well, and name no damaged record."""
        status = self._call("status", "--all")
        for entry in status.json.get("damaged", ()):
            self._wrong(f"a damaged record: {entry['message']}")
        self.there = {task["id"]: task for task in status.json.get("tasks", ())}
        listed = {task["id"] for task in self._call("list").json.get("tasks", ())}
        if listed != set(self.there):
            self._wrong(f"list and status --all differ: {sorted(listed ^ set(self.there))}")
        self._healthy()

    def kept(self) -> None:
        """Nothing acknowledged is lost; the rest is whole or absent."""
        for id in (self.sure_asked | self.sure_answered) - set(self.there):
            self._wrong(f"lost: task {id}, which was acknowledged")
        for spoiled in self.spoiled:
            files = [path for path in self.case.store.rglob("*") if path.is_file()]
            if not any(path.read_bytes() == spoiled.content for path in files):
                self._wrong(f"lost: what was left of a record of {spoiled.id}")
        for id in sorted(set(self.there) - {spoiled.id for spoiled in self.spoiled}):
            self._same_request(id)
            state = self.there[id]["state"]
            if id in self.sure_answered and state not in ANSWERED:
                self._wrong(f"lost: the answer to {id}, which was acknowledged; it is {state}")
            elif state in ANSWERED:
                self._same_answer(id, self.answers.get(id))
            else:
                self._shown(id)

    def go_on(self) -> None:
        """The queue works on: everything open is offered, once and in order."""
        before = {id: self._epoch_on_disk(id) for id in self.there}
        opened = {id for id, task in self.there.items() if self._open(task)}
        offered: list[str] = []
        for lane in LANES:
            order: list[int] = []
            while True:
                found = self._call("claim", "--lane", lane, "--owner", "after", "--json").json
                if found.get("status") != "claimed":
                    break
                id, task = found["task_id"], found["task"]
                offered.append(id)
                order.append(task["sequence"])
                if task["epoch"] <= before.get(id, 0):
                    self._wrong(f"{id} was claimed under epoch {task['epoch']}, and {before[id]} was on the disk")
                self._stale(id)
                self._answer(id, found["claim_token"])
            if order != sorted(order):
                self._wrong(f"lane {lane} was not offered in order: {order}")
        if sorted(offered) != sorted(opened):
            self._wrong(f"open: {sorted(opened)}; offered: {offered}")

    def again(self) -> None:
        """What was acknowledged is confirmed when it is asked again, and nothing else is."""
        for id in self.sure_answered:
            fact = self.answers[id]
            if fact.token is not None:
                proof = ("--claim-token", fact.token, "--status", fact.status, "--body")
                self._call("respond", id, *proof, str(fact.body))
                self._refused("respond", id, *proof, "another answer")
        for words in {asked.again for asked in self.asked.values() if asked.again}:
            made = [self._call(*words).out.split() for _ in range(2)]
            wanted = {asked.id for asked in self.asked.values() if asked.again == words}
            sure = wanted & (self.sure_asked | set(self.there))
            if made[0] != made[1] or not sure <= set(made[0]):
                self._wrong(f"the submit of {sorted(wanted)} was repeated, and is {made}")
            for id in set(made[0]) - set(self.there):
                self._answer(id, self._call("claim", id).values.get("claim_token", ""))

    def renewed(self) -> None:
        """A new task goes the whole way, behind all others; the store is healthy."""
        waiting = [task for task in self.there.values() if task["lane"] == LANES[0] and task["state"] not in ANSWERED]
        last = max((task["sequence"] for task in waiting), default=0)
        words = ("submit", "--lane", LANES[0], "--prompt", "after the power cut", "--json")
        task = self._call(*words).json.get("task", {})
        if not task:
            return
        if task["sequence"] <= last:
            self._wrong(f"a new task has place {task['sequence']}, and {last} was taken")
        found = self._call("claim", "--lane", LANES[0], "--owner", "after").values
        if found.get("task_id") != task["id"]:
            self._wrong(f"a new task was not offered: {found}")
            return
        self._answer(task["id"], found["claim_token"])
        self._healthy()
        for id in self.sure_answered:
            self._same_answer(id, self.answers[id])

    # --- how -------------------------------------------------------------------------------------------------

    def _open(self, task: dict[str, Any]) -> bool:
        """Whether it is to be offered: a claim of the former boot is over."""
        away = task.get("on_hold") or task.get("not_before") or task.get("waits_for") or task.get("parked_reason")
        known = self.asked.get(task["id"])
        return task["state"] in ("queued", "claimed") and not away and not (known and known.parked)

    def _shown(self, id: str) -> None:
        """What was promised last about its fields, or what was asked for after that."""
        told = [fact for fact in self.case.possible if isinstance(fact, Shows) and fact.id == id]
        for field in {fact.field for fact in told}:
            of_field = [fact for fact in told if fact.field == field]
            sure = [number for number, fact in enumerate(of_field) if fact in self.case.promised]
            allowed = [fact.value for fact in of_field[sure[-1] :]] if sure else []
            if allowed and self.there[id].get(field) not in allowed:
                self._wrong(f"lost: {field} of {id} is {self.there[id].get(field)!r}, and was told as {allowed[0]!r}")

    def _same_request(self, id: str) -> None:
        known = self.asked.get(id)
        if known and known.parked:
            return  # its request is not to be had
        shown = self._call("show", id, "--input", "--json").json.get("input", "")
        wanted = [known.asks] if known else [fact.asks for fact in self.case.possible if isinstance(fact, Attempted)]
        if not any(all(text in shown for text in asks) for asks in wanted):
            self._wrong(f"task {id} is not what was asked: {shown[:200]!r}")

    def _stale(self, id: str) -> None:
        for fact in self.case.possible:
            if isinstance(fact, Claimed) and fact.id == id:
                self._refused("respond", id, "--claim-token", fact.token, "--body", "late")
                self._refused("renew", id, "--claim-token", fact.token)

    def _answer(self, id: str, token: str) -> None:
        self._call("respond", id, "--claim-token", token, "--body", NEW_ANSWER)
        self._same_answer(id, Answered(id, NEW_ANSWER))

    def _same_answer(self, id: str, wanted: Answered | None) -> None:
        status = wanted.status if wanted is not None else "completed"
        done = self._call("wait", id, "--timeout", "0", "--json", codes=(ANSWERED[status],))
        response = done.json.get("response", {})
        found = (response.get("body"), response.get("status"))
        if wanted is None:
            self._wrong(f"{id} has an answer that nobody gave: {found}")
        elif found != (found[0] if wanted.body is None else wanted.body, wanted.status):
            self._wrong(f"{id} was answered {(str(wanted.body)[:80], wanted.status)}, and reads {str(found)[:200]}")
        elif done.json.get("response_path") and wanted.body is not None:
            self._same_file(done.json["response_path"], wanted.body.encode())

    def _same_file(self, path: str, content: bytes) -> None:
        file = self.case.folder / path
        if not file.is_file():
            self._wrong(f"lost: the file {path}, which was acknowledged")
        elif file.read_bytes() != content:
            self._wrong(f"the file {path} is not what was written: {file.read_bytes()[:80]!r}")

    def _healthy(self) -> None:
        for finding in self._call("doctor", "--json", codes=(OK, FINDINGS)).json.get("findings", ()):
            if finding["level"] == "problem":
                self._wrong(f"doctor: {finding['code']}: {finding['message']}")

    def _epoch_on_disk(self, id: str) -> int:
        try:
            return int(json.loads((self.case.store / "tasks" / id / "claim.json").read_bytes())["epoch"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _refused(self, *words: str) -> None:
        self._call(*words, codes=(REFUSED,))

    def _call(self, *words: str, codes: tuple[int, ...] = (OK,)) -> Result:
        done = self.program(*self.case.flags, *words)
        if done.defect or done.code not in codes:
            self._wrong(f"{done} (expected: {' or '.join(map(str, codes))})")
        return done

    def _wrong(self, line: str) -> None:
        if line not in self.problems:
            self.problems.append(line)
