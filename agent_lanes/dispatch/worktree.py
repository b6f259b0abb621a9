"""The folder an agent works in, and with `worktree: auto` one of its own: a git worktree and branch per task.

    <repository>.worktrees/<short id>      on branch agent-lanes/<short id>

An attempt that comes again finds the worktree as the one before left it. What an agent changed is reported, never
committed, never deleted: only a worktree in which nothing changed is taken away again, by `git worktree remove`, which
itself refuses to lose anything.
"""

from __future__ import annotations

import os
import subprocess

from agent_lanes.core.frozen import Frozen
from agent_lanes.errors import AgentLanesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.task import Task

AUTO, BRANCHES = "auto", "agent-lanes/"
GIT_SECONDS = 120
LONGEST_STAT = 8192


class Unfit(AgentLanesError):
    """There is no folder in which this task could be done; the message says which was wanted and why not."""

    code = "unfit"


class Place(Frozen):
    """Where an agent works; `base` is the commit its own worktree began at, empty where it has none of its own."""

    folder: str
    branch: str = ""
    base: str = ""
    repository: str = ""


def place_for(task: Task) -> Place:
    """The folder of a task, made if it is to have one of its own. Raises Unfit."""
    if task.metadata.get("worktree") == AUTO:
        return _own(task)
    folder = task.worktree_path or task.workspace_root
    if not os.path.isdir(folder):
        field = "worktree_path" if task.worktree_path else "workspace_root"
        raise Unfit(f"there is no folder {folder} to work in ({field})")
    if task.expected_branch is None:
        return Place(folder=folder)
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    if branch != task.expected_branch:
        raise Unfit(f"{folder} is on branch {branch}, not on {task.expected_branch}, which the task expects")
    return Place(folder=folder, branch=branch)


def changes(place: Place) -> JsonObject:
    """What was changed in a worktree of its own, for the answer's metadata; empty for any other place."""
    if not place.base:
        return {}
    try:
        stat = _git(place.folder, "diff", "--stat", place.base)
        dirty = _git(place.folder, "status", "--porcelain")
        commits = int(_git(place.folder, "rev-list", "--count", f"{place.base}..HEAD"))
        untracked = [line[3:] for line in dirty.splitlines() if line.startswith("??")]
    except (Unfit, ValueError) as wrong:
        return {"worktree_path": place.folder, "branch": place.branch, "diff_stat": f"not known: {wrong}"}
    return {
        "worktree_path": place.folder,
        "branch": place.branch,
        "base_commit": place.base,
        "commits": commits,
        "uncommitted": bool(dirty),
        "untracked": [*untracked[:100]],
        "diff_stat": stat[:LONGEST_STAT],
    }


def take_away_unchanged(place: Place) -> bool:
    """Remove a worktree of its own in which nothing was changed; whether that was so."""
    if not place.base:
        return False
    try:
        if _git(place.folder, "status", "--porcelain") or _git(place.folder, "rev-parse", "HEAD") != place.base:
            return False
        _git(place.repository, "worktree", "remove", place.folder)
        _git(place.repository, "branch", "-d", place.branch)
        os.rmdir(os.path.dirname(place.folder))  # the last one out
    except (Unfit, OSError):
        return False
    return True


def _own(task: Task) -> Place:
    """The task's own worktree, made now or by an attempt before."""
    repository = _git(task.workspace_root, "rev-parse", "--show-toplevel")
    short = task.id[-12:]
    folder, branch = f"{repository}.worktrees/{short}", BRANCHES + short
    if not os.path.isdir(folder):
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        there = _git(repository, "branch", "--list", branch)
        start = [branch] if there else ["-b", branch, folder, task.expected_branch or "HEAD"]
        _git(repository, "worktree", "add", *([folder, *start] if there else start))
    if _git(folder, "rev-parse", "--abbrev-ref", "HEAD") != branch:
        raise Unfit(f"{folder} is not the worktree of branch {branch}; move it away, or put that branch back")
    base = _git(folder, "merge-base", branch, task.expected_branch or _head(repository))
    return Place(folder=folder, branch=branch, base=base, repository=repository)


def _head(repository: str) -> str:
    return _git(repository, "rev-parse", "HEAD")


def _git(folder: str, *words: str) -> str:
    """What git prints, without its last newline. Raises Unfit."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no word of a task without its place
            ["git", "-C", folder, *words],  # noqa: S607 - the user's git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            env={**clean, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise Unfit(f"git {words[0]} in {folder}: {wrong}") from wrong
    said = done.stdout.decode("utf-8", "replace").rstrip("\n")
    if done.returncode != 0:
        complaint = (done.stderr.decode("utf-8", "replace").strip() or said).splitlines()
        raise Unfit(f"git {words[0]} in {folder}: {complaint[-1] if complaint else f'exit code {done.returncode}'}")
    return said
