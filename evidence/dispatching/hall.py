"""A store, a shared temp folder, and dispatchers whose agents are those of agent.py."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from holding.place import Place, expect
from scene import PATIENCE_SECONDS

AGENT = Path(__file__).with_name("agent.py")
HELD_UP = 60.0  # what takes longer has hung


class Hall(Place):
    """A place for one case of K7."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.tmp = root / "tmp"
        self.tmp.mkdir(exist_ok=True)
        self.tmp.chmod(0o1777)  # shared, as /tmp is
        self.environment["TMPDIR"] = str(self.tmp)
        self._logs: dict[int, Path] = {}

    def begun(self, number: int = 1) -> Path:
        """The file by which an agent says that it has begun."""
        return self.root / f"begun-{number}"

    def asked(self, *words: str, attempts: int = 3, lane: str = "default") -> str:
        """A new task."""
        return self.submit("--max-attempts", str(attempts), *words, lane=lane)

    def work(self, *agent: str | Path, flags: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[bytes]:
        """A dispatcher that goes on beside the case."""
        log = self.root / f"work-{len(self.started)}.log"
        command = [sys.executable, str(AGENT), *map(str, agent)]
        words = ["--store", str(self.store), "work", "--owner", f"d{len(self.started)}", *flags, "--", *command]
        with log.open("wb") as err:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "agent-lanes"), *words],
                cwd=self.project,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )
        self.started.append(process)
        self._logs[process.pid] = log
        return process

    def said(self, process: subprocess.Popen[bytes]) -> str:
        """What a dispatcher has said so far."""
        return self._logs[process.pid].read_text(errors="replace")

    def once(self, *agent: str | Path, flags: tuple[str, ...] = (), code: int = 0) -> str:
        """A dispatcher that handles one task; what it said."""
        process = self.work(*agent, flags=("--once", "--wait", "60", *flags))
        return self.ended(process, code)

    def ended(self, process: subprocess.Popen[bytes], code: int) -> str:
        """What a dispatcher said, once it has ended with this code."""
        found = process.wait(PATIENCE_SECONDS)
        said = self.said(process)
        expect(found == code, f"exit code {found} instead of {code}: {said}")
        expect("Traceback" not in said and "a defect of" not in said, said)
        return said

    def until(self, true: Callable[[], object], what: str, within: float = HELD_UP) -> float:
        """Wait for a condition; how many seconds it took."""
        begin = time.monotonic()
        while not true():
            expect(time.monotonic() - begin < within, f"not within {within:g} s: {what}")
            time.sleep(0.02)
        return time.monotonic() - begin

    def pid(self, number: int = 1) -> int:
        """The process of an agent that has begun."""
        self.until(self.begun(number).exists, "the agent begins")
        return int(self.begun(number).read_text())

    def types(self, id: str) -> list[str]:
        """The kinds of events of a task."""
        path = self.store / "tasks" / id / "events.jsonl"
        return [json.loads(line)["type"] for line in path.read_text().splitlines()] if path.exists() else []

    def guards(self) -> list[int]:
        """The guards that are at work for this hall."""
        mine = os.fsencode(self.tmp)
        return [pid for pid in processes() if b"agent_lanes.dispatch.guard" in cmdline(pid) and mine in environ(pid)]

    def agents(self) -> list[int]:
        """Every agent of this hall that runs."""
        words = {pid: cmdline(pid).split(b"\0") for pid in processes()}
        mine = os.fsencode(self.root)
        return [
            pid
            for pid, told in words.items()
            if told[1:2] == [os.fsencode(AGENT)] and (mine in b"\0".join(told) or mine in environ(pid))
        ]

    def nothing_left(self, *, tmp: bool = True) -> None:
        """No process of an agent runs, and nothing lies in the temp folder."""
        self.until(lambda: not self.agents(), f"no agent runs: {self.agents()}")
        if tmp:
            self.until(lambda: not list(self.tmp.iterdir()), f"the temp folder is empty: {list(self.tmp.iterdir())}")

    def private(self) -> None:
        """Nobody else can read anything in the temp folder."""
        for path in self.tmp.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            expect(not mode & 0o077, f"{path} has mode {mode:04o}")

    def free_again(self, id: str) -> None:
        """The task is offered."""
        self.until(lambda: self.task(id)["offered"], f"{id} is offered: {self.task(id)}")

    def close(self) -> None:
        """Nothing of it is left running."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
        super().close()
        for pid in (*self.guards(), *self.agents()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def alive(pid: int) -> bool:
    """Whether a process runs, and is not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def processes() -> list[int]:
    """Every living process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and alive(int(name))]


def cmdline(pid: int) -> bytes:
    """The words it was started with."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def environ(pid: int) -> bytes:
    """The environment it was started with."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
