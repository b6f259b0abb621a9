"""submit: everything is checked before anything is written, and each refusal names its field (K8)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from agent_lanes.backends.memory import MemoryStore
from agent_lanes.errors import AgentLanesError, BadData, BadUsage, NotAllowed, NotFound
from agent_lanes.services import bodies
from agent_lanes.services.queue import QueueService
from agent_lanes.services.submission import Submission
from services.conftest import Submit


def test_a_task_says_what_was_asked_with_absolute_paths_and_hashes(submit: Submit, workspace: Path) -> None:
    (workspace / "docs/more.md").write_text("more")
    task = submit(
        response_to="out/answer.md",
        supporting_paths=("docs/more.md",),
        worktree_path="docs",
        branch="main",
        prompt="p",
        metadata={"required_vendor": "codex"},
        correlation_id="plan 7",
        source_agent="ann",
    )
    assert task.request_path == str(workspace / "request.md")
    assert task.request_sha256 == hashlib.sha256(b"please").hexdigest()
    assert task.response_path == str(workspace / "out/answer.md")
    assert task.supporting_paths[0].path == str(workspace / "docs/more.md")
    assert task.supporting_paths[0].sha256 == hashlib.sha256(b"more").hexdigest()
    assert (task.worktree_path, task.expected_branch, task.vendor) == (str(workspace / "docs"), "main", "codex")
    assert (task.correlation_id, task.source_agent, task.workspace_root) == ("plan 7", "ann", str(workspace))
    assert "-plan-7-" in task.id


def test_the_correlation_id_is_the_lane_where_none_is_given(submit: Submit) -> None:
    assert submit(lane="code review").correlation_id == "code review"


def test_a_request_given_as_bytes_is_kept_and_hashed(submit: Submit, queue: QueueService) -> None:
    task = submit(request=None, request_bytes=b"a\r\n\0b")
    assert (task.request_path, task.request_stored) == (None, True)
    assert task.request_sha256 == hashlib.sha256(b"a\r\n\0b").hexdigest()
    assert queue.backend.stored_request(task.id) == b"a\r\n\0b"


def test_a_prompt_alone_is_a_request(submit: Submit) -> None:
    task = submit(request=None, prompt="do it")
    assert (task.request_path, task.request_sha256, task.request_stored) == (None, None, False)


def test_neither_request_nor_prompt_is_refused(submit: Submit) -> None:
    with pytest.raises(BadUsage, match="request: missing"):
        submit(request=None)


REFUSED: list[tuple[dict[str, Any], type[AgentLanesError], str]] = [
    ({"lane": "a\nb"}, BadUsage, "lane"),
    ({"lane": ""}, BadUsage, "lane"),
    ({"workspace_id": " w"}, BadUsage, "workspace_id"),
    ({"source_agent": ""}, BadUsage, "source_agent"),
    ({"correlation_id": "a\0"}, BadUsage, "correlation_id"),
    ({"branch": "a\nb"}, BadUsage, "branch"),
    ({"metadata": {"a": float("nan")}}, BadUsage, "metadata.a"),
    ({"metadata": {"required_vendor": 7}}, BadUsage, "metadata.required_vendor"),
    ({"prompt": "\ud800"}, BadData, "prompt"),
    ({"prompt": "x" * (bodies.MAX_PROMPT_BYTES + 1)}, BadData, "prompt"),
    ({"request": None, "request_bytes": b"\xff"}, BadData, "request"),
    ({"request": None, "request_bytes": b"x" * (bodies.MAX_BODY_BYTES + 1)}, BadData, "request"),
    ({"request": "none.md"}, NotFound, "request_path: 'none.md' does not exist"),
    ({"request": "docs"}, NotFound, "request_path: 'docs' is not a file"),
    ({"request": "fifo"}, NotFound, "request_path: 'fifo' is not a file"),
    ({"request": "../outside.md"}, NotAllowed, "request_path is outside workspace_root"),
    ({"request": "/etc/passwd"}, NotAllowed, "request_path is outside workspace_root"),
    ({"request": "link-out"}, NotAllowed, "request_path is outside workspace_root"),
    ({"request": "a\0b"}, BadUsage, "request_path"),
    ({"request": "a\ud800"}, BadUsage, "request_path"),
    ({"response_to": "../answer.md"}, NotAllowed, "response_path is outside workspace_root"),
    ({"response_to": '../a project\'s "root" and more/x'}, NotAllowed, "response_path is outside workspace_root"),
    ({"response_to": "link-out"}, NotAllowed, "response_path is outside workspace_root"),
    ({"response_to": "out-folder/answer.md"}, NotAllowed, "response_path is outside workspace_root"),
    ({"response_to": "docs"}, NotAllowed, "response_path is a folder"),
    ({"response_to": "fifo"}, NotAllowed, "response_path is a pipe"),
    ({"response_to": "x" * 300}, NotAllowed, "response_path is too long"),
    ({"response_to": "new/"}, NotAllowed, "response_path is a folder"),
    ({"response_to": "request.md"}, NotAllowed, "response_path would overwrite the request or the config"),
    ({"response_to": "docs/../request.md"}, NotAllowed, "response_path would overwrite the request or the config"),
    ({"response_to": "link-to-request"}, NotAllowed, "response_path would overwrite the request or the config"),
    ({"response_to": "handoff.yaml"}, NotAllowed, "response_path would overwrite the request or the config"),
    ({"response_to": ".git/config"}, NotAllowed, "response_path lies inside .git"),
    ({"response_to": "docs/.git/hooks/new"}, NotAllowed, "response_path lies inside .git"),
    ({"response_to": "link-to-git/new"}, NotAllowed, "response_path lies inside .git"),
    ({"response_to": "state/tasks/x"}, NotAllowed, "response_path lies inside the store"),
    ({"response_to": "state"}, NotAllowed, "response_path"),
    ({"response_to": ""}, BadUsage, "response_path"),
    ({"supporting_paths": ("none",)}, NotFound, "supporting_paths"),
    ({"supporting_paths": ("../outside.md",)}, NotAllowed, "supporting_paths"),
    ({"supporting_paths": ("docs",)}, NotFound, "supporting_paths"),
    ({"supporting_paths": ("request.md",) * 1001}, BadUsage, "supporting_paths"),
    ({"worktree_path": "a\0b"}, BadUsage, "worktree_path"),
]


@pytest.fixture
def traps(workspace: Path) -> Path:
    """Links that lead out, a FIFO, a repository, a store, a config."""
    (workspace.parent / "outside.md").write_text("not ours")
    (workspace / "link-out").symlink_to("../outside.md")
    (workspace / "out-folder").symlink_to("..")
    (workspace / "link-to-request").symlink_to("request.md")
    (workspace / ".git").mkdir()
    (workspace / "link-to-git").symlink_to(".git")
    (workspace / "state/tasks").mkdir(parents=True)
    (workspace / "handoff.yaml").touch()
    os.mkfifo(workspace / "fifo")
    return workspace


@pytest.mark.parametrize(("changes", "kind", "line"), REFUSED, ids=lambda part: ascii(part)[:60])
def test_what_is_wrong_is_refused_by_the_name_of_its_field_and_nothing_is_written(
    traps: Path, wanted: Submission, changes: dict[str, Any], kind: type[AgentLanesError], line: str
) -> None:
    store = MemoryStore()
    store.address = str(traps / "state")
    with pytest.raises(kind) as refused:
        QueueService(store).submit(wanted.replace(config_path=str(traps / "handoff.yaml"), **changes))
    assert refused.value.message.startswith(line)
    assert refused.value.message.isprintable()
    assert list(store.scan()) == []


PATHS = ["answer.md", "new/deep/answer.md", "docs/x", "stateful.md", "..answer", ".gitignore", "é 🦊"]


@pytest.mark.parametrize("path", PATHS)
def test_any_other_response_path_is_accepted(traps: Path, wanted: Submission, queue: QueueService, path: str) -> None:
    task, _ = queue.submit(wanted.replace(response_to=path))
    assert task.response_path == str(traps / path)
    assert not (traps / path).exists()


def test_paths_are_resolved_before_they_are_judged(traps: Path, wanted: Submission, queue: QueueService) -> None:
    task, _ = queue.submit(wanted.replace(request="link-to-request", base=str(traps / "docs" / "..")))
    assert task.request_path == str(traps / "request.md")


def test_a_workspace_reached_through_a_link_is_the_same_workspace(
    traps: Path, wanted: Submission, queue: QueueService
) -> None:
    (traps.parent / "alias").symlink_to(traps)
    alias = str(traps.parent / "alias")
    task, _ = queue.submit(wanted.replace(workspace_root=alias, base=alias, response_to="answer.md"))
    assert (task.workspace_root, task.response_path) == (str(traps), str(traps / "answer.md"))


def test_what_a_caller_does_to_its_metadata_afterwards_does_not_change_the_task(
    submit: Submit, queue: QueueService
) -> None:
    mine: dict[str, Any] = {"list": [1], "tuple": (1, 2)}
    task = submit(metadata=mine)
    mine["list"].append(2)
    mine["new"] = True
    assert queue.read(task.id).task.metadata == {"list": [1], "tuple": [1, 2]}
