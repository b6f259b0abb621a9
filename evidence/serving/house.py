"""A store, a server on it, and what must hold of a server whatever it is sent."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from holding.place import Place, expect
from scene import PATIENCE_SECONDS, PROGRAM

TOKEN = "a-token-for-this-experiment"
SECRET = "the secret of the folder beside the workspace"
ERROR_KEYS = {"error", "code", "hint", "retryable"}
MOST_THREADS = 40  # 16 for the store, the feed, the watch, the loop, and what the kernel of a library takes
MOST_GROWTH_KIB = 96 << 10  # of memory that lasts, whatever was sent
MOST_SHOWN = 1000  # characters of an error: it does not send back what it was sent
LIVELY_SECONDS = 30.0

Told = tuple[int, dict[str, Any]]


class House(Place):
    """A place for one case of K9. `bare`: without uvicorn, as in an installation without extras."""

    def __init__(self, root: Path, *, bare: bool = False, auth: bool = True) -> None:
        super().__init__(root)
        self.bare, self.token = bare, TOKEN if auth else None
        self.asked = Counter[int]()
        (self.project / "request.md").write_text("Please look at this.\n")
        outside = root / "outside"
        outside.mkdir()
        (outside / "secret.md").write_text(SECRET)
        (self.project / "link.md").symlink_to(outside / "secret.md")
        (self.project / "linked").symlink_to(outside)
        os.mkfifo(self.project / "pipe")
        if bare:
            hidden = root / "hidden"
            hidden.mkdir()
            (hidden / "uvicorn.py").write_text("raise ImportError('hidden')\n")
            self.environment["PYTHONPATH"] = str(hidden)
        self.server = self._started()
        self.routes: dict[str, dict[str, Any]] = self.get("/openapi.json")[1]["paths"]
        self.task = self.queued()
        self._outside = self.beyond()
        self._memory = self.memory()

    def _started(self) -> subprocess.Popen[bytes]:
        self.said = self.root / "serve.log"
        words = [PROGRAM, "--store", str(self.store), "serve", "--port", "0", *([] if self.token else ["--no-auth"])]
        with self.said.open("wb") as err:
            process = subprocess.Popen(
                words,
                cwd=self.project,
                env={**self.environment, "AGENT_LANES_TOKEN": TOKEN},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )
        self.started.append(process)
        address = re.compile(r"serve: http://127.0.0.1:(\d+)/")
        self.until(lambda: address.search(self.said.read_text()) or process.poll() is not None, "the server listens")
        found = address.search(self.said.read_text())
        expect(found, self.said.read_text())
        self.port = int(found[1]) if found else 0
        return process

    # --- asking -------------------------------------------------------------------------------------------------

    def queued(self, lane: str = "work") -> str:
        """A new task."""
        status, told = self.post("/tasks", {"lane": lane, "prompt": "think", "max_attempts": 0})
        expect(status == 201, f"POST /tasks: {status} {told}")
        return str(told["task_id"])

    def get(self, path: str, **headers: str) -> Told:
        """GET."""
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: object, **headers: str) -> Told:
        """POST of JSON."""
        return self.send("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Told:
        """Any request; headers that are empty are left out. The answer keeps the rules of every answer."""
        shown = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given = {name: value for name, value in {**shown, **headers}.items() if value}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        self.asked[response.status] += 1
        what = f"{method} {path[:100]}"
        expect(SECRET.encode() not in raw, f"{what}: the answer has what lies outside: {raw!r}")
        if not response.headers["Content-Type"].startswith("application/json"):
            expect(response.status < 400, f"{what}: an error that is no JSON: {raw[:200]!r}")
            return response.status, {}
        told = json.loads(raw)
        if response.status >= 400:
            expect(told.keys() == ERROR_KEYS and told["error"].isprintable(), f"{what}: {told}")
            expect(len(told["error"]) < MOST_SHOWN, f"{what}: an error of {len(told['error'])} characters")
            expect("--" not in told["error"], f"{what}: the error names a flag: {told}")
        expect(response.status < 500, f"{what}: {response.status} {told}")
        return response.status, told

    def refused(self, told: Told, status: int, what: str, *, names: str = "") -> None:
        """It was refused with this status, and the error names what is wrong."""
        expect(told[0] == status, f"{what}: {status} was due, got {told[0]} {str(told[1])[:300]}")
        expect(names in told[1]["error"], f"{what}: the error does not name {names}: {told[1]['error']}")

    def connect(self) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def raw(self, request: bytes, *, ends: bool = True) -> bytes:
        """Bytes as they are, and all that comes back until the server closes; the client `ends` its side at once."""
        parts = list[bytes]()
        with self.connect() as connection:
            try:
                connection.sendall(request)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(1 << 16):
                    parts.append(chunk)
            except OSError:  # it was refused, and closed, before all of it was sent
                pass
        return b"".join(parts)

    # --- looking ------------------------------------------------------------------------------------------------

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for a condition."""
        begin = time.monotonic()
        while not true():
            expect(time.monotonic() - begin < PATIENCE_SECONDS, f"never: {what}")
            time.sleep(0.02)

    def beyond(self) -> list[tuple[str, bytes]]:
        """Every file that is none of the store, and what is in it."""
        found = []
        for place in (self.project, self.root / "outside", self.home):
            for path in sorted(place.rglob("*")):
                if self.store not in (path, *path.parents) and ".cache" not in path.parts:
                    found.append((str(path), path.read_bytes() if path.is_file() and not path.is_symlink() else b""))
        return found

    def facts(self) -> dict[str, bytes]:
        """Everything that the store holds of tasks and holds."""
        files = (path for path in self.store.rglob("*") if path.is_file() and not path.is_symlink())
        return {str(path): path.read_bytes() for path in files if not {"presence", "tmp"} & set(path.parts)}

    def counts(self) -> tuple[int, int]:
        """How many threads and descriptors the server has."""
        process = Path(f"/proc/{self.server.pid}")
        return len(os.listdir(process / "task")), len(os.listdir(process / "fd"))

    def waits_to_send(self) -> int:
        """How many connections of the server have bytes that their clients have not taken (proc(5), net/tcp)."""
        lines = [line.split() for line in Path(f"/proc/{self.server.pid}/net/tcp").read_text().splitlines()[1:]]
        mine = [line for line in lines if line[1].endswith(f":{self.port:04X}")]
        return sum(line[4][:8] != "00000000" and line[9] != "0" for line in mine)

    def memory(self) -> int:
        """What the server holds in memory, in KiB."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) if found else 0

    def sound(self) -> str:
        """What holds of a server at the end: it answers, is no larger, wrote nothing outside, and ends well."""
        self.refused(self.get("/tasks/nope"), 404, "a task that is not there")
        begin = time.monotonic()
        expect(self.get(f"/tasks/{self.task}")[0] == 200, "the server answers no more")
        expect(time.monotonic() - begin < LIVELY_SECONDS, "the server takes its time")
        self.until(lambda: self.counts()[0] <= MOST_THREADS, f"{self.counts()[0]} threads")
        grown = self.memory() - self._memory
        expect(grown <= MOST_GROWTH_KIB, f"it holds {grown >> 10} MiB more than before")
        expect(self.beyond() == self._outside, "a file outside the store has changed")
        self.server.send_signal(signal.SIGTERM)
        expect(self.server.wait(PATIENCE_SECONDS) == 0, f"it ended with {self.server.returncode}")
        said = [line for line in self.said.read_text().splitlines() if ": warning: " not in line]
        expect(len(said) == 2 and said[1] == "agent-lanes serve: ended", f"it said {said}")
        self.healthy()
        return ", ".join(f"{count} times {status}" for status, count in sorted(self.asked.items()))


def unchanging(broken: str) -> Callable[[Callable[[House], None]], Callable[[House], str]]:
    """A case during which the store must not change, and after which the server is sound; `broken` says what if not."""

    def case(attack: Callable[[House], None]) -> Callable[[House], str]:
        @wraps(attack)
        def play(house: House) -> str:
            before = house.facts()
            attack(house)
            expect(house.facts() == before, broken)
            return house.sound()

        return play

    return case
