"""Files of the user's: hashing what was asked, writing what was answered; and the texts made of a task."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from backends.files.conftest import tree
from contracts.stores import Clock

from agent_lanes.core import jsontext
from agent_lanes.core.task import Task
from agent_lanes.errors import BadData, NotAllowed, NotFound, StorageFailed
from agent_lanes.services import artifacts, bodies, briefing, report, requests
from agent_lanes.services.queue import QueueService
from services.conftest import Submit


def asked(workspace: Path, path: str, **fields: Any) -> Task:
    """A task that wants its answer there."""
    plain = Task(
        id="t",
        workspace_id="w",
        workspace_root=str(workspace),
        correlation_id="t",
        source_agent="orchestrator",
        lane="default",
        created_at=0,
        sequence=1,
        request_path=str(workspace / "request.md"),
        response_path=str(workspace / path),
        metadata={},
    )
    return plain.replace(**fields)


def write(workspace: Path, path: str, body: str = "fine\n", config: str | None = None) -> Path:
    store = str(workspace / "handoff/state")
    return Path(artifacts.write_answer(asked(workspace, path), body, store=store, config=config))


@pytest.mark.parametrize("body", ["", "fine\n", "a\r\nb\0c", "🦊", "x" * 3_000_000], ids=lambda body: ascii(body)[:20])
def test_an_answer_is_written_byte_for_byte(workspace: Path, body: str) -> None:
    written = write(workspace, "answer.md", body)
    assert written == workspace / "answer.md"
    assert written.read_bytes() == body.encode()


def test_folders_are_made_on_the_way_and_nothing_else_is_left(workspace: Path) -> None:
    write(workspace, "new/deep/answer.md")
    assert os.listdir(workspace / "new/deep") == ["answer.md"]


def test_an_answer_replaces_an_older_one_in_one_step_and_keeps_its_mode(workspace: Path) -> None:
    old = workspace / "answer.md"
    old.write_text("old")
    old.chmod(0o640)
    with old.open() as reader:
        write(workspace, "answer.md", "new")
        assert reader.read() == "old"
    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("new", 0o640)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_answer_has_the_mode_that_the_umask_allows(workspace: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        written = write(workspace, "answer.md")
    finally:
        os.umask(before)
    assert stat.S_IMODE(written.stat().st_mode) == mode


def test_a_link_inside_the_workspace_is_followed_and_stays(workspace: Path) -> None:
    (workspace / "link").symlink_to("docs/answer.md")
    assert write(workspace, "link") == workspace / "docs/answer.md"
    assert (workspace / "link").is_symlink()


def test_a_path_that_leads_outside_by_now_is_refused(workspace: Path) -> None:
    (workspace / "out").symlink_to(workspace.parent)
    with pytest.raises(NotAllowed, match="outside workspace_root"):
        write(workspace, "out/answer.md")
    assert not (workspace.parent / "answer.md").exists()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("handoff/state/tasks/x/response.json", "lies inside the store"),
        ("handoff/state", "lies inside the store|is a folder"),
        (".git/hooks/pre-commit", r"lies inside \.git"),
        ("docs/../.git/config", r"lies inside \.git"),
        ("request.md", "would overwrite the request or the config"),
        ("lanes.yaml", "would overwrite the request or the config"),
        ("docs", "is a folder"),
    ],
)
def test_a_path_that_has_become_a_link_to_what_submit_refuses_is_refused_and_nothing_is_written(
    workspace: Path, target: str, why: str
) -> None:
    for name in ("handoff/state/tasks/x", ".git/hooks"):
        (workspace / name).mkdir(parents=True)
    (workspace / "lanes.yaml").write_text("lanes:\n")
    (workspace / "answer.md").symlink_to(target)
    before = tree(workspace)
    with pytest.raises(NotAllowed, match=f"^response_path ({why})"):
        write(workspace, "answer.md", config=str(workspace / "lanes.yaml"))
    assert tree(workspace) == before


def test_a_folder_that_has_become_a_link_into_git_is_refused_and_nothing_is_written(workspace: Path) -> None:
    (workspace / ".git").mkdir()
    (workspace / "outputs").symlink_to(".git")
    with pytest.raises(NotAllowed, match=r"lies inside \.git"):
        write(workspace, "outputs/hooks/post-checkout")
    assert os.listdir(workspace / ".git") == []


def test_a_folder_in_the_place_of_an_answer_is_refused_and_leaves_no_litter(workspace: Path) -> None:
    (workspace / "answer.md").mkdir()
    before = tree(workspace)
    with pytest.raises(NotAllowed, match="response_path is a folder"):
        write(workspace, "answer.md")
    assert tree(workspace) == before


def test_an_answer_that_cannot_be_written_says_that_it_is_safe_and_leaves_no_litter(workspace: Path) -> None:
    before = sorted(os.listdir(workspace))
    with pytest.raises(StorageFailed, match="the answer is safe in the store, but cannot be written to"):
        write(workspace, "request.md/answer.md")
    assert sorted(os.listdir(workspace)) == before


def test_a_long_file_name_is_no_problem_for_the_file_it_is_written_through(workspace: Path) -> None:
    assert write(workspace, "a" * 251 + ".md").exists()


def test_a_hash_is_that_of_the_content(workspace: Path) -> None:
    for size in (0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3_000_000):
        (workspace / "large").write_bytes(b"x" * size)
        assert requests.file_sha256(str(workspace / "large")) == hashlib.sha256(b"x" * size).hexdigest()


def test_what_is_no_file_is_not_hashed_and_does_not_block(workspace: Path) -> None:
    os.mkfifo(workspace / "fifo")
    for name in ("fifo", "none"):
        with pytest.raises(NotFound):
            requests.file_sha256(str(workspace / name))
    with pytest.raises((NotFound, StorageFailed)):
        requests.file_sha256(str(workspace / "docs"))


# --- texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"a\x80"])
def test_bytes_that_are_not_utf8_are_refused_with_their_place(data: bytes) -> None:
    with pytest.raises(BadData, match=r"^body: not UTF-8 at byte [01]$"):
        bodies.text("body", data)


def test_a_limit_is_named_in_the_unit_of_people() -> None:
    for limit, shown in ((32 << 20, "32 MiB"), (64 << 10, "64 KiB")):
        with pytest.raises(BadData, match=f"more than {shown}"):
            bodies.size("body", limit + 1, limit)
        bodies.size("body", limit, limit)


def test_an_agent_is_given_prompt_request_files_and_place_in_one_text(
    queue: QueueService, submit: Submit, workspace: Path
) -> None:
    (workspace / "docs/more.md").touch()
    task = submit(prompt="Review this.\n\n", supporting_paths=("docs/more.md",), worktree_path="docs", branch="main")
    text = briefing.agent_input(queue, queue.read(task.id))
    assert text.startswith(f"Task {task.id} on lane default.\n\nReview this.\n")
    assert f"--- the request (the file {workspace}/request.md) ---\nplease\n--- end of the request ---\n" in text
    assert f"- {workspace}/docs/more.md\n" in text
    assert f"Work in {workspace}/docs, on branch main.\n" in text
    assert "VERDICT: needs-revision" in text


def test_an_agent_is_given_a_request_kept_in_the_store(queue: QueueService, submit: Submit) -> None:
    task = submit(request=None, request_bytes="Grüße".encode())
    assert "--- the request ---\nGrüße\n--- end of the request ---" in briefing.agent_input(queue, queue.read(task.id))


def test_a_prompt_that_begins_with_a_slash_is_not_what_the_agent_s_input_begins_with(
    queue: QueueService, submit: Submit
) -> None:
    task = submit(request=None, prompt="/clear")
    assert briefing.agent_input(queue, queue.read(task.id)).startswith("Task ")


def test_the_page_of_a_task_tells_its_story(queue: QueueService, submit: Submit, clock: Clock) -> None:
    task = submit(prompt="Review this.")
    queue.claim(task.id, owner="ann")
    queue.event(task.id, message="line one\nANSWER  by nobody", data={"pid": 7})
    page = report.page(queue, queue.read(task.id), list(queue.events(task.id)))
    assert "claimed by ann until" in page
    claim = queue.read(task.id).claim
    assert claim is not None
    queue.respond(task.id, "fine\n", token=claim.token, reviewer="ann", verdict="accept")
    page = report.page(queue, queue.read(task.id), list(queue.events(task.id)))
    for part in (
        "PROMPT\n  Review this.",
        "REQUEST  ",
        "\n  please\n",
        "HISTORY",
        "pid=7",
        "ANSWER  by ann · completed",
    ):
        assert part in page
    assert page.count("\nANSWER") == 1  # a message cannot pass for another part of the page
    assert claim.token not in page


def test_the_page_of_a_task_whose_request_is_gone_says_so(queue: QueueService, submit: Submit, workspace: Path) -> None:
    task = submit()
    (workspace / "request.md").unlink()
    assert "(cannot read the request" in report.page(queue, queue.read(task.id), [])


def test_a_long_request_is_cut_on_the_page_and_whole_for_the_agent(
    queue: QueueService, submit: Submit, workspace: Path
) -> None:
    (workspace / "request.md").write_text("x" * 5_000)
    snapshot = queue.read(submit().id)
    assert "... 1000 characters more" in report.page(queue, snapshot, [])
    assert "x" * 5_000 in briefing.agent_input(queue, snapshot)


def test_the_whole_story_is_json(queue: QueueService, submit: Submit) -> None:
    task = submit()
    queue.respond(task.id, "fine")
    whole = report.whole(queue, queue.read(task.id), list(queue.events(task.id)))
    assert jsontext.loads(jsontext.dumps(whole)) == whole
    assert [event["type"] for event in whole["events"]] == ["created", "response"]  # type: ignore[union-attr,index,call-overload]
