"""A task in the user's own programs: its page in $PAGER, its file in $EDITOR.

A pager is given the escaped page on stdin, so that nothing of a task steers the terminal. An editor opens a file of
the user's: the answer where one was written, else the request; never a file of the store.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

from agent_lanes.errors import AgentLanesError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.task import Snapshot

PAGERS, EDITORS = ("less", "more"), ("nano", "vi")


def in_pager(text: str) -> None:
    """Show a text that has been escaped. Raises NotFound, AgentLanesError."""
    words = _program("PAGER", PAGERS)
    _call(words, text)


def in_editor(path: str) -> None:
    """Open a file. Raises NotFound, AgentLanesError."""
    _call([*_program("EDITOR", EDITORS), path], None)


def own_file(snapshot: Snapshot) -> str:
    """The file of the user's that tells most. Raises NotFound."""
    task = snapshot.task
    request = None if task.request_stored else task.request_path
    for path in (task.response_path if snapshot.response else None, request):
        if path is not None and os.path.isfile(path):
            return path
    raise NotFound("this task has no file of its own", hint="v shows it in a pager")


def _program(variable: str, others: tuple[str, ...]) -> list[str]:
    try:
        given = shlex.split(os.environ.get(variable, ""))
    except ValueError:
        given = []
    words = given or next(([name] for name in others if shutil.which(name)), [])
    if not words or shutil.which(words[0]) is None:
        raise NotFound(f"{variable}: {words[0] if words else 'no program'} is not on PATH", hint=f"set {variable}")
    return words


def _call(words: list[str], text: str | None) -> None:
    data = None if text is None else text.encode("utf-8", "backslashreplace")
    try:
        subprocess.run(words, input=data, check=False)  # noqa: S603 - the user's own program, without a shell
    except OSError as wrong:
        raise AgentLanesError(f"cannot start {words[0]}: {wrong.strerror}") from None
