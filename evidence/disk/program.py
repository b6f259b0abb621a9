"""The command, called: in this process, where thousands of calls a minute are wanted, or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from disk.trace import PATIENCE_SECONDS, PROGRAM

OURS = ("AGENT_LANES_", "XDG_")
DEFECTS = ("Traceback", "a defect of agent-lanes")


@dataclass(frozen=True)
class Result:
    """What a call did."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"`agent-lanes {' '.join(self.words)}` exited {self.code}: {(self.err or self.out).strip()[:300]}"

    @property
    def defect(self) -> bool:
        """Whether a traceback, or what takes its place, came to light."""
        return any(word in self.err for word in DEFECTS)

    @property
    def json(self) -> dict[str, Any]:
        """stdout, which is one JSON object; {} if it is not."""
        try:
            found = json.loads(self.out)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def values(self) -> dict[str, str]:
        """stdout, which is lines of key=value."""
        return dict(line.split("=", 1) for line in self.out.splitlines() if "=" in line)


class Program(Protocol):
    """Something that runs the command on one store."""

    def __call__(self, *words: str) -> Result:
        """One call, to its end."""
        ...


class InProcess:
    """`main()` in this process, by `with`; its stdout and stderr are taken away from it during a call."""

    def __init__(self, folder: Path, home: Path, boot: str) -> None:
        self.folder, self.home, self.boot = folder, home, boot

    def __enter__(self) -> InProcess:
        """Environment and folder are those of the calls."""
        self._before, self._where = dict(os.environ), os.getcwd()
        for name in [name for name in os.environ if name.startswith(OURS)]:
            del os.environ[name]
        os.environ.update(HOME=str(self.home), AGENT_LANES_BOOT_ID=self.boot, AGENT_LANES_POLL="1")
        os.chdir(self.folder)
        self._streams = [os.memfd_create(name) for name in ("out", "err")]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Everything as it was."""
        for stream in self._streams:
            os.close(stream)
        os.environ.clear()
        os.environ.update(self._before)
        os.chdir(self._where)

    def __call__(self, *words: str) -> Result:
        """See Program."""
        from agent_lanes.cli.app import main

        sys.stdout.flush()
        sys.stderr.flush()
        kept = [os.dup(1), os.dup(2)]
        for number, stream in enumerate(self._streams, start=1):
            os.ftruncate(stream, 0)
            os.lseek(stream, 0, os.SEEK_SET)
            os.dup2(stream, number)
        try:
            code = main(list(words))
        finally:
            for number, saved in enumerate(kept, start=1):
                os.dup2(saved, number)
                os.close(saved)
        out, err = (os.pread(stream, os.fstat(stream).st_size, 0).decode() for stream in self._streams)
        return Result(words, code, out, err)


class InProcesses:
    """A process for each call, as a user has it."""

    def __init__(self, folder: Path, home: Path, boot: str) -> None:
        self.folder = folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        self.environment = kept | {"HOME": str(home), "AGENT_LANES_BOOT_ID": boot, "PYTHONDONTWRITEBYTECODE": "1"}

    def __call__(self, *words: str) -> Result:
        """See Program."""
        done = subprocess.run(
            [*PROGRAM, *words], cwd=self.folder, env=self.environment, capture_output=True, timeout=PATIENCE_SECONDS
        )
        return Result(words, done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))
