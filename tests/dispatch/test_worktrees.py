"""Where an agent works: the folder and branch of its task, or a git worktree of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dispatch.conftest import Scene


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", "-C", folder, *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(scene: Scene) -> Path:
    """The project as a git repository with one commit, on branch main."""
    git(scene.project, "init", "-q", "-b", "main")
    (scene.project / "file.txt").write_text("one\n")
    git(scene.project, "add", "file.txt")
    git(scene.project, "commit", "-q", "-m", "first")
    return scene.project


def test_a_task_gets_a_worktree_of_its_own_and_its_answer_says_what_was_changed(scene: Scene, repository: Path) -> None:
    id = scene.submit("--metadata", "worktree=auto")
    scene.handle("touch", "new.txt")
    told = scene.answer(id)["metadata"]
    place = Path(told["worktree_path"])
    assert place == repository.parent / "project.worktrees" / id[-12:]
    assert (place / "new.txt").exists() and not (repository / "new.txt").exists()
    assert (told["branch"], told["commits"], told["uncommitted"]) == (f"agent-lanes/{id[-12:]}", 0, True)
    assert told["untracked"] == ["new.txt"] and told["base_commit"] == git(repository, "rev-parse", "HEAD")
    assert git(repository, "status", "--porcelain", "--untracked-files=no") == ""


def test_what_an_agent_changed_in_a_file_is_told(scene: Scene, repository: Path) -> None:
    id = scene.submit("--metadata", "worktree=auto")
    scene.handle("touch", "file.txt")
    assert "file.txt | 2 +-" in scene.answer(id)["metadata"]["diff_stat"]


def test_a_worktree_in_which_nothing_changed_is_taken_away_again(scene: Scene, repository: Path) -> None:
    id = scene.submit("--metadata", "worktree=auto")
    scene.handle("where")
    assert scene.answer(id)["body"] == str(repository.parent / "project.worktrees" / id[-12:])
    assert not (repository.parent / "project.worktrees").exists()
    assert git(repository, "branch", "--list", "agent-lanes/*") == ""


def test_the_next_attempt_finds_what_the_one_before_left(scene: Scene, repository: Path) -> None:
    id = scene.submit("--metadata", "worktree=auto", attempts=2)
    scene.handle("spoil", "half.txt")
    scene.until(lambda: scene.status(id)["offered"], "the pause is over")
    scene.handle("read", "half.txt")
    assert scene.answer(id)["body"] == "half done"


def test_a_worktree_begins_at_the_expected_branch(scene: Scene, repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "other")
    (repository / "file.txt").write_text("two\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    git(repository, "checkout", "-q", "main")
    id = scene.submit("--metadata", "worktree=auto", "--branch", "other")
    scene.handle("read", "file.txt")
    assert scene.answer(id)["body"] == "two\n"


def test_a_folder_on_another_branch_is_not_worked_in(scene: Scene, repository: Path) -> None:
    id = scene.submit("--branch", "release")
    scene.handle("touch", "new.txt")
    assert scene.answer(id)["status"] == "failed"
    assert f"{repository} is on branch main, not on release" in scene.answer(id)["body"]
    assert not (repository / "new.txt").exists()


def test_a_folder_that_is_gone_is_named(scene: Scene) -> None:
    there = scene.project / "there"
    there.mkdir()
    id = scene.submit("--worktree-path", "there")
    there.rmdir()
    scene.handle("where")
    assert f"there is no folder {there} to work in (worktree_path)" in scene.answer(id)["body"]


def test_a_worktree_needs_a_repository(scene: Scene) -> None:
    id = scene.submit("--metadata", "worktree=auto")
    scene.handle("where")
    assert "not a git repository" in scene.answer(id)["body"]
