"""A workspace and a store as agent-lanes 0.1.1 leaves them: every state a task can be in, and still older records.

Everything is made by the real 0.1.1, but for what only a crash of it or an older program left: those records are
its own, edited as such a program would have written them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CURRENT = (sys.executable, "-P", "-m", "agent_lanes")
BODY = 'Überholt.\r\nTabs\tand "quotes", no newline at the end'
WHERE = ["workspace_id", "workspace_root", "worktree_path", "expected_branch", "lane", "response_path"]
ASKED = ["id", "correlation_id", "source_agent", "request_path", "request_sha256", "supporting_paths", "prompt"]
HELD = ["state", "created_at", "updated_at", "claim_owner", "claim_token", "lease_expires_at", "claimed_at"]
V01_FIELDS = [*WHERE, *ASKED, *HELD, "metadata", "completed_at", "failed_at", "failure_reason"]
EDITED = ("checkpoint", "bare", "answer_lost", "half_answered")  # not what 0.1.1 itself would show


class Program:
    """One command line program in one workspace, with an environment of its own. `store` beats its config."""

    def __init__(self, words: tuple[str, ...], folder: Path, home: Path, store: Path | None = None) -> None:
        self.words = (*words, *(("--store", str(store)) if store else ()))
        self.folder = folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AGENT_LANES_")}
        self.environment = kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def run(self, *words: str, code: int = 0, stdin: bytes = b"") -> str:
        """What a call prints; it must end with this exit code."""
        done = subprocess.run(
            [*self.words, *words], cwd=self.folder, env=self.environment, input=stdin, capture_output=True, timeout=120
        )
        said = done.stderr.decode()
        assert done.returncode == code, f"{words} ended with {done.returncode}: {said}"
        assert "Traceback" not in said, said
        return done.stdout.decode()

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The object that a call prints with --json."""
        found = json.loads(self.run("--json", *words, code=code))
        assert isinstance(found, dict)
        return found


class OldStore:
    """What 0.1.1 made: the workspace, the store, the ids by nickname, and what 0.1.1 itself says of them."""

    def __init__(self, old: Path, folder: Path) -> None:
        self.home, self.workspace = folder / "home", folder / "work"
        self.store = self.workspace / "handoff" / "state"
        self.ids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.listed: dict[str, dict[str, Any]] = {}
        self.old = Program((str(old),), self.workspace, self.home)
        self.home.mkdir(parents=True)
        (self.workspace / "docs").mkdir(parents=True)
        (self.workspace / "request.md").write_text("Please read docs/spec.md.\n")
        (self.workspace / "docs" / "spec.md").write_text("A spec.\n")
        self.old.run("init", ".", "--workspace-id", "old work")

    def fill(self) -> None:
        """A task of every kind."""
        self._work()
        self.listed = {task["id"]: task for task in self.old.json("list")["tasks"]}
        for nickname in EDITED:
            self._edit(nickname)

    def copy(self, place: Path) -> Path:
        """A copy of the store, to be upgraded or damaged; the workspace stays where it is."""
        shutil.copytree(self.store, place)
        return place

    def program(self, store: Path) -> Program:
        """The program under test, on a copy."""
        return Program(CURRENT, self.workspace, self.home, store)

    def submit(self, nickname: str, *words: str, lane: str = "default") -> str:
        """Queue a task with 0.1.1."""
        answer = f"out/{nickname}.md"
        given = ("--lane", lane, "--request-from", "request.md", "--response-to", answer, *words)
        self.ids[nickname] = self.old.json("submit", *given)["task_id"]
        return self.ids[nickname]

    def claim(self, nickname: str, seconds: int = 7200, owner: str = "old worker") -> None:
        """Claim one of them with 0.1.1."""
        words = ("claim", self.ids[nickname], "--owner", owner, "--lease-seconds", str(seconds))
        self.tokens[nickname] = self.old.json(*words)["claim_token"]

    def _work(self) -> None:
        task = self.workspace / "review.yaml"
        task.write_text("lane: review\nsupporting_paths: [docs/spec.md]\nmetadata: {effort: high}\nprompt: Zwölf.\n")
        self.submit("first")
        self.submit("codex", "--metadata", "required_vendor=codex", "--prompt", "line one\nline two — „three“\n")
        self.submit("claude", "--metadata", "required_vendor=claude", "--metadata", "note=a=b c")
        self.submit("review", "--task", "review.yaml", "--branch", "main", "--worktree-path", ".", lane="review")
        self.submit("last", "--source-agent", "planner", "--task-id", "the last one")
        self.submit("held")
        self.claim("held")
        self.submit("run_out")
        self.claim("run_out", 0)
        self.submit("released")
        self.claim("released")
        self.old.run("release", self.ids["released"], "--claim-token", self.tokens["released"], "--reason", "lunch")
        self.submit("completed", "--metadata", "thread_id=t1")
        self.claim("completed")
        self.old.run("event", self.ids["completed"], "--type", "headless_started", "--message", "go", "--data", "k=v")
        self._respond("completed", "--verdict", "needs-revision", "--blocking-count", "2", "--metadata", "tokens_in=7")
        self.submit("failed")
        self.claim("failed")
        self._respond("failed", "--status", "failed", "--follow-up-required")
        self.submit("fallback", lane="finished only")
        self._respond("fallback", token=False)
        self.submit("checkpoint")
        self.submit("bare")
        self.submit("answer_lost")
        self.claim("answer_lost")
        self._respond("answer_lost")
        self.submit("half_answered")
        self.claim("half_answered")

    def _respond(self, nickname: str, *words: str, token: bool = True) -> None:
        proof = ("--claim-token", self.tokens[nickname]) if token else ()
        self.old.run("respond", self.ids[nickname], *proof, "--file", "-", *words, stdin=BODY.encode())

    def _edit(self, nickname: str) -> None:
        folder = self.store / "tasks" / self.ids[nickname]
        record = json.loads((folder / "task.json").read_text())
        if nickname == "checkpoint":
            record["checkpoint_id"] = record.pop("correlation_id")
        elif nickname == "bare":
            del record["metadata"]
        elif nickname == "answer_lost":
            (folder / "response.json").unlink()
        else:
            answer = json.loads((self.store / "tasks" / self.ids["completed"] / "response.json").read_text())
            answer["task_id"] = record["id"]
            (folder / "response.json").write_text(_text(answer))
        (folder / "task.json").write_text(_text(record))


def _text(record: object) -> str:
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about every file below a folder that a change could change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mode, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, content)
    return found
