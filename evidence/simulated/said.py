"""What a command said, compared with what was so while it ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulated.offers import Offers
from simulated.truth import Known, Op, Truth, Version, during
from simulated.world import World

SOUND = {0, 2, 4, 8, 75}
"""Exit codes that a caller may meet here: done, timed out, refused, the task failed, busy."""
SLACK_SECONDS = 3
"""In which a waiter must have been woken, where nothing stands in the way."""
COMMITS = {"submit", "claim", "renew", "release", "respond"}
"""Commands whose commit has their name."""
LOST = ("damaged", "store_record", "permissions")
"""Findings of the doctor that nothing which happens here accounts for."""


class Judge:
    """Compares."""

    def __init__(self, world: World, truth: Truth, edited: set[str]) -> None:
        self.world, self.truth = world, truth
        self.offers = Offers(truth, edited, self.wrong)
        self.judged = 0

    def __call__(self, op: Op) -> None:
        """Look at a command that has ended; one that was killed said nothing."""
        self.judged += 1
        if op.code is None:
            return
        if "defect" in op.err or "Traceback" in op.err:
            self.wrong(op, op.err.strip())
        elif op.code not in SOUND and (op.verb, op.code) != ("doctor", 1):
            self.wrong(op, f"exit code {op.code}: {op.err.strip()}")
        elif op.code in (0, 1, 8):
            done = op.verb in COMMITS and any(commit == op.verb for commit, _ in op.commits)
            getattr(self, f"_{op.verb}", lambda op, done: None)(op, done)
        else:
            self._in_vain(op)

    def wrong(self, op: Op, what: str) -> None:
        """A broken promise."""
        self.world.problem(f"{op.client}: {' '.join(op.words)}: {what}")

    def _in_vain(self, op: Op) -> None:
        """Refused, busy, timed out: then nothing has changed, and there was a reason."""
        if any(commit == op.verb for commit, _ in op.commits):
            self.wrong(op, f"said {op.code}, and yet it took effect: {op.commits}")
        if op.verb == "wait" and op.id in self.truth.tasks and self.truth.tasks[op.id].answered < op.begun:
            self.wrong(op, "timed out, although the answer was there before it began")

    # --- commands that change ----------------------------------------------------------------------------------

    def _submit(self, op: Op, done: bool) -> None:
        id, key = op.json["task_id"], op.token
        self._told_whether_new(op, done)
        if id not in self.truth.tasks:
            self.wrong(op, f"says {id}, and there is no such task")
        elif key is not None and self.truth.keys.get(key) != id:
            self.wrong(op, f"says {id}, the key stands for {self.truth.keys.get(key)}")

    def _claim(self, op: Op, done: bool) -> None:
        said = op.json
        if said["status"] == "idle":
            if done:
                self.wrong(op, "says idle, and has claimed")
            self.offers.none(op)
            return
        task, token = self.truth.tasks[said["task_id"]], said["claim_token"]
        if said["task"]["epoch"] != task.tokens.get(token):
            self.wrong(op, f"says epoch {said['task']['epoch']} for a token of epoch {task.tokens.get(token)}")
        if sum(commit == "claim" for commit, _ in op.commits) > 1:
            self.wrong(op, f"claimed twice: {op.commits}")
        if not done and "--request-id" not in op.words:
            self.wrong(op, "says claimed, and has not")
        if done and "--lane" in op.words:
            self.offers.first(op, task)
            self._late_claim(op, task)

    def _renew(self, op: Op, done: bool) -> None:
        if not done:
            self.wrong(op, "says renewed, and has not")

    def _release(self, op: Op, done: bool) -> None:
        self._told_whether_new(op, done)

    def _respond(self, op: Op, done: bool) -> None:
        self._told_whether_new(op, done)
        if op.json["response"]["body"] != op.words[op.words.index("--body") + 1]:
            self.wrong(op, f"confirms an answer that is not the one given: {op.json['response']['body']!r}")
        self._answer(op, self.truth.tasks[str(op.id)], op.json["response"])

    def _told_whether_new(self, op: Op, done: bool) -> None:
        if done == op.json["already_done"]:
            self.wrong(op, f"says already_done {op.json['already_done']}, commits: {op.commits}")

    # --- looks -------------------------------------------------------------------------------------------------

    def _wait(self, op: Op, done: bool) -> None:
        if "--lane" in op.words:
            self.offers.shown(op)
            if op.json["status"] == "task_available":
                self._late(op, self.truth.tasks[op.json["task"]["id"]])
            return
        task = self.truth.tasks[str(op.id)]
        self._late(op, task)
        if task.response is None:
            self.wrong(op, "ends well before there is an answer")
        elif op.code != {"completed": 0, "failed": 8}[task.response["status"]]:
            self.wrong(op, f"exit code {op.code} for {task.response['status']}")
        elif "--json" in op.words:
            self._answer(op, task, op.json["response"])
        elif task.record["response_path"] is None and op.out.decode() != task.response["body"]:
            self.wrong(op, f"printed another answer than the task has: {op.out!r}")
        path, answer = task.record["response_path"], task.response
        if path is not None and answer is not None and Path(path).read_bytes() != answer["body"].encode():
            self.wrong(op, "wrote another answer than the task has")

    def _late(self, op: Op, task: Known) -> None:
        """What it waited for had come: was it told, or did it find out by the slow re-check, or when it gave up?

        Judged only where nobody is killed or stopped, and no folder replaced under its watch.
        """
        last = task.versions[-1]
        self._in_time(op, task, last, last.state != "claimed" and not self.world.counts["exchange"])

    def _late_claim(self, op: Op, task: Known) -> None:
        """The same for a claim that waited: of a task that lay there, and that nobody else had a hand on."""
        before = task.versions[-2]
        locked = any(name != op.client and until > before.since for name, _, until in task.locked)
        self._in_time(op, task, before, before.state == "queued" and not locked)

    def _in_time(self, op: Op, task: Known, version: Version, judge: bool) -> None:
        scenario, late = self.world.scenario, (op.ended_at - max(op.at, version.at)) / 1e6
        if judge and scenario.calm and scenario.pace <= 200 and late > SLACK_SECONDS:
            self.wrong(op, f"noticed after {late} s that {task.id} was {version.state}")

    def _answer(self, op: Op, task: Known, said: dict[str, Any]) -> None:
        stored = task.response
        if stored is None:
            self.wrong(op, "shows an answer before there is one")
        elif any(said[field] != stored[field] for field in said):
            self.wrong(op, f"shows another answer than the task has: {said} instead of {stored}")

    def _status(self, op: Op, done: bool) -> None:
        if "task" in op.json:
            self._stood(op, op.json["task"])
        else:
            self._list(op, done)

    def _list(self, op: Op, done: bool) -> None:
        said = op.json
        if said.get("damaged"):
            self.wrong(op, f"finds damage: {said['damaged']}")
        shown = {view["id"]: view for view in said["tasks"]}
        for view in shown.values():
            self._stood(op, view)
        active = "--active-only" in op.words
        for task in self.truth.tasks.values():
            there = task.born <= op.begun and (not active or task.answered > op.ended)
            if there and task.id not in shown:
                self.wrong(op, f"does not show {task.id}")

    def _show(self, op: Op, done: bool) -> None:
        said = op.json
        self._stood(op, said["task"])
        if said["response"] is not None:
            self._answer(op, self.truth.tasks[str(op.id)], said["response"])

    def _doctor(self, op: Op, done: bool) -> None:
        for finding in json.loads(op.out)["findings"]:
            if finding["code"] in LOST:
                self.wrong(op, f"finds {finding}")

    def _stood(self, op: Op, view: dict[str, Any]) -> None:
        """A look shows a task as it stood at some moment while the look went on."""
        task = self.truth.tasks[view["id"]]
        shown = (view["state"], view["epoch"])
        if shown not in [(version.state, version.epoch) for version in during(task, op.begun, op.ended)]:
            self.wrong(op, f"shows {task.id} as {shown}, which it was not at any moment of that look")
