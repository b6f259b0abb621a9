"""A store of its own for each case, the real commands in it, and the rules that each call keeps."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene import PATIENCE_SECONDS, PROGRAM, Ended, Scene

DONE, TIMED_OUT, REFUSED, NOT_FOUND, FAILED, BAD_DATA, BUSY = 0, 2, 4, 5, 8, 65, 75
LANE = "work"
POLLS_BY_NOW = 5.0


class Broken(Exception):
    """What was promised is not so."""


@dataclass(frozen=True)
class Case:
    """One row of the table. `play` returns what happened, or raises Broken."""

    done: str
    promised: str
    play: Callable[[Place], str]
    long: bool = False
    """It takes ten seconds or more, and is left out of the sample."""


def expect(true: object, otherwise: str) -> None:
    """Raise Broken unless it is so."""
    if not true:
        raise Broken(otherwise)


class Place(Scene):
    """An empty store; `call` runs a command to its end."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.started: list[subprocess.Popen[bytes]] = []

    @property
    def store(self) -> Path:
        """The state folder."""
        return self.project / "state"

    def call(self, *words: str, code: int = DONE, stdin: bytes = b"", **environment: str) -> Ended:
        """One command, which must end with this code; whatever it says keeps the rules of all commands."""
        ended = self.run("--store", str(self.store), *words, stdin=stdin, environment=environment)
        return self.checked(words, ended, code)

    def checked(self, words: tuple[str, ...], ended: Ended, code: int) -> Ended:
        """The rules: that exit code, no traceback, one line that says why."""
        shown = " ".join(words)
        expect(ended.code == code, f"{shown}: expected exit code {code}, got {ended}")
        expect(b"Traceback" not in ended.err and b"a defect of" not in ended.err, f"{shown}: {ended}")
        if code not in (DONE, FAILED):
            why = [line for line in ended.err.decode().splitlines() if line.startswith("agent-lanes: ")]
            expect(len(why) == 1, f"{shown}: {len(why)} lines say why: {ended}")
        return ended

    def refused(self, *words: str, names: tuple[str, ...] = (), code: int = REFUSED, **environment: str) -> str:
        """A command that is refused, and says all this; what it says."""
        said = self.call(*words, code=code, **environment).err.decode().strip()
        for name in names:
            expect(name in said, f"{' '.join(words)}: the refusal does not name {name!r}: {said}")
        return said

    def submit(self, *words: str, lane: str = LANE, **environment: str) -> str:
        """A new task."""
        return (
            self.call("submit", "--lane", lane, "--max-attempts", "0", "--prompt", "think", *words, **environment)
            .out.decode()
            .strip()
        )

    def claim(self, what: str = "", *, owner: str = "first", lease: float = 600, **environment: str) -> tuple[str, str]:
        """The next task of the lane, or one by its id: (id, token)."""
        which = [what] if what else ["--lane", LANE]
        words = ("claim", *which, "--owner", owner, "--lease-seconds", str(lease))
        values = self.call(*words, **environment).values
        expect("task_id" in values, f"{' '.join(words)}: {values}")
        return values["task_id"], values["claim_token"]

    def claim_when_free(self, owner: str, *, lease: float = 600, **environment: str) -> tuple[str, str]:
        """The same, waiting until there is one."""
        words = ("claim", "--lane", LANE, "--wait", "60", "--owner", owner, "--lease-seconds", str(lease))
        values = self.call(*words, **environment).values
        expect("task_id" in values, f"{' '.join(words)}: {values}")
        return values["task_id"], values["claim_token"]

    def idle(self, **environment: str) -> None:
        """The lane has nothing to claim."""
        values = self.call("claim", "--lane", LANE, **environment).values
        expect(values.get("status") == "idle", f"claim: expected idle, got {values}")

    def task(self, id: str, **environment: str) -> dict[str, Any]:
        """What `status` tells."""
        return dict(json.loads(self.call("status", id, **environment).out)["task"])

    def answer(self, id: str) -> str:
        """The answer, which must be there."""
        return self.call("wait", id, "--timeout", "0").out.decode()

    def lapse(self, id: str) -> None:
        """Until the lease of its claim has run out."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while not self.task(id)["lease_expired"]:
            expect(time.monotonic() < patience, "the lease never runs out")
            time.sleep(0.02)

    def healthy(self) -> None:
        """doctor has nothing to say about the store."""
        told = json.loads(self.run("--store", str(self.store), "doctor", "--json").out)
        found = [one for one in told["findings"] if one["code"] not in ("disk_space", "inotify_exhausted")]
        expect(not found, f"doctor: {found}")

    def start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """A command that goes on beside the case; it is gone when the case ends."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [PROGRAM, "--store", str(self.store), *words],
            cwd=self.project,
            env={**self.environment, **environment},
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def blocked(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """The same, once it sleeps with its watch set; or without, where the system has no watches left."""
        process, begin = self.start(*words, **environment), time.monotonic()
        while not (sleeps(process.pid) and (watches(process.pid) or time.monotonic() > begin + POLLS_BY_NOW)):
            if process.poll() is not None:
                raise Broken(f"{' '.join(words)}: ended instead of waiting: {process.communicate()}")
            time.sleep(0.005)
        return process

    def end(self, process: subprocess.Popen[bytes], code: int) -> Ended:
        """How it ended."""
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        words = tuple(map(str, process.args[3:])) if isinstance(process.args, list) else ()
        return self.checked(words, Ended(process.returncode, out, err), code)

    def close(self) -> None:
        """Nothing of it is left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def watches(pid: int) -> bool:
    """Whether a process has an inotify descriptor."""
    try:
        return any("inotify" in os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # a descriptor was closed meanwhile, or it has ended
        return False


def sleeps(pid: int) -> bool:
    """Whether every thread of a process sleeps."""
    try:
        paths = list(Path(f"/proc/{pid}/task").glob("*/stat"))
        return all(path.read_text().rpartition(")")[2].split()[0] == "S" for path in paths)
    except OSError:
        return False
