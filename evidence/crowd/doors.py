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
from agent_lanes.errors import TaskCancelled, TaskFailed
from agent_lanes.services import control

PROGRAM = [os.path.join(os.path.dirname(sys.executable), "agent-lanes")]
UNKNOWN_CODES = ("unconfirmed", "interrupted")
RETRY_IN_SECONDS = 0.2
Values = dict[str, Any]
Terms = dict[str, Any]
"""Of a submit: the names are those of `Queue.submit`. What is not there is left to the queue."""


class Failed(Exception):
    """It did not take place; the text is the error's code."""


class Unknown(Exception):
    """It may have taken place."""


class Door(Protocol):
    """What a client can do."""

    name: str

    def submit(self, lane: str, prompt: str, stored: bool, terms: Terms) -> Values:
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

    def fail(self, id: str, token: str, reason: str) -> Values:
        """This attempt failed. Gives `final`: whether it was the last one."""

    def wait(self, id: str, timeout: float) -> Values:
        """Gives `body` and `status`."""

    def cancel(self, id: str, by: str, reason: str) -> Values:
        """Gives nothing."""

    def hold(self, id: str, seconds: float, reason: str) -> Values:
        """Gives nothing."""

    def resume(self, id: str, by: str) -> Values:
        """Gives nothing."""

    def hold_lane(self, lane: str, seconds: float, reason: str) -> Values:
        """Gives nothing."""

    def resume_lane(self, lane: str) -> Values:
        """Gives nothing."""


class Python:
    """The Python API, in this process."""

    name = "python"

    def __init__(self, store: str) -> None:
        self.queue = Queue.open(store)

    def submit(self, lane: str, prompt: str, stored: bool, terms: Terms) -> Values:
        """See Door."""
        text = {"request": prompt} if stored else {"prompt": prompt}
        return {"id": _called(lambda: self.queue.submit(lane, **terms, **text))}

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

    def fail(self, id: str, token: str, reason: str) -> Values:
        """See Door."""
        backend = self.queue._service.backend  # ClaimedTask has it, and a client that was killed has none of these
        after, _ = _called(lambda: control.fail_attempt(backend, id, token, reason, retry_in_seconds=RETRY_IN_SECONDS))
        return {"final": after.response is not None}

    def wait(self, id: str, timeout: float) -> Values:
        """See Door."""

        def answer() -> Response:
            try:
                return self.queue.wait(id, timeout_seconds=timeout)
            except (TaskFailed, TaskCancelled) as ended:
                return ended.args[1]

        given = _called(answer)
        return {"body": given.body, "status": given.status}

    def cancel(self, id: str, by: str, reason: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.cancel(id, by=by, reason=reason))
        return {}

    def hold(self, id: str, seconds: float, reason: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.hold(id, for_seconds=seconds, reason=reason))
        return {}

    def resume(self, id: str, by: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.resume(id, by=by))
        return {}

    def hold_lane(self, lane: str, seconds: float, reason: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.hold_lane(lane, for_seconds=seconds, reason=reason))
        return {}

    def resume_lane(self, lane: str) -> Values:
        """See Door."""
        _called(lambda: self.queue.resume_lane(lane))
        return {}


def _called(call: Any) -> Any:
    try:
        return call()
    except AgentLanesError as wrong:
        raise (Unknown if wrong.code in UNKNOWN_CODES else Failed)(wrong.code) from wrong


FLAGS = {
    "idempotency_key": "--idempotency-key",
    "max_attempts": "--max-attempts",
    "backoff_seconds": "--backoff",
    "priority": "--priority",
    "delay_seconds": "--delay",
    "depends_on": "--depends-on",
    "on_failure": "--on-failure",
    "unique_key": "--unique-key",
}
SECONDS = ("backoff_seconds", "delay_seconds")


class Commands:
    """Real commands, each a process of its own."""

    name = "commands"

    def __init__(self, store: str) -> None:
        self.store = store

    def submit(self, lane: str, prompt: str, stored: bool, terms: Terms) -> Values:
        """See Door."""
        words = ["submit", "--quiet", "--lane", lane, *(["-"] if stored else ["--prompt", prompt])]
        for name, value in terms.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                words += [FLAGS[name], f"{one}s" if name in SECONDS else str(one)]
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

    def fail(self, id: str, token: str, reason: str) -> Values:
        """See Door."""
        words = ["--status", "failed", "--retry", "--retry-in", f"{RETRY_IN_SECONDS}s", "--body", reason]
        return {"final": self._run(["respond", id, "--claim-token", token, *words])["status"] == "failed"}

    def wait(self, id: str, timeout: float) -> Values:
        """See Door."""
        answer = self._run(["wait", id, "--quiet", "--timeout", str(timeout)])["response"]
        return {"body": answer["body"], "status": answer["status"]}

    def cancel(self, id: str, by: str, reason: str) -> Values:
        """See Door."""
        self._run(["cancel", id, "--by", by, "--reason", reason])
        return {}

    def hold(self, id: str, seconds: float, reason: str) -> Values:
        """See Door."""
        self._run(["hold", id, "--until", f"{seconds}s", "--reason", reason])
        return {}

    def resume(self, id: str, by: str) -> Values:
        """See Door."""
        self._run(["resume", id, "--by", by])
        return {}

    def hold_lane(self, lane: str, seconds: float, reason: str) -> Values:
        """See Door."""
        self._run(["hold", "--lane", lane, "--until", f"{seconds}s", "--reason", reason])
        return {}

    def resume_lane(self, lane: str) -> Values:
        """See Door."""
        self._run(["resume", "--lane", lane])
        return {}

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
