"""Copies handoff_template/, dispatchers/ and prompt_pack/ into a project or a pool, and fills in their placeholders.

The folders lie at the top of the repository and, in a wheel, inside the package: the same bytes either way. A
scaffold is made complete beside its place and then renamed, so there is all of it or nothing.
"""

from __future__ import annotations

import os
import shutil
import sys

from agent_lanes import durability
from agent_lanes.config import check
from agent_lanes.core import names
from agent_lanes.core.jsontext import dumps_line
from agent_lanes.errors import AgentLanesError, Refused, Unconfirmed, of_system
from agent_lanes.newborn import Newborn, sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

TEMPLATE, DISPATCHERS, PACK = "handoff_template", "dispatchers", "prompt_pack"
PACK_FOLDER = "prompt-pack"
POOL = ".agent-lanes-queue"
INTERPRETER = ".python"
VENDOR_WRAPPERS = ("claude.sh", "codex.sh", "gemini.sh", "opencode.sh")


def project(path: str, workspace_id: str | None, workspace_root: str | None, queue_root: str | None) -> dict[str, Any]:
    """Make PATH/handoff/. Raises Refused if it is there, BadUsage for a name, StorageFailed; Unconfirmed after it."""
    folder = os.path.realpath(path)
    handoff = os.path.join(folder, "handoff")
    values = {
        "WORKSPACE_ID": names.workspace_id(workspace_id or os.path.basename(folder) or "root"),
        "WORKSPACE_ROOT": workspace_root or check.DEFAULT_ROOT,
        "QUEUE_ROOT": queue_root or check.DEFAULT_QUEUE,
    }
    _refuse(handoff)

    def fill(born: str) -> None:
        _copy(_source(TEMPLATE), born, values)
        os.rename(f"{born}/gitignore", f"{born}/.gitignore")
        _copy_file(f"{_source(DISPATCHERS)}/dispatcher.sh", f"{born}/dispatcher.sh")
        _finish(born, queue_root is None)

    _make(handoff, fill)
    _confirm(handoff)
    return {
        "status": "initialized",
        "handoff": handoff,
        "workspace_id": values["WORKSPACE_ID"],
        "workspace_root": values["WORKSPACE_ROOT"],
        "queue_root": values["QUEUE_ROOT"],
        "next_steps": [
            "start a dispatcher in one terminal: VENDOR=claude bash handoff/dispatcher.sh",
            "hand over a request from another: agent-lanes run --lane default --request-from FILE",
            "keep recurring tasks as files: tasks/<name>.yaml, submitted with --task",
        ],
    }


def pool(path: str, workspace_id: str | None) -> dict[str, Any]:
    """Make PATH/.agent-lanes-queue/ and PATH/dispatchers/.

    Raises Refused if either is there, StorageFailed; Unconfirmed once both are made. A dispatchers/ that is just what
    this makes is taken for that of a call that was killed on its way.
    """
    folder = os.path.realpath(path)
    queue, dispatchers = os.path.join(folder, POOL), os.path.join(folder, DISPATCHERS)
    name = names.workspace_id(workspace_id or os.path.basename(folder) or "root")
    config, store = os.path.join(queue, "handoff.yaml"), os.path.join(queue, check.DEFAULT_QUEUE)
    sweep(os.path.dirname(folder))  # a trial of the file system that was killed before there was a pool
    _refuse(queue)
    values = {"WORKSPACE_ID": name, "WORKSPACE_ROOT": check.DEFAULT_ROOT, "QUEUE_ROOT": check.DEFAULT_QUEUE}
    paths = {"QUEUE_ROOT": store, "CONFIG": config}

    def fill_queue(born: str) -> None:
        _write(f"{born}/handoff.yaml", _filled(_read(f"{_source(TEMPLATE)}/handoff.yaml"), values, dumps_line))
        _write(f"{born}/.gitignore", _read(f"{_source(TEMPLATE)}/gitignore"))
        _finish(born, True)

    # The queue comes last: where it is there, so is everything, and a call that was killed before can be made again.
    made = not _is_copy(_source(DISPATCHERS), dispatchers, paths)
    if made:
        _make(dispatchers, lambda born: _copy(_source(DISPATCHERS), born, paths))
    try:
        _make(queue, fill_queue)
    except BaseException:
        if made:
            shutil.rmtree(dispatchers, ignore_errors=True)
        raise
    _confirm(queue)
    wrappers = [(wrapper[:-3], os.path.join(dispatchers, wrapper)) for wrapper in VENDOR_WRAPPERS]
    polling = os.path.join(dispatchers, "POLLING-CHAT-PROMPT.md")
    return {
        "status": "initialized",
        "workspace_id": name,
        "queue": queue,
        "config": config,
        "store": store,
        "dispatchers": [{"vendor": vendor, "wrapper": wrapper} for vendor, wrapper in wrappers],
        "polling_prompt": polling,
        "next_steps": [
            f"start a dispatcher: bash {_shell(wrappers[0][1])}",
            f"or paste into a chat: {polling}",
            f"let a project share this queue: agent-lanes init --queue-root {_shell(store)}",
        ],
    }


