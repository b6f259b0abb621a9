"""When all scripts have ended and nothing goes wrong any more: drain, look at every answer, sweep, examine."""

from __future__ import annotations

import json
import os
from pathlib import Path

from simulated.roles import Board, respond
from simulated.scenario import LANES
from simulated.shell import Shell
from simulated.truth import Known, Truth
from simulated.world import World

SURROUNDINGS = {"network_file_system", "disk_space", "inotify_exhausted", "clock_set_back", "no_boot_clock"}
EVENTS = {
    "submit": "created",
    "claim": "claimed",
    "renew": "renewed",
    "release": "released",
    "park": "parked",
    "respond": "response",
}
MOST_CLAIMS = 200


class Ending:
    """The last client."""

    def __init__(self, world: World, truth: Truth, board: Board) -> None:
        self.world, self.truth, self.board = world, truth, board

    def script(self, shell: Shell) -> None:
        """What it does."""
        for name, path in self.board.requests.items():
            Path(path).write_text(f"request {name}")
        shell.sleep(100)  # by now every lease has run out
        self._drain(shell)
        self._answers(shell)
        self._hints(shell)
        self.world.set_wall_right()
        shell.sleep(7200)  # by now everything in tmp/ is litter
        id = shell.run("submit", "--json", "--lane", LANES[0], "--prompt", "the last").json["task_id"]
        respond(shell, id, None)
        self._litter(shell)
        for task in self.truth.tasks.values():
            self._history(task)

    def _drain(self, shell: Shell) -> None:
        for lane in LANES:
            for _ in range(MOST_CLAIMS):
                op = shell.run("claim", "--json", "--lane", lane, "--owner", "last", "--lease-seconds", "1000")
                if op.code != 0 or op.json["status"] == "idle":
                    break
                self._finish(shell, op.json["task_id"], op.json["claim_token"])
        for id, task in self.truth.tasks.items():
            if task.response is None and task.claim and task.claim["parked"]:
                op = shell.run("claim", id, "--json", "--owner", "last", id=id)
                if op.code == 0:
                    self._finish(shell, id, op.json["claim_token"])

    def _finish(self, shell: Shell, id: str, token: str) -> None:
        op = respond(shell, id, token)
        if op.code != 0:
            self.world.problem(f"{id} cannot be answered by whoever holds it: {op.code} {op.err}")

    def _answers(self, shell: Shell) -> None:
        for id in self.board.acknowledged:
            if id not in self.truth.tasks:
                self.world.problem(f"{id} was acknowledged, and there is no such task")
            elif self.truth.tasks[id].response is None:
                self.world.problem(f"{id} was acknowledged, and cannot be claimed or answered")
            else:
                shell.run("wait", id, "--timeout", "0", "--json", id=id)
        for id, task in self.truth.tasks.items():
            if task.response is None:
                self.world.problem(f"{id} is stuck: {task.claim}")
        shell.run("list", "--json")

    def _hints(self, shell: Shell) -> None:
        op = shell.run("doctor", "--json")
        for finding in json.loads(op.out)["findings"]:
            if finding["level"] == "problem" and finding["code"] not in SURROUNDINGS:
                self.world.problem(f"doctor after the drain: {finding}")

    def _litter(self, shell: Shell) -> None:
        left = sorted(os.listdir(f"{self.board.state}/tmp"))
        if left:
            self.world.problem(f"litter that nobody cleaned: {left}")
        shell.run("doctor", "--json", "--repair")
        for finding in json.loads(shell.run("doctor", "--json").out)["findings"]:
            if finding["code"] not in SURROUNDINGS:
                self.world.problem(f"doctor after its own repair: {finding}")

    def _history(self, task: Known) -> None:
        """The lines are those of the commits, in order; crashes may have cost some, and each gap is told."""
        path = Path(f"{self.board.state}/tasks/{task.id}/events.jsonl")
        raw = path.read_bytes() if path.exists() else b""
        lines = [line for line in map(_parsed, raw.split(b"\n")) if line is not None]
        numbers = [line["number"] for line in lines]
        if numbers != sorted(set(numbers)):
            self.world.problem(f"the history of {task.id} is numbered {numbers}")
        told = [line["type"] for line in lines if line["type"] in EVENTS.values()]
        happened = [EVENTS[kind] for kind in task.commits]
        calm = not self.world.counts["crash"] and not self.world.counts["reboot"]
        if calm and told != happened:
            self.world.problem(f"the history of {task.id} tells {told}, what happened is {happened}")
        rest = iter(happened)
        if not all(type in rest for type in told):
            self.world.problem(f"the history of {task.id} tells {told}, out of {happened}")


def _parsed(line: bytes) -> dict[str, object] | None:
    try:
        return dict(json.loads(line))
    except ValueError:
        return None
