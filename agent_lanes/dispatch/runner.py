"""One agent, as its dispatcher sees it.

    with Run(order...) as run:         a private folder for what goes in and comes out
        run.start(argv, ...)           its guard, which starts it
        while (ended := run.wait(1.0)) is None:
            ...                        renew the lease; run.stop() when it is lost
        run.stdout, run.stderr         what it said
        run.answered()                 let the guard go: else it would release the task

The folder is 0700 and its files 0600, so a shared temp folder shows nothing. It is locked as long as dispatcher or
guard live: what is left of a run whose both were killed is found by that (`clear_away`), and its agent ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import stat
import subprocess
import sys
import tempfile
import time

from agent_lanes.core.frozen import Frozen
from agent_lanes.dispatch import guard, strays
from agent_lanes.errors import StorageFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from agent_lanes.dispatch.vendor import Retries

PREFIX = "agent-lanes-run-"
ANSWER, MARK, COMPLAINT = "answer", "mark", "guard"
BEING_MADE_SECONDS = 60  # a younger folder may not have its lock yet
GRACE_SECONDS = 5.0
START = (  # this very package, and otherwise the modules that Python finds by itself
    "import sys; sys.path.insert(0, sys.argv[1]); import agent_lanes.dispatch; del sys.path[0]; "
    "from agent_lanes.dispatch.guard import main; sys.exit(main())"
)
LOST = "guard_lost"


class Limits(Frozen):
    """How long, how much, how large; 0 bytes of memory: as much as there is."""

    run_seconds: float
    output_bytes: int
    memory_bytes: int = 0
    grace_seconds: float = GRACE_SECONDS


class Holding(Frozen):
    """Which task the run is for: what its guard needs to give it back. `lock` is the descriptor of its run.lock."""

    store: str
    id: str
    token: str
    lock: int
    lock_path: str


class Ended(Frozen):
    """How it ended: `reason` is one of guard's, or LOST; `code` is negative for a signal, None where it never ran."""

    reason: str
    code: int | None
    seconds: float
    left_running: int = 0


class Run:
    """One run in a folder of its own."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        try:
            self.path = tempfile.mkdtemp(prefix=PREFIX)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.write(MARK, mark.encode())
        except OSError as wrong:
            raise StorageFailed(f"cannot make a folder for a run: {wrong.strerror} ({wrong.filename})") from wrong
        self._guard: subprocess.Popen[bytes] | None = None
        self._told = b""
        self.pid = 0

    @property
    def answer_path(self) -> str:
        """A file that the agent may write its answer to."""
        return f"{self.path}/{ANSWER}"

    def write(self, name: str, content: bytes) -> None:
        """Make a file of the run. Raises OSError."""
        with open(f"{self.path}/{name}", "wb", opener=_private) as file:
            file.write(content)

    def read(self, name: str) -> bytes | None:
        """A file of the run, if it is there. Raises StorageFailed."""
        try:
            with open(f"{self.path}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as wrong:
            raise StorageFailed(f"cannot read what the agent said: {wrong.strerror}") from wrong

    def start(
        self,
        argv: tuple[str, ...],
        *,
        environment: dict[str, str],
        folder: str,
        prompt: bytes,
        holding: Holding,
        limits: Limits,
        retries: Retries,
    ) -> None:
        """Start the agent, under its guard. Raises StorageFailed where there is no room or no process to be had."""
        order = {
            "argv": argv,
            "environment": {**environment, strays.MARK: self.mark},
            "folder": folder,
            "run_path": self.path,
            "mark": self.mark,
            "lock": holding.lock,
            "lock_path": holding.lock_path,
            "folder_lock": self._lock,
            "max_run_seconds": limits.run_seconds,
            "max_output_bytes": limits.output_bytes,
            "max_memory_bytes": limits.memory_bytes,
            "grace_seconds": limits.grace_seconds,
            "retries": retries.__dict__,
            "task": {"store": holding.store, "id": holding.id, "token": holding.token},
        }
        try:
            self.write(guard.INPUT, prompt)
            with open(f"{self.path}/{COMPLAINT}", "wb", opener=_private) as complaint:
                self._guard = subprocess.Popen(  # noqa: S603 - this very Python and package
                    [sys.executable, "-P", "-c", START, _package_folder()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=complaint,
                    pass_fds=(holding.lock, self._lock),
                    cwd=self.path,
                    start_new_session=True,
                )
            assert self._guard.stdin is not None
            self._guard.stdin.write(json.dumps(order).encode() + b"\n")
            self._guard.stdin.flush()
        except OSError as wrong:
            raise StorageFailed(f"cannot start the agent: {wrong.strerror}") from wrong

    def wait(self, timeout_seconds: float) -> Ended | None:
        """How it ended, as soon as it has; None if the time is over first."""
        assert self._guard is not None and self._guard.stdout is not None
        end = time.monotonic() + timeout_seconds
        while True:
            while b"\n" in self._told:
                line, _, self._told = self._told.partition(b"\n")
                told = json.loads(line)
                if "ended" in told:
                    return Ended(
                        reason=told["ended"],
                        code=told["code"],
                        seconds=told["seconds"],
                        left_running=told["left_running"],
                    )
                self.pid = told["started"]
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._guard.stdout], [], [], left)[0]:
                return None
            chunk = os.read(self._guard.stdout.fileno(), 1 << 16)
            if not chunk:
                return self._without_guard()
            self._told += chunk

    def stop(self) -> None:
        """Let the guard stop the agent, with some seconds of grace. May be said again."""
        self._say(b"t")

    def answered(self) -> None:
        """The task needs the guard no longer."""
        self._say(b"d")

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing of it is left; a guard that was not told that all is well releases the task."""
        if self._guard is not None:
            assert self._guard.stdin is not None and self._guard.stdout is not None
            try:
                self._guard.stdin.close()
            except OSError:
                pass
            self._guard.stdout.close()
            self._guard.wait()
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _say(self, word: bytes) -> None:
        assert self._guard is not None and self._guard.stdin is not None
        try:
            self._guard.stdin.write(word)
            self._guard.stdin.flush()
        except OSError:
            pass  # the guard has ended, which `wait` notices

    def _without_guard(self) -> Ended:
        """The guard was killed: do its work."""
        left = strays.end(
            lambda: strays.marked(self.mark) | (strays.in_group(self.pid) if self.pid else set()), GRACE_SECONDS
        )
        return Ended(reason=LOST, code=None, seconds=0, left_running=left)


def clear_away() -> list[str]:
    """End the agents, and remove the folders, of runs whose dispatcher and guard were both killed; their marks."""
    found = []
    base = tempfile.gettempdir()
    for name in os.listdir(base):
        if not name.startswith(PREFIX):
            continue
        path = os.path.join(base, name)
        try:
            status = os.lstat(path)
            young = time.time() - status.st_mtime < BEING_MADE_SECONDS
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or young:
                continue
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append(_ended(path))
            finally:
                os.close(lock)
        except OSError:
            continue  # in use, or just removed by another dispatcher
    return found


def _ended(path: str) -> str:
    try:
        with open(f"{path}/{MARK}", encoding="utf-8") as file:
            mark = file.read()
    except (OSError, UnicodeDecodeError):
        mark = ""
    if mark:
        strays.end(lambda: strays.marked(mark), GRACE_SECONDS)
    shutil.rmtree(path, ignore_errors=True)
    return mark


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _package_folder() -> str:
    """Where this package lies, whatever led this process to it."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
