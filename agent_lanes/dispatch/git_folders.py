"""Which folders of git's a working folder needs, when it lies outside of them: read from its files, without git."""

from __future__ import annotations

import os

LONGEST = 4096


def git_folders(folder: str) -> tuple[str, ...]:
    """The git folder of the work tree that `folder` lies in, and the one that all its work trees share.

    A sandbox that lets an agent write into its working folder alone keeps it from committing: git writes into `.git`
    there, and for a linked work tree into two folders elsewhere.
    """
    found = _dot_git(os.path.realpath(folder))
    if found is None:
        return ()
    own = found
    if not os.path.isdir(found):  # a linked work tree, or a submodule: `gitdir: PATH`
        content = _line(found)
        if not content.startswith("gitdir: "):
            return ()
        own = os.path.normpath(os.path.join(os.path.dirname(found), content.removeprefix("gitdir: ")))
    shared = os.path.normpath(os.path.join(own, _line(os.path.join(own, "commondir"))))
    if not _is_gits(own, "HEAD") or not _is_gits(shared, "objects"):  # a file that points anywhere opens nothing
        return ()
    return (own,) if own == shared else (own, shared)


def _dot_git(folder: str) -> str | None:
    while True:
        path = os.path.join(folder, ".git")
        if os.path.exists(path):
            return path
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _is_gits(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name))


def _line(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(LONGEST)).strip()
    except OSError:
        return ""
