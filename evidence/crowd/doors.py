"""The same operations through the two doors of the queue: the Python API, and commands as a shell runs them.

Each returns a dict of what came of it, or raises `Failed` (it did not take place) or `Unknown` (nobody can tell).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Protocol

from agent_lanes import AgentLanesError, Queue
from agent_lanes.core.task import Response
from agent_lanes.errors import TaskFailed

PROGRAM = [os.path.join(os.path.dirname(sys.executable), "agent-lanes")]
UNKNOWN_CODES = ("unconfirmed", "interrupted")
Values = dict[str, Any]


class Failed(Exception):
    """It did not take place; the text is the error's code."""


class Unknown(Exception):
    """It may have taken place."""


class Door(Protocol):
    """What a client can do."""

    name: str

    def submit(self, lane: str, prompt: str, key: str | None, stored: bool) -> Values:
        """Gives `id`. With `stored`, the text is a request from stdin; else it is a prompt."""

    def claim(self, lane: str, owner: str, lease: float, wait: float, request_id: str | None) -> Values:
        """Gives `id`, `epoch`, `token`, `prompt`, and `ends` if known; nothing where there was none."""

    def renew(self, id: str, token: str, lease: float) -> Values:
        """Gives `ends`, if known."""

    def release(self, id: str, token: str) -> Values:
        """Gives nothing."""

    def event(self, id: str, token: str, message: str) -> Values:
        """Gives nothing."""

    def respond(self, id: str, token: str, body: str, status: str) -> Values:
        """Gives nothing."""

    def wait(self, id: str, timeout: float) -> Values:
        """Gives `body` and `status`."""


class Python:
    """The Python API, in this process."""

    name = "python"

    def __init__(self, store: str) -> None:
        self.queue = Queue.open(store)

    def submit(self, lane: str, prompt: str, key: str | None, stored: bool) -> Values:
        """See Door."""
        text = {"request": prompt} if stored else {"prompt": prompt}
        return {"id": _called(lambda: self.queue.submit(lane, idempotency_key=key, max_attempts=0, **text))}  # type: ignore[arg-type]

    def claim(self, lane: str, owner: str, lease: float, wait: float, request_id: str | None) -> Values:
        """See Door."""
        task = _called(
            lambda: self.queue.claim(lane, owner=owner, lease_seconds=lease, wait_seconds=wait, request_id=request_id)
        )
        if task is None:
            return {}
        claim = task.snapshot.claim
        prompt = task.task.prompt or task.request
        return {
            "id": task.id,
            "epoch": claim.epoch,
            "token": task.token,
            "prompt": prompt,
            "ends": claim.lease.ends_boottime,
        }

    def renew(self, id: str, token: str, lease: float) -> Values:
        """See Door."""
        return {"ends": _called(lambda: self.queue.renew(id, token, lease_seconds=lease)).lease.ends_boottime}

    def release(self, id: str, token: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.release(id, token, reason="somebody else may"))
        return {}

    def event(self, id: str, token: str, message: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.event(id, message, token=token))
        return {}

    def respond(self, id: str, token: str, body: str, status: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.respond(id, body, token=token, status=status))
        return {}

    def wait(self, id: str, timeout: float) -> Values:
        """See Door."""

        def answer() -> Response:
            try:
                return self.queue.wait(id, timeout_seconds=timeout)
            except TaskFailed as failed:
                return failed.args[1]

        given = _called(answer)
        return {"body": given.body, "status": given.status}


def _called(call: Any) -> Any:
    try:
        return call()
    except AgentLanesError as wrong:
        raise (Unknown if wrong.code in UNKNOWN_CODES else Failed)(wrong.code) from wrong


class Commands:
    """Real commands, each a process of its own."""

    name = "commands"

    def __init__(self, store: str) -> None:
        self.store = store

    def submit(self, lane: str, prompt: str, key: str | None, stored: bool) -> Values:
        """See Door."""
        words = ["submit", "--lane", lane, "--max-attempts", "0", *(["-"] if stored else ["--prompt", prompt])]
        words += [] if key is None else ["--idempotency-key", key]
        return {"id": self._run(words, prompt if stored else "")["task_id"]}

    def claim(self, lane: str, owner: str, lease: float, wait: float, request_id: str | None) -> Values:
        """See Door."""
        words = ["claim", "--lane", lane, "--owner", owner, "--lease-seconds", str(lease), "--wait", str(wait)]
        found = self._run(words + ([] if request_id is None else ["--request-id", request_id]))
        if found["status"] == "idle":
            return {}
        task = found["task"]
        prompt = task["prompt"] or open(task["request_path"]).read()  # noqa: SIM115
        return {"id": task["id"], "epoch": task["epoch"], "token": found["claim_token"], "prompt": prompt}

    def renew(self, id: str, token: str, lease: float) -> Values:
        """See Door."""
        self._run(["renew", id, "--claim-token", token, "--lease-seconds", str(lease)])
        return {}

    def release(self, id: str, token: str) -> Values:
        """See Door."""
        self._run(["release", id, "--claim-token", token, "--reason", "somebody else may"])
        return {}

    def event(self, id: str, token: str, message: str) -> Values:
        """See Door."""
        self._run(["event", id, "--claim-token", token, "--message", message])
        return {}

    def respond(self, id: str, token: str, body: str, status: str) -> Values:
        """See Door."""
        self._run(["respond", id, "--claim-token", token, "--status", status, "--file", "-"], body)
        return {}

    def wait(self, id: str, timeout: float) -> Values:
        """See Door."""
        answer = self._run(["wait", id, "--quiet", "--timeout", str(timeout)])["response"]
        return {"body": answer["body"], "status": answer["status"]}

    def _run(self, words: list[str], stdin: str = "") -> Values:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [*PROGRAM, "--store", self.store, "--json", *words], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        out, err = process.communicate(stdin)
        if process.returncode < 0:
            raise Unknown(f"killed by signal {-process.returncode}")
        try:
            told = json.loads(out)
        except ValueError:
            raise RuntimeError(f"{words}: exit code {process.returncode}, {out!r}, {err!r}") from None
        if told.get("status") == "error":
            raise (Unknown if told["code"] in UNKNOWN_CODES else Failed)(told["code"])
        return dict(told)


DOORS: dict[str, type[Python] | type[Commands]] = {door.name: door for door in (Python, Commands)}
