"""The installed command in processes of its own, and the rules that every call of it keeps.

    run = Command(folder, home)
    result = run("submit", "--lane", "default", "request.md")           exit code 0, or the test fails
    result = run("claim", "nope", "--json", code=NOT_FOUND)             that exit code, or the test fails
    with run.start("wait", id, "--heartbeat-seconds", "0.05") as wait:  goes on beside the test
        wait.line("state=queued")                                       what it says on stderr
        ...
        result = wait.end()

Whatever the test is about, `check` looks at each call: the exit code is one of the table, nothing looks like a
traceback or a defect, stderr is made of whole lines of ours, a failed call says why in exactly one of them, and
with --json it says so on stdout too, as an object.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

PROGRAM = os.path.join(os.path.dirname(sys.executable), "agent-lanes")
PATIENCE_SECONDS = 120  # a process that takes longer hangs: an error of the test run, never a measurement

DONE, FAILED, TIMED_OUT, REFUSED, NOT_FOUND, NOT_ALLOWED, TASK_FAILED, TASK_CANCELLED = 0, 1, 2, 4, 5, 6, 8, 9
USAGE, BAD_DATA, IO_ERROR, BUSY, UNCONFIRMED, INTERRUPTED = 64, 65, 74, 75, 76, 130
CODES = {
    TIMED_OUT: {"timeout"},
    REFUSED: {"refused", "lost_claim", "already_answered", "request_changed"},
    NOT_FOUND: {"not_found"},
    NOT_ALLOWED: {"not_allowed", "withheld"},
    USAGE: {"usage"},
    BAD_DATA: {"bad_data", "damaged"},
    IO_ERROR: {"io_error"},
    BUSY: {"busy"},
    UNCONFIRMED: {"unconfirmed"},
    INTERRUPTED: {"interrupted"},
}
PREFIXES = ("agent-lanes", "[deprecated]", "No task ")  # the last: a lane wait that found nothing, in plain words
ANSWERED = (DONE, TASK_FAILED, TASK_CANCELLED)
ERROR_KEYS = {"status", "code", "message", "hint", "retryable"}

Word = str | bytes | os.PathLike[str]


class Result:
    """What one call did."""

    def __init__(self, words: Sequence[Word], code: int, out: bytes, err: bytes) -> None:
        self.words, self.code, self.out, self.err = words, code, out, err

    def __repr__(self) -> str:
        shown = " ".join(os.fsdecode(word)[:200] for word in self.words)
        return f"agent-lanes {shown}\nexit code {self.code}\n{self.out[-4000:]!r}\n{self.err.decode(errors='replace')}"

    @property
    def text(self) -> str:
        """stdout as text."""
        return self.out.decode()

    @property
    def line(self) -> str:
        """stdout, which is one line."""
        assert self.text.count("\n") == 1 and self.text.endswith("\n"), self
        return self.text[:-1]

    @property
    def json(self) -> dict[str, Any]:
        """stdout, which is one JSON object."""
        value = json.loads(self.out)
        assert isinstance(value, dict), self
        return value

    @property
    def values(self) -> dict[str, str]:
        """stdout, which is `key=value` lines."""
        assert self.text.endswith("\n"), self
        return dict(line.split("=", 1) for line in self.text[:-1].split("\n"))

    @property
    def said(self) -> list[str]:
        """The lines on stderr."""
        return self.err.decode().splitlines()

    @property
    def why(self) -> str:
        """The one line on stderr that says why the call failed."""
        complaints = [line for line in self.said if is_complaint(line)]
        assert len(complaints) == 1, self
        return complaints[0]


def is_complaint(line: str) -> bool:
    """A line that says why a call failed: no warning, no heartbeat."""
    return line.startswith("agent-lanes: ") and not line.startswith("agent-lanes: warning: ")


def check(result: Result) -> Result:
    """The rules of every call."""
    assert result.code in CODES or result.code in ANSWERED, result
    assert b"Traceback" not in result.err and b"a defect of agent-lanes" not in result.err, result
    assert result.err == b"" or result.err.endswith(b"\n"), result
    for line in result.said:
        assert line.isprintable() and line.startswith(PREFIXES), result
    if result.code not in ANSWERED:
        assert result.why, result
        if "--json" in result.words and result.out:
            error = result.json
            assert error.keys() == ERROR_KEYS and error["status"] == "error", result
            assert error["code"] in CODES[result.code] and type(error["retryable"]) is bool, result
            assert error["message"] and error["message"].isprintable() and type(error["hint"]) is str, result
    return result


class Command:
    """The command, run in one folder with a home of its own."""

    def __init__(self, folder: Path, home: Path, program: str = PROGRAM, checks: bool = True) -> None:
        self.folder, self.home, self.program, self._checks = folder, home, program, checks

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """The environment of every call: none of ours but what the test gives."""
        ours = ("AGENT_LANES_", "XDG_", "PYTHONDONTWRITE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**kept, "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / ".cache"), **(extra or {})}

    def __call__(
        self,
        *words: Word,
        code: int | None = DONE,
        stdin: bytes | IO[bytes] = b"",
        stdout: IO[bytes] | None = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Result:
        """One call, to its end. `code` None takes any exit code; `before` runs in the process, before the program."""
        given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        ended = subprocess.run(
            [self.program, *words],
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or self.folder,
            env=self.environment(env),
            preexec_fn=before,
            timeout=PATIENCE_SECONDS,
            **given,  # type: ignore[call-overload]
        )
        result = Result(words, ended.returncode, ended.stdout or b"", ended.stderr)
        assert code is None or result.code == code, result
        return check(result) if self._checks else result

    def start(
        self,
        *words: Word,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Running:
        """One call that goes on beside the test, for so long at most."""
        return Running(
            words,
            subprocess.Popen(
                [self.program, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd or self.folder,
                env=self.environment(env),
            ),
            patience_seconds,
        )


class Running:
    """A call that goes on. Leaving the `with` ends it, whatever happened."""

    def __init__(
        self, words: Sequence[Word], process: subprocess.Popen[bytes], patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self.words, self.process = words, process
        self._err, self._looked_at = b"", 0
        self._timer = threading.Timer(patience_seconds, process.kill)

    def __enter__(self) -> Running:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def line(self, part: str) -> str:
        """The next line on stderr that holds this."""
        assert self.process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while True:
                *whole, _ = self._err[self._looked_at :].split(b"\n")
                for line in whole:
                    self._looked_at += len(line) + 1
                    if part in line.decode():
                        return line.decode()
                assert selector.select(PATIENCE_SECONDS), f"no line with {part!r} in {self._err!r}"
                chunk = os.read(self.process.stderr.fileno(), 1 << 16)
                assert chunk, f"ended without a line with {part!r}: {self._err!r}"
                self._err += chunk

    def sleeping(self) -> Running:
        """Returns once the process has set its watch on the file system and sleeps, so that it really blocks."""
        while self.process.poll() is None:
            if blocked(self.process.pid):
                return self
            time.sleep(0.001)  # not to keep the processor from the one that is looked at
        raise AssertionError(f"ended instead of waiting: {self.end()}")

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def end(self, code: int | None = DONE) -> Result:
        """The result, once the call has ended by itself."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        result = Result(self.words, self.process.returncode, out, self._err + err)
        assert code is None or result.code == code, result
        return check(result)


def blocked(pid: int) -> bool:
    """Whether a process has set a watch on a folder of the store, and its main thread sleeps."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
        watched = any(link.endswith("/signals") or "/tasks/" in link or "inotify" in link for link in links)
        return watched and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
    except OSError:  # a descriptor that was closed meanwhile, a process that has ended
        return False


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: names, kinds and modes, times of change, contents."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_ino, content)
    return found


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def without_privileges() -> None:
    """For `before`: permissions hold for the program, also where the tests run as root."""
    prctl_capbset_drop, cap_dac_override, cap_dac_read_search = 24, 1, 2
    for capability in (cap_dac_override, cap_dac_read_search):
        _libc().prctl(prctl_capbset_drop, capability, 0, 0, 0)
