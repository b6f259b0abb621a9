"""Workspaces, and stores with many tasks in them.

A workspace has a config, a request and a state folder. A large store is made by writing the facts of its tasks, file
by file, in the format that CONTRACT.md documents (for 0.1.1: in the format of the stores that it writes), and by
nothing else: the ready markers are then made by the build itself, by one rebuild. What was written is looked at
through the build's own `status` and `list` before anything is timed.

A finished task is a folder with task.json, events.jsonl and response.json, as it is after a respond without a claim.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

from builds import Build

REQUEST = b"Please look at this.\n"
DIGEST = hashlib.sha256(REQUEST).hexdigest()
MARK = "20260101T000000000000Z-stored-000000000000"
BORN = datetime(2026, 1, 1, tzinfo=UTC)


class Workspace:
    """A project folder with a queue in it, for one build."""

    def __init__(self, build: Build, folder: str) -> None:
        self.build, self.folder, self.state = build, folder, f"{folder}/handoff/state"
        self.stored = 0
        os.makedirs(f"{folder}/handoff")
        with open(f"{folder}/handoff/handoff.yaml", "w") as file:
            file.write("workspace_id: bench\nworkspace_root: ..\nqueue_root: state\nlanes:\n  review: Reviews\n")
        with open(f"{folder}/request.md", "wb") as file:
            file.write(REQUEST)
        time.sleep(0.05)  # a config written just now is not cached yet: that is not what is measured
        id = self.submit("warm-up")
        self.run("respond", id, "--body", "ok")

    def run(self, *words: str) -> str:
        """The output of one command."""
        return self.build.run(self.folder, *words).out

    def submit(self, lane: str, *more: str) -> str:
        """Queue a task with a request and a response path; its id."""
        words = ("--lane", lane, "--request-from", "request.md", "--response-to", "answers/answer.md")
        return self.run("submit", *words, *more).split()[0]

    def claim(self, id: str) -> str:
        """Claim a task; the token."""
        out = self.run("claim", id, "--owner", "bench")
        return next(line for line in out.splitlines() if line.startswith("claim_token=")).split("=")[1]

    def fill(self, count: int, *, lane: str = "review", state: str = "completed", vendor: str | None = None) -> float:
        """Store `count` more tasks; returns the seconds that the build's own rebuild took, if it needed one."""
        if not count:
            return 0.0
        write = _write_this if self.build.is_this else _write_earlier
        write(self, range(self.stored, self.stored + count), lane, state, vendor)
        last, self.stored = self.stored + count - 1, self.stored + count
        os.sync()  # else the next fsync of whoever is measured pays for this
        taken = self._rebuild() if self.build.is_this and state == "queued" else 0.0
        found = json.loads(self.run("status", _id(last), "--json"))["task"]
        if found["state"] != state or (self.stored <= 10_000 and self._count(state, lane) < count):
            raise RuntimeError(f"{self.build.key} does not see the {count} stored tasks: {found['state']}")
        return taken

    def remove(self) -> None:
        """Delete the whole workspace; a million tasks take minutes."""
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def _count(self, state: str, lane: str) -> int:
        listed = json.loads(self.run("list", "--lane", lane, "--json"))["tasks"]
        return sum(task["state"] == state for task in listed)

    def _rebuild(self) -> float:
        """Empty the gate, so that the next changing command rebuilds the markers from the facts."""
        os.truncate(f"{self.state}/gate", 0)
        started = time.perf_counter()
        id = self.submit("warm-up")
        taken = time.perf_counter() - started
        self.run("respond", id, "--body", "ok")
        return taken


def fresh(build: Build, folder: str) -> Workspace:
    """A new workspace; what lay there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    return Workspace(build, folder)


def _id(number: int) -> str:
    at = (BORN + timedelta(microseconds=number)).strftime("%Y%m%dT%H%M%S%fZ")
    return f"{at}-stored-{number:012x}"


def _write_this(space: Workspace, numbers: range, lane: str, state: str, vendor: str | None) -> None:
    head = {"format": 2, **_asked(space, lane, vendor), "request_stored": False, "sequence": 0}
    task = _json({**head, "sequence": 987654321})
    line = _line({"number": 1, "epoch": 0, **_event("created", {"lane": lane})})
    answer = _json({"format": 2, "epoch": 0, "token_sha256": None, **_answer()})
    for number in numbers:
        files = {"task.json": task.replace("987654321", str(number + 1)), "events.jsonl": line}
        _write(space, number, files, answer if state == "completed" else None)


def _write_earlier(space: Workspace, numbers: range, lane: str, state: str, vendor: str | None) -> None:
    done = _time() if state == "completed" else None
    late = {"claim_owner": None, "claim_token": None, "lease_expires_at": None, "claimed_at": None, "failed_at": None}
    task = _json(
        {**_asked(space, lane, vendor), **late, "state": state, "updated_at": _time(), "completed_at": done}
        | {"failure_reason": None}
    )
    line, answer = _line(_event("created", {"lane": lane})), _json(_answer())
    for number in numbers:
        _write(space, number, {"task.json": task, "events.jsonl": line}, answer if done else None)


def _write(space: Workspace, number: int, files: dict[str, str], answer: str | None) -> None:
    id = _id(number)
    folder = f"{space.state}/tasks/{id}"
    os.mkdir(folder, 0o700)
    for name, text in [*files.items(), *([("response.json", answer)] if answer else [])]:
        descriptor = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, text.replace(MARK, id).encode())
        os.close(descriptor)


def _asked(space: Workspace, lane: str, vendor: str | None) -> dict[str, object]:
    return {
        "id": MARK,
        "workspace_id": "bench",
        "workspace_root": space.folder,
        "correlation_id": "stored",
        "source_agent": "orchestrator",
        "lane": lane,
        "created_at": _time(),
        "prompt": "",
        "request_path": f"{space.folder}/request.md",
        "request_sha256": DIGEST,
        "response_path": f"{space.folder}/answers/answer.md",
        "supporting_paths": [],
        "worktree_path": None,
        "expected_branch": None,
        "metadata": {"required_vendor": vendor} if vendor else {},
    }


def answer_file(space: Workspace, id: str) -> bytes:
    """The response.json of a completed task, for a respond that is only a link or a rename."""
    whole = {"format": 2, "epoch": 0, "token_sha256": None, **_answer()} if space.build.is_this else _answer()
    return _json(whole).replace(MARK, id).encode()


def _answer() -> dict[str, object]:
    return {
        "task_id": MARK,
        "reviewer": "worker",
        "status": "completed",
        "body": "ok",
        "reviewed_request_sha256": DIGEST,
        "request_changed_before_response": False,
        "follow_up_required": False,
        "verdict": None,
        "blocking_count": None,
        "nonblocking_count": None,
        "metadata": {},
        "created_at": _time(),
    }


def _event(type: str, data: dict[str, object]) -> dict[str, object]:
    return {"created_at": _time(), "type": type, "message": "task queued", "data": data}


def _time() -> str:
    return BORN.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _json(record: dict[str, object]) -> str:
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def _line(record: dict[str, object]) -> str:
    return json.dumps(record, sort_keys=True) + "\n"
