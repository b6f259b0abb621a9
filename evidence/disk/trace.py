"""Real commands under strace: recorded, stopped or killed at one of their calls, or stopped at each."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disk.calls import Call, Ended, calls, sites
from disk.replay import CHANGING, TRACED, UMASK

PROGRAM = (sys.executable, "-P", "-m", "agent_lanes")
PATIENCE_SECONDS = 120
LONGEST_STRING = 1 << 26
STOPPED = "stopped by SIGSTOP"
Site = tuple[str, int]
"""A call: its name, and the how many-th of this name (calls.sites)."""


@dataclass(frozen=True)
class Done:
    """A command that has ended; code is -9 if it was killed."""

    words: tuple[str, ...]
    code: int
    out: bytes
    err: str
    calls: list[Call | Ended]
    sites: list[Site]


def available() -> str:
    """Empty, or why nothing can be recorded here."""
    return "" if shutil.which("strace") else "there is no strace"


class Command:
    """How commands are run: where, and in which boot."""

    def __init__(self, folder: Path, home: Path, boot: str, program: Sequence[str] = PROGRAM) -> None:
        self.folder, self.program = folder, tuple(program)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AGENT_LANES_")}
        self.environment = kept | {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "AGENT_LANES_BOOT_ID": boot,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def recorded(self, words: Sequence[str], log: Path, *, stdin: bytes = b"") -> Done:
        """A call of the command, to its end, with all that it did to files."""
        return self._traced(words, log, ("-e", f"trace={','.join(TRACED)}"), stdin).end()

    def killed(self, words: Sequence[str], log: Path, site: Site, *, stdin: bytes = b"") -> Done:
        """The same, killed in place of one of its calls."""
        return self._traced(words, log, _injecting("SIGKILL", site[0], str(site[1])), stdin).end()

    def stopped(self, words: Sequence[str], log: Path, site: Site | None, *, stdin: bytes = b"") -> Stopped:
        """The same, stopped right after one of its calls; after each that may change something if it is None."""
        name, number = site or (",".join(CHANGING), "1+")
        return self._traced(words, log, _injecting("SIGSTOP", name, str(number)), stdin)

    def _traced(self, words: Sequence[str], log: Path, options: Sequence[str], stdin: bytes) -> Stopped:
        strace = ("strace", "-f", "-y", "-xx", "-s", str(LONGEST_STRING), "-o", str(log), *options, "--")
        log.unlink(missing_ok=True)
        process = subprocess.Popen(
            [*strace, *self.program, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            umask=UMASK,
        )
        return Stopped(process, tuple(words), log, stdin)


def _injecting(signal: str, names: str, when: str) -> tuple[str, ...]:
    return "-e", f"trace={','.join(TRACED)}", "-e", f"inject={names}:signal={signal}:when={when}"


class Stopped:
    """A command that may be standing still at one of its calls."""

    def __init__(self, process: subprocess.Popen[bytes], words: tuple[str, ...], log: Path, stdin: bytes) -> None:
        self.process, self.words, self.log = process, words, log
        self._stops = 0
        assert process.stdin is not None
        process.stdin.write(stdin)  # shorter than a pipe holds
        process.stdin.close()
        process.stdin = None

    def stands(self) -> bool:
        """Whether it has come to its next stop; False if it has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            ended = self.process.poll() is not None
            if self._text().count(STOPPED) > self._stops:
                self._stops += 1
                return True
            if ended:
                return False
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.words} neither stops nor ends")
            time.sleep(0.001)

    def go_on(self) -> None:
        """Until the next stop."""
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def so_far(self) -> Done:
        """What it has done until it stood still."""
        whole = self._text().rpartition("\n")[0]
        return self._done(whole, 0, b"", b"")

    def kill(self) -> Done:
        """The end of it."""
        for process in self._processes():
            os.kill(process, signal.SIGKILL)
        return self.end()

    def each(self, at_stop: Callable[[], None]) -> Done:
        """Let it go on from stop to stop, to its end."""
        while self.stands():
            at_stop()
            self.go_on()
        return self.end()

    def end(self) -> Done:
        """What it did, once it has ended."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self._done(self._text(), self.process.returncode, out, err)

    def _done(self, log: str, code: int, out: bytes, err: bytes) -> Done:
        found = list(calls(log))
        return Done(self.words, code, out, err.decode(errors="replace"), found, sites(log, CHANGING))

    def _text(self) -> str:
        try:
            return self.log.read_text()
        except FileNotFoundError:
            return ""

    def _processes(self) -> list[int]:
        """The traced command: strace's child; none if it has ended."""
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except FileNotFoundError:
            return []
        return [int(child) for child in children.split()]
