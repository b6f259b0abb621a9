"""The program: what the commands `agent-lanes` and `handoff` start, and how it loads itself.

The code lies in small files, and a command needs some forty of them. For each, Python's own importer makes twelve
system calls, and works as long again as the module itself does. `Finder` makes four: it knows in which folder a
module of this package lies, and takes the compiled code that Python has left there if it belongs to the source, by
the same rule as Python: the same version of Python, the source's time and size. Whatever it does not find just so
(no compiled code yet, another kind of it, a source that was edited) it leaves to Python, which compiles and keeps it.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any, NoReturn

PACKAGE = "agent_lanes"
OBJECTS_BETWEEN_COLLECTIONS = 10_000  # Python's 700 has it look through the modules again and again as they load
CHUNK = 1 << 15  # more than most modules have; from 128 KiB on, the memory of each read is mapped and given back
HEADER, WHOLE_NUMBER = 16, 0xFFFF_FFFF  # of compiled code: version, kind, the source's time and size; PEP 552


def start() -> NoReturn:
    """Run the call that argv holds, and end the process with its exit code.

    It ends at once: Python would first take apart every module, which is a fifth of all that it does for an empty
    program. Nothing is lost by that: what we print is written when it is printed, and no command leaves a thread
    behind that would have to finish.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        load_quickly()
        from agent_lanes.cli.app import main

        code = main()
    except KeyboardInterrupt:  # before main could take care of it, or once more while it did
        os.write(2, b"agent-lanes: interrupted (nothing is lost; repeat the call to go on)\n")
        code = 130
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # gone, closed, None: it held nothing of ours
            pass
    os._exit(code)


def load_quickly() -> None:
    """Let the rest of this package be found by `Finder`, if the package itself lies in a folder and was compiled."""
    spec = sys.modules[PACKAGE].__spec__
    if spec is None or not spec.origin or not spec.cached:
        return
    folder, name = os.path.split(spec.cached)
    if folder != f"{os.path.dirname(spec.origin)}/__pycache__" or not name.startswith("__init__."):
        return  # compiled code is kept elsewhere (PYTHONPYCACHEPREFIX)
    try:
        version = _read(spec.cached)[:4]
    except OSError:
        return
    sys.meta_path.insert(0, Finder(type(spec), name.removeprefix("__init__"), version))


class Finder:
    """Finds the modules of this package, and loads their compiled code; the protocol of PEP 451."""

    def __init__(self, spec: Any, suffix: str, version: bytes) -> None:
        self._spec = spec  # the class: importing importlib.machinery for it would cost what is saved here
        self._suffix = suffix
        self._version = version

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None, /) -> ModuleSpec | None:
        """Where a module of ours lies, with its code; None for all others, and where there is any doubt."""
        if not path or not name.startswith(PACKAGE + "."):
            return None
        folder, last = path[0], name.rpartition(".")[2]
        return self._found(name, folder, last) or self._found(name, f"{folder}/{last}", "__init__")

    def _found(self, name: str, folder: str, stem: str) -> ModuleSpec | None:
        source, compiled = f"{folder}/{stem}.py", f"{folder}/__pycache__/{stem}{self._suffix}"
        try:
            status = os.stat(source)
            content = _read(compiled)
            stamps = (0, int(status.st_mtime), status.st_size)
            head = b"".join((stamp & WHOLE_NUMBER).to_bytes(4, "little") for stamp in stamps)
            if content[:HEADER] != self._version + head:
                return None
            loader = Loader(marshal.loads(memoryview(content)[HEADER:]))  # noqa: S302 - what Python itself does
        except (OSError, ValueError, EOFError, TypeError):  # not there; cut off: Python says what is wrong with it
            return None
        spec: ModuleSpec = self._spec(name, loader, origin=source, is_package=stem == "__init__")
        spec.has_location = True
        spec.cached = compiled
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec


class Loader:
    """Runs the code that was found."""

    def __init__(self, code: CodeType) -> None:
        self._code = code

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """A module as any other."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it."""
        exec(self._code, module.__dict__)  # noqa: S102 - the code is the module's own


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = [os.read(descriptor, CHUNK)]
        while len(parts[-1]) == CHUNK:
            parts.append(os.read(descriptor, CHUNK))
        return b"".join(parts) if len(parts) > 1 else parts[0]
    finally:
        os.close(descriptor)