def pack(path: str) -> str:
    """Make PATH/prompt-pack/, and tell where that is. Raises Refused if it is there, StorageFailed; Unconfirmed."""
    place = os.path.join(os.path.realpath(path), PACK_FOLDER)
    _make(place, lambda born: _copy(_source(PACK), born, {}))
    _confirm(place)
    return place


def template(folder: str, name: str) -> str:
    """The text of a file of handoff_template/ or dispatchers/, placeholders and all."""
    return _read(f"{_source(folder)}/{name}")


def _source(name: str) -> str:
    """The folder of that name: inside an installed package, or beside the package in a checkout."""
    package = os.path.dirname(os.path.abspath(__file__))
    for folder in (os.path.join(package, name), os.path.join(os.path.dirname(package), name)):
        if os.path.isdir(folder):
            return folder
    raise AgentLanesError(f"this installation lacks its folder {name}", hint="reinstall: pip install agent-lanes")


def _refuse(place: str) -> None:
    if os.path.lexists(place):
        raise Refused(f"already exists: {place}", hint="nothing was changed; use it, or choose another folder")


def _make(place: str, fill: Callable[[str], None]) -> None:
    """Make a folder complete, then give it its name. Raises Refused if that is taken, StorageFailed."""
    _refuse(place)
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with Newborn(os.path.dirname(place), 0o777, is_folder=True) as born:
            fill(born.path)
            durability.sync_tree(born.path)  # else a power cut could leave empty files under the right names
            os.rename(born.path, place)
    except OSError as wrong:  # shutil.Error is one, without a number
        raise of_system(f"cannot make {place}: {wrong.strerror or wrong}", wrong) from wrong


def _confirm(place: str) -> None:
    """What has been made is there for good, and whatever else has been made beside it. Raises Unconfirmed."""
    try:
        durability.sync_folders(os.path.dirname(place))
    except OSError as wrong:
        line = f"made {place}, but it may not survive a power cut: {wrong.strerror}"
        raise Unconfirmed(line, hint="it is complete, and can be used") from wrong


def _finish(born: str, own_state: bool) -> None:
    """The state folder, for this user alone, and which Python made this, so that the wrapper finds it again."""
    if own_state:
        os.mkdir(f"{born}/{check.DEFAULT_QUEUE}", 0o700)
    _write(f"{born}/{INTERPRETER}", sys.executable + "\n")


def _files(source: str, values: dict[str, str], inside: str = "") -> Iterator[tuple[str, str | None]]:
    """What a template makes: a name below it, and the text of a file or None for a folder; parents first."""
    for name in sorted(os.listdir(os.path.join(source, inside))):
        path = os.path.join(inside, name)
        if name == "__pycache__":
            continue
        if os.path.isdir(os.path.join(source, path)):
            yield path, None
            yield from _files(source, values, path)
        else:
            yield path, _filled(_read(os.path.join(source, path)), values, _quoting(name))


def _copy(source: str, target: str, values: dict[str, str]) -> None:
    for path, text in _files(source, values):
        there = os.path.join(target, path)
        if text is None:
            os.mkdir(there)
        else:
            _copy_file(os.path.join(source, path), there, text)


def _copy_file(here: str, there: str, text: str | None = None) -> None:
    _write(there, _read(here) if text is None else text)
    shutil.copymode(here, there)


def _is_copy(source: str, target: str, values: dict[str, str]) -> bool:
    """Whether a folder holds just what `_copy` would put there."""
    wanted = dict(_files(source, values))
    try:
        return wanted == dict(_files(target, {})) and os.path.isdir(target)
    except (OSError, UnicodeDecodeError):
        return False


def _quoting(name: str) -> Callable[[str], str]:
    """How a value stands in a file of that name: a prompt holds commands for a shell."""
    return dumps_line if name.endswith(".yaml") else _shell


def _filled(text: str, values: dict[str, str], quote: Callable[[str], str]) -> str:
    for key, value in values.items():
        text = text.replace(f"@{key}@", quote(value))
    return text


def _shell(text: str) -> str:
    import shlex

    return shlex.quote(text)


def _read(path: str) -> str:
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
