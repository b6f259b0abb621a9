"""The files of the user's that a task names: where they may lie, and writing what was answered.

A path is resolved with its symlinks before it is judged, and must lie inside the workspace. A response path may not
be the request or the config, nor lie in the store or in a `.git`: `wait` overwrites it. Who comes over the network is
given the content of requests, and may name none in the store: its token lies there, and those of the claims.
"""

from __future__ import annotations

import errno
import os
import stat

from agent_lanes.core import names
from agent_lanes.core.task import Supporting
from agent_lanes.errors import AgentLanesError, BadUsage, NotAllowed, NotFound, of_system
from agent_lanes.services.requests import file_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_lanes.core.task import Task

MAX_SUPPORTING = 1000
LONGEST_SHOWN = 300


class Resolver:
    """Follows symlinks as os.path.realpath does, but looks at each folder once, however many paths lead through it."""

    def __init__(self) -> None:
        self._known = {"/": "/"}

    def real(self, path: str) -> str:
        """The path without symlinks; what does not exist stays as it is."""
        plain = path == os.path.normpath(path) and path.startswith("/") and not path.startswith("//")
        found = self._followed(path) if plain else None
        return os.path.realpath(path) if found is None else found

    def _followed(self, path: str) -> str | None:
        """The same for a plain path; None where a link leads in a circle."""
        if path not in self._known:
            parent, name = os.path.split(path)
            above = self._followed(parent)
            if above is None:
                return None
            found = os.path.join(above, name)
            if os.path.islink(found):
                found = os.path.realpath(found)
                if os.path.islink(found):
                    return None
            self._known[path] = found
        return self._known[path]


def inside(field: str, path: str, base: str, root: str, places: Resolver | None = None) -> str:
    """The absolute path, symlinks followed, of a path that is given relative to `base`; it must lie below `root`.

    `root` has its own symlinks followed already. Raises BadUsage for a text that is no path, NotAllowed for a path
    outside.
    """
    names.path(field, path)
    real = (places or Resolver()).real(os.path.join(base, path))
    if not (real + "/").startswith(root.rstrip("/") + "/"):
        raise NotAllowed(f"{field} is outside workspace_root: {path}", hint=f"workspace_root is {root}")
    return real


def request_path(path: str, base: str, root: str, places: Resolver | None = None) -> str:
    """The absolute path of a request that exists. Raises NotFound, NotAllowed, BadUsage."""
    real = inside("request_path", path, base, root, places)
    if not os.path.isfile(real):
        problem = "is not a file" if os.path.exists(real) else "does not exist"
        hint = "give the request as a file, or as a text; a command takes `-` for stdin"
        raise NotFound(f"request_path: {names.shown(path, LONGEST_SHOWN)} {problem}", hint=hint)
    return real


def response_path(
    path: str, base: str, root: str, *, forbidden: Iterable[str | None], store: str, places: Resolver | None = None
) -> str:
    """The absolute path for an answer; it need not exist. Raises NotAllowed, BadUsage."""
    places = places or Resolver()
    real = inside("response_path", path, base, root, places)
    hint = "choose a file of its own, such as outputs/answer.md"
    mode = _mode(path, real)
    if stat.S_ISDIR(mode) or path.endswith("/"):
        raise NotAllowed(f"response_path is a folder: {path}", hint=hint)
    if not stat.S_ISREG(mode):
        raise NotAllowed(f"response_path is a pipe, a socket or a device: {path}", hint=hint)
    if any(taken and real == places.real(taken) for taken in forbidden):
        raise NotAllowed(f"response_path would overwrite the request or the config: {path}", hint=hint)
    if ".git" in real.split("/"):
        raise NotAllowed(f"response_path lies inside .git: {path}", hint=hint)
    _outside_the_store("response_path", path, real, store, places, hint)
    return real


def no_record(field: str, path: str, base: str, store: str) -> None:
    """Refuse a path, relative to `base`, that leads into the store. Raises NotAllowed, BadUsage."""
    names.path(field, path)
    places = Resolver()
    real = places.real(os.path.join(base, path))
    _outside_the_store(field, path, real, store, places, "over the network no file of the store is given away")


def _outside_the_store(field: str, path: str, real: str, store: str, places: Resolver, hint: str) -> None:
    if os.path.isabs(store) and (real + "/").startswith(places.real(store) + "/"):
        raise NotAllowed(f"{field} lies inside the store: {path}", hint=hint)


def _mode(path: str, real: str) -> int:
    """What kind of file it is, or would be. Raises NotAllowed where none can be."""
    try:
        return os.stat(real).st_mode
    except OSError as wrong:
        if wrong.errno == errno.ENAMETOOLONG:
            raise NotAllowed(f"response_path is too long: {names.shown(path, LONGEST_SHOWN)}") from None
        return stat.S_IFREG


def supporting_paths(paths: Iterable[str], root: str) -> tuple[Supporting, ...]:
    """The files that go with a request, hashed; given relative to the workspace. Raises as request_path does."""
    found = []
    for path in paths:
        real = inside("supporting_paths", path, root, root)
        if not os.path.isfile(real):
            raise NotFound(f"supporting_paths: {names.shown(path)} is not a file of the workspace")
        found.append(Supporting(path=real, sha256=file_sha256(real)))
    if len(found) > MAX_SUPPORTING:
        raise BadUsage(f"supporting_paths: {len(found)} are too many; at most {MAX_SUPPORTING}")
    return tuple(found)


def write_answer(task: Task, body: str, *, store: str, config: str | None) -> str:
    """Replace the file at a task's response path in one step, byte for byte and durably; returns its absolute path.

    All that was checked at submit is checked again: a link may lead elsewhere by now. Raises NotAllowed,
    StorageFailed.
    """
    from agent_lanes import durability

    places = Resolver()
    path, root = task.response_path or "", places.real(task.workspace_root)
    real = response_path(path, root, root, forbidden=(task.request_path, config), store=store, places=places)
    folder = os.path.dirname(real)
    from agent_lanes.newborn import Newborn

    try:
        os.makedirs(folder, exist_ok=True)
        mode = stat.S_IMODE(os.stat(real).st_mode) if os.path.isfile(real) else 0o666 & ~_umask()
        with Newborn(folder, mode) as born:
            os.fchmod(born.descriptor, mode)
            born.write(body.encode(), durable=True)
            os.rename(born.path, real)
        durability.sync_folders(folder, top=root)
    except OSError as wrong:
        raise _cannot_write(path, wrong) from wrong
    return real


def _cannot_write(path: str, wrong: OSError) -> AgentLanesError:
    return of_system(
        f"the answer is safe in the store, but cannot be written to {path}: {wrong.strerror}",
        wrong,
        hint="mend that, then repeat the wait; `agent-lanes show ID` prints the answer meanwhile",
    )


def _umask() -> int:
    """The process's umask, read from the system: setting it to read it would race with threads."""
    try:
        descriptor = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
        try:
            lines = os.read(descriptor, 1 << 14).split(b"\n")
        finally:
            os.close(descriptor)
        return next(int(line.split()[1], 8) for line in lines if line.startswith(b"Umask:"))
    except (OSError, StopIteration):
        return 0o022
