"""os, time and fcntl as a client sees them: every call that touches the run's folder is a step of the world.

The calls themselves are real, on a real folder; flock, too, which the store only ever asks for without waiting.
Times of files are those of the simulated wall clock. Threads that are no clients see the real system.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulated.surroundings import Surroundings
from simulated.world import Client, World

BY_PATH = ("stat", "lstat", "mkdir", "rmdir", "unlink", "remove", "chmod", "readlink", "statvfs", "access", "utime")
BY_TWO_PATHS = ("rename", "replace", "link", "symlink")
BY_DESCRIPTOR = ("pread", "fsync", "fdatasync", "fstat", "fchmod")
BIRTHS = ("mkdir", "link", "rename", "replace")
DEATHS = ("unlink", "remove", "rmdir")

After = Callable[[Client, str, str], None]


class System(Surroundings):
    """Stands in for the calls, one by one."""

    def __init__(self, world: World, home: str, after: After) -> None:
        super().__init__(world, home)
        self._after = after
        self.root = world.root + "/"

    def placed(self, path: object) -> str | None:
        """The path, if it lies in the folder of the run."""
        text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
        if text is None:
            return None
        if not text.startswith("/"):
            text = f"{self.home}/{text}"
        return text if text.startswith(self.root) else None

    def stamp(self, target: str | int, *, folder_too: bool = False) -> None:
        """Its time is the simulated one; so is that of the folder that it lies in."""
        nanoseconds = self.world.wall * 1000
        try:
            self.real["utime"](target, ns=(nanoseconds, nanoseconds))
            if folder_too and isinstance(target, str):
                self.real["utime"](os.path.dirname(target), ns=(nanoseconds, nanoseconds))
        except OSError:
            pass

    def after(self, client: Client, call: str, place: str) -> None:
        """The harness looks at what a call has done; its own calls are no steps."""
        self.world.quiet = True
        try:
            self._after(client, call, place)
        finally:
            self.world.quiet = False

    # --- by path ---------------------------------------------------------------------------------------------

    def by_path(self, name: str) -> Callable[..., Any]:
        """A call whose first argument is a path."""
        real = self.real[name]

        def call(path: Any, *args: Any, **options: Any) -> Any:
            client, place = self.world.current(), self.placed(path)
            if client is not None and name == "lstat" and self.root.startswith(f"{path}/"):
                return real("/")  # the way to the folder of the run is no link
            if client is None or place is None:
                return real(path, *args, **options)
            self.world.point(client, name, place)
            found = self._told(client, name, place, *args, **options)
            if name in BIRTHS:
                self.stamp(place, folder_too=True)
            elif name in DEATHS:
                self.stamp(os.path.dirname(place))
            if name in BIRTHS or name in DEATHS:
                self.after(client, name, place)
            return found

        return call

    def by_two_paths(self, name: str) -> Callable[..., Any]:
        """A call from one path to another."""
        real = self.real[name]

        def call(source: Any, target: Any, **options: Any) -> Any:
            client, place, other = self.world.current(), self.placed(target), self.placed(source)
            if client is None or place is None or other is None:
                return real(source, target, **options)
            self.world.point(client, name, f"{other} -> {place}")
            self._told(client, name, other, place, **options)
            self.stamp(os.path.dirname(other))
            self.stamp(os.path.dirname(place))
            self.after(client, name, place)
            return None

        return call

    def listdir(self, path: Any = ".") -> list[str]:
        """os.listdir: the names in an order of chance."""
        return list(self._listed("listdir", path, str))

    def scandir(self, path: Any = ".") -> Any:
        """os.scandir: the entries in an order of chance."""
        return self._listed("scandir", path, lambda entry: str(entry.name))

    def _listed(self, name: str, path: Any, key: Callable[[Any], str]) -> Any:
        client, place = self.world.current(), self.placed(path)
        if client is None or place is None:
            return self.real[name](path)
        self.world.point(client, name, place)
        found = sorted(self._told(client, name, place), key=key)
        client.chance.shuffle(found)  # a file system may list in any order
        self.world.tell(client, "->", f"{len(found)} names")
        return iter(found)

    # --- by descriptor ---------------------------------------------------------------------------------------

    def open(self, path: Any, flags: int, *args: Any, **options: Any) -> int:
        """os.open: the descriptor is the client's, and is closed when it dies."""
        client, place = self.world.current(), self.placed(path)
        if client is None or place is None:
            return int(self.real["open"](path, flags, *args, **options))
        self.world.point(client, "open", place)
        fresh = bool(flags & os.O_CREAT) and not self._there(place)
        descriptor = int(self._told(client, "open", place, flags, *args, **options))
        client.descriptors[descriptor] = place
        if fresh:
            self.stamp(place, folder_too=True)
            self.after(client, "create", place)
        return descriptor

    def close(self, descriptor: int) -> None:
        """os.close."""
        client = self.world.current()
        if self.world.buried:
            return None
        if client is None:
            return self.real["close"](descriptor)
        if client.descriptors.get(descriptor) is not None or client.dead:
            place = client.descriptors.get(descriptor, "?")
            self.world.point(client, "close", place)
            del client.descriptors[descriptor]
            self.real["close"](descriptor)
            return self.after(client, "close", place)
        return self.real["close"](descriptor)

    def by_descriptor(self, name: str) -> Callable[..., Any]:
        """A call whose first argument is a descriptor."""
        real = self.real[name]

        def call(descriptor: int, *args: Any) -> Any:
            client = self.world.current()
            place = client.descriptors.get(descriptor) if client is not None else None
            if client is None or (place is None and not client.dead):
                return real(descriptor, *args)
            self.world.point(client, name, place or "?")
            return self._told(client, name, descriptor, *args)

        return call

    def write(self, descriptor: int, data: Any) -> int:
        """os.write: to the store, or what the command says."""
        client = self.world.current()
        if client is None:
            return int(self.real["write"](descriptor, data))
        if descriptor in (1, 2):
            self.world.point(client, "write", "stdout" if descriptor == 1 else "stderr")
            (client.out if descriptor == 1 else client.err).extend(data)
            return len(data)
        return self._changed(client, "write", descriptor, data)

    def read(self, descriptor: int, size: int) -> bytes:
        """os.read: from the store, or from stdin."""
        client = self.world.current()
        if client is None or (descriptor not in client.descriptors and descriptor != 0 and not client.dead):
            return bytes(self.real["read"](descriptor, size))
        self.world.point(client, "read", client.descriptors.get(descriptor, "stdin"))
        if descriptor == 0:
            data, client.stdin = client.stdin[:size], client.stdin[size:]
            return data
        return bytes(self.real["read"](descriptor, size))

    def pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        """os.pwrite."""
        client = self.world.current()
        if client is None:
            return int(self.real["pwrite"](descriptor, data, offset))
        return self._changed(client, "pwrite", descriptor, data, offset)

    def ftruncate(self, descriptor: int, size: int) -> None:
        """os.ftruncate."""
        client = self.world.current()
        if client is None:
            self.real["ftruncate"](descriptor, size)
        else:
            self._changed(client, "ftruncate", descriptor, size)

    def flock(self, descriptor: int, operation: int) -> None:
        """fcntl.flock: the real one, tried; a client that would wait lets others go on."""
        client = self.world.current()
        if client is None:
            return self.real["flock"](descriptor, operation)
        while True:
            place = client.descriptors.get(descriptor, "?")
            self.world.point(client, "flock", place)
            try:
                self.does(client, "flock", descriptor, operation | fcntl.LOCK_NB)
                self.after(client, "flock", place)
                return None
            except BlockingIOError:
                self.world.tell(client, "flock", "held by another")
                if operation & fcntl.LOCK_NB:
                    raise
                self.world.sleep(client, 1000)

    # --- inside ----------------------------------------------------------------------------------------------

    def _there(self, place: str) -> bool:
        try:
            self.real["lstat"](place)
        except OSError:
            return False
        return True

    def does(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """The call itself. Mutants do something else here."""
        return self.real[name](*args, **options)

    def _told(self, client: Client, name: str, *args: Any, **options: Any) -> Any:
        """The call itself; its failure is part of the story."""
        try:
            return self.does(client, name, *args, **options)
        except OSError as wrong:
            self.world.tell(client, "->", errno.errorcode.get(wrong.errno or 0, "?"))
            raise

    def _changed(self, client: Client, name: str, descriptor: int, *args: Any) -> int:
        place = client.descriptors.get(descriptor)
        if place is None and not client.dead:
            return int(self.real[name](descriptor, *args) or 0)
        self.world.point(client, name, place or "?")
        done = int(self._told(client, name, descriptor, *args) or 0)
        self.stamp(descriptor)
        self.after(client, name, place or "?")
        return done


@contextmanager
def simulated(world: World, home: str, after: After, kind: type[System] = System) -> Iterator[System]:
    """Inside the block clients see such a system."""
    calls = (*BY_PATH, *BY_TWO_PATHS, *BY_DESCRIPTOR)
    own = ("listdir", "scandir", "open", "close", "write", "read", "pwrite", "ftruncate", "urandom", "getpid")
    places: list[tuple[Any, str]] = [(os, name) for name in (*calls, *own, "getcwd", "isatty")]
    places += [(time, name) for name in ("sleep", "monotonic", "time_ns", "clock_gettime_ns")]
    places.append((fcntl, "flock"))
    world.real.update({name: getattr(module, name) for module, name in places})
    system = kind(world, home, after)
    made: dict[str, Callable[..., Any]] = {name: system.by_path(name) for name in BY_PATH}
    made.update({name: system.by_two_paths(name) for name in BY_TWO_PATHS})
    made.update({name: system.by_descriptor(name) for name in BY_DESCRIPTOR})
    try:
        for module, name in places:
            setattr(module, name, made.get(name) or getattr(system, name))
        yield system
    finally:
        for module, name in places:
            setattr(module, name, world.real[name])
