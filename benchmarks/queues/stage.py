"""Setting up one queue of each kind: a folder on the disk that is measured, a server where it needs one, its worker."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import stores

if TYPE_CHECKING:
    from bench import Bench
    from builds import Build

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ("huey", "persist-queue", "litequeue", "redis", "greenstalk")

MANY = (1, 2, 4, 8)
# kind: (name, what is durable once put or take has returned, numbers of processes).
ABOUT: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "this": ("this build, Python API", "task and answer fsynced with their names; the claim is not", MANY),
    "this-http": ("this build, HTTP", "the same", (1, 4)),
    "earlier-http": ("0.1.1, HTTP", "5 fsyncs a submit, 3 a claim, 5 a respond", MANY),
    "wal": ("SQLite table", "WAL, synchronous=FULL; put, claim and answer are transactions", MANY),
    "huey": ("huey, SQLite", "WAL, synchronous=FULL; taking deletes, no ack", MANY),
    "persist-file": ("persist-queue, file", "none: renames without fsync", (1,)),
    "persist-ack": ("persist-queue, SQLite ack", "WAL, synchronous=FULL", (1,)),
    "litequeue": ("litequeue", "WAL, synchronous=FULL", MANY),
    "redis": ("Redis", "appendfsync always; LPUSH, LMOVE, LREM", MANY),
    "beanstalkd": ("beanstalkd", "-f0; put and delete are fsynced, a reservation is not", MANY),
}


class Stage:
    """A queue that was set up; `close` ends its servers, and leaves its files until the whole run ends.

    For minutes ext4 passes over the inodes of files that were just deleted, one by one, whenever it makes a new one:
    who makes files would pay for the rounds before.
    """

    def __init__(self, bench: Bench, kind: str, processes: int) -> None:
        self.kind, self.env = kind, dict(os.environ)
        self.python = python(bench, kind)
        self.servers: list[subprocess.Popen[bytes]] = []
        self.folder = tempfile.mkdtemp(prefix=f"{kind}-", dir=bench.disk)
        try:
            self.addresses = self._set_up(bench, processes)
        except BaseException:
            self.close()
            raise

    def _set_up(self, bench: Bench, processes: int) -> list[str]:
        if self.kind == "this":
            space = stores.fresh(bench.this, f"{self.folder}/space")
            self.env = space.build.env
            return [space.state] * processes
        if self.kind.endswith("-http"):
            build = bench.this if self.kind == "this-http" else bench.earlier
            space = stores.fresh(build, f"{self.folder}/space")
            return [self._serve(build, space.folder) for _ in range(processes)]
        if self.kind == "redis":
            where = ["--dir", self.folder, "--unixsocket", f"{self.folder}/redis.sock", "--port", "0"]
            how = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
            self._start(["redis-server", *where, *how], f"{self.folder}/redis.sock")
        if self.kind == "beanstalkd":
            at = f"{self.folder}/beanstalk.sock"
            self._start(["beanstalkd", "-b", self.folder, "-f0", "-l", f"unix:{at}"], at)
        return [self.folder] * processes

    def _serve(self, build: Build, folder: str) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        open_to_all = ["--no-auth"] if build.is_this else []  # 0.1.1 asks for no token
        self._start([build.command, "serve", "--port", str(port), *open_to_all], None, folder, build.env)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return f"{port}:{folder}"
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _start(self, argv: list[str], until: str | None, folder: str | None = None, env: object = None) -> None:
        self.servers.append(
            subprocess.Popen(
                argv, cwd=folder or self.folder, env=env or os.environ, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # type: ignore[call-overload]
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while until is not None and not os.path.exists(until):
            if self.servers[-1].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start")
            time.sleep(0.01)

    def close(self) -> None:
        """End what was started here."""
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.wait()


class Worker:
    """One process at a queue."""

    def __init__(self, stage: Stage, address: str, before: tuple[str, ...] = ()) -> None:
        argv = [*before, stage.python, f"{HERE}/worker.py", stage.kind, address]
        self.child = subprocess.Popen(
            argv, cwd=stage.folder, env=stage.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.child.stdin and self.child.stdout
        self.told, self.answers = self.child.stdin, self.child.stdout
        if self.answers.readline() != "ready\n":
            raise RuntimeError(f"{stage.kind}: its worker did not start")

    def tell(self, line: str) -> None:
        """Let it begin."""
        self.told.write(line + "\n")
        self.told.flush()

    def done(self) -> list[str]:
        """Wait until it is done; what it took."""
        line = self.answers.readline()
        if not line:
            raise RuntimeError(f"a worker ended with exit code {self.child.wait()}")
        return [str(body) for body in json.loads(line)]

    def end(self) -> None:
        """Let it end."""
        self.told.close()
        self.child.wait()
        self.answers.close()


def python(bench: Bench, kind: str) -> str:
    """The interpreter that has what a kind needs."""
    return bench.this.python if kind == "this" else f"{peers()}/python"


def peers() -> str:
    """The bin folder of the environment with the peers' packages: AGENT_LANES_QUEUES, else one made here."""
    named = os.environ.get("AGENT_LANES_QUEUES")
    if named:
        return named
    folder = f"{os.path.dirname(HERE)}/.cache/queues"
    if not os.path.exists(f"{folder}/bin/python"):
        subprocess.run([sys.executable, "-m", "venv", "--upgrade-deps", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "-q", *PACKAGES], check=True)
    return f"{folder}/bin"


def versions() -> dict[str, str]:
    """Of the peers that are there."""
    ask = "import importlib.metadata as m, sys, sqlite3\nfor n in sys.argv[1:]: print(n, m.version(n))"
    ask += "\nprint('SQLite', sqlite3.sqlite_version)"
    out = subprocess.run([f"{peers()}/python", "-c", ask, *PACKAGES], capture_output=True, text=True, check=True).stdout
    found = dict(line.split() for line in out.splitlines())
    for name, words in (("redis-server", ["redis-server", "--version"]), ("beanstalkd", ["beanstalkd", "-v"])):
        if shutil.which(name):
            told = subprocess.run(words, capture_output=True, text=True).stdout.split()
            found[name] = next((word.lstrip("v=") for word in told if any(c.isdigit() for c in word)), "")
    return found


def there(kind: str) -> bool:
    """Whether a kind can be measured here: its server is installed."""
    server = {"redis": "redis-server", "beanstalkd": "beanstalkd"}.get(kind)
    return server is None or shutil.which(server) is not None
