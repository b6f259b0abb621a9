"""The guard of one agent: starts it, limits it, and outlives a killed dispatcher for as long as it takes to tidy up.

    dispatcher  -- stdin: one line, the order; then `t` stop it, `d` it is answered -->  guard
    dispatcher  <-- stdout: one JSON object a line: {"started": pid}, then {"ended": ...} --            guard

The end of stdin without a `d` means that the dispatcher is gone: the agent is stopped, the task released, the folder
of the run removed. The guard stands in a session of its own and ignores the signals of terminals and service
managers, adopts what the agent leaves behind, and inherits the lock of the run, which therefore lasts as long as it
or the agent does.

Only one thread, and nothing imported that a run does not need.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import signal
import time

from agent_lanes.dispatch import strays
from agent_lanes.dispatch.patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STDOUT, STDERR, INPUT = "stdout", "stderr", "input"
EXITED, TOLD, ALONE = "exited", "stopped", "dispatcher_killed"
TOO_LONG, TOO_MUCH, NO_ROOM, NOT_STARTED = "timeout", "too_much_output", "no_room", "not_started"
GAVE_UP = "gave_up"  # it said that it tries again, and nothing else for as long as it may
KEPT_OF_STDERR = 1 << 16
CHUNK, MOST_AT_ONCE = 1 << 16, 64  # what still floods a pipe must not keep us from ending it
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Guard:
    """One run, from its order to its end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.reason = ""
        self.alone = False
        self.pid = 0
        self.status: int | None = None
        self.written = 0
        self.complaint = b""
        self.patience = Patience(order["retries"])
        self.stop_at = 0.0  # when SIGTERM was sent; 0: not yet
        self.answer = os.open(f"{order['run_path']}/{STDOUT}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def run(self) -> None:
        """Start the agent, see it to its end, tidy up, and tell how it was."""
        strays.prctl(strays.BECOME_SUBREAPER, 1)
        begin = time.monotonic()
        left = 0
        if self._start():
            _tell({"started": self.pid})
            self._see_to_its_end(begin + self.order["max_run_seconds"])
            left = self._tidy()
        with open(f"{self.order['run_path']}/{STDERR}", "wb", opener=_private) as file:
            file.write(self.complaint)
        code = None if self.status is None else os.waitstatus_to_exitcode(self.status)
        seconds = round(time.monotonic() - begin, 3)
        _tell({"ended": self.reason or EXITED, "code": code, "seconds": seconds, "left_running": left})
        if self.alone or not _is_answered():
            _give_back(self.order)

    # --- starting --------------------------------------------------------------------------------------------

    def _start(self) -> bool:
        """Whether the program could be started."""
        woken, self._wakes = os.pipe()
        self._woken = woken
        for end in (woken, self._wakes):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        (self.out, out), (self.err, err), (failed, fails) = os.pipe(), os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(out, err, fails)
        for end in (out, err, fails):
            os.close(end)
        with open(failed, "rb") as file:
            problem = file.read()
        if problem:
            os.waitpid(self.pid, 0)
            self.reason, self.complaint = NOT_STARTED, problem
            return False
        for end in (self.out, self.err):
            os.set_blocking(end, False)
        return True

    def _become(self, out: int, err: int, fails: int) -> None:
        """In the child: the agent. Never returns."""
        try:
            order = self.order
            os.setsid()
            strays.prctl(strays.DIE_WITH_PARENT, signal.SIGTERM)
            signal.set_wakeup_fd(-1)
            for one in (*IGNORED, signal.SIGCHLD, signal.SIGPIPE):
                signal.signal(one, signal.SIG_DFL)
            given = os.open(f"{order['run_path']}/{INPUT}", os.O_RDONLY)
            for end, number in ((given, 0), (out, 1), (err, 2)):
                os.dup2(end, number)
            if order["max_memory_bytes"]:
                resource.setrlimit(resource.RLIMIT_DATA, (order["max_memory_bytes"],) * 2)
            os.chdir(order["folder"])
            os.execvpe(order["argv"][0], order["argv"], order["environment"])  # noqa: S606 - a shell would read the task
        except BaseException as wrong:
            what = wrong.strerror if isinstance(wrong, OSError) else str(wrong)
            os.write(fails, f"cannot start {self.order['argv'][0]} in {self.order['folder']}: {what}".encode()[:4000])
        finally:
            os._exit(127)

    # --- while it runs ---------------------------------------------------------------------------------------

    def _see_to_its_end(self, deadline: float) -> None:
        """Until the agent itself has ended, by itself or stopped, and nobody of its process group is left."""
        reading = [0, self._woken, self.out, self.err]
        while True:
            self._reap()
            now = time.monotonic()
            if self.status is None and not self.stop_at and now >= deadline:
                self._stop(TOO_LONG)
            if self.status is None and self.patience.left(now) <= 0:
                self._stop(GAVE_UP)
            if self.stop_at or self.status is not None:
                left = strays.in_group(self.pid)
                if self.status is not None and not left:
                    break
                if not self.stop_at:  # it ended by itself and left others in its group
                    self._stop(EXITED)
                elif now >= self.stop_at + self.order["grace_seconds"]:
                    strays.send(signal.SIGKILL, left)
            pause = strays.ROUND_SECONDS if self.stop_at else max(0.0, min(deadline - now, self.patience.left(now)))
            for end in select.select(reading, [], [], pause)[0]:
                if not self._heard(end):
                    reading.remove(end)

    def _heard(self, end: int) -> bool:
        """Take what there is to read; False once there will be nothing more."""
        if end == 0:
            return self._obey()
        try:
            chunk = os.read(end, CHUNK)
        except BlockingIOError:
            return True
        if end == self.out:
            self._keep(chunk)
            if chunk:
                self.patience.answered()
        elif end == self.err:
            self.complaint = (self.complaint + chunk)[-KEPT_OF_STDERR:]
            self.patience.complained(chunk)
        return bool(chunk)

    def _obey(self) -> bool:
        """What the dispatcher says; nothing, for ever, is what a dead one says."""
        word = os.read(0, 1)
        if word == b"":
            self.alone = True
            self._stop(ALONE)
        elif word == b"t":
            self._stop(TOLD)
        return bool(word)

    def _stop(self, reason: str) -> None:
        if not self.stop_at:
            self.reason, self.stop_at = self.reason or reason, time.monotonic()
            strays.send(signal.SIGTERM, strays.in_group(self.pid))

    def _keep(self, chunk: bytes) -> None:
        """Into the file, up to the limit; an agent that says more is stopped, and the disk not filled."""
        room = self.order["max_output_bytes"] - self.written
        kept = chunk[:room]
        self.written += len(kept)
        try:
            while kept:
                kept = kept[os.write(self.answer, kept) :]
        except OSError as wrong:
            self.complaint = f"{wrong.strerror} in {self.order['run_path']}".encode()
            self._stop(NO_ROOM)
        if len(chunk) > room:
            self._stop(TOO_MUCH)

    def _reap(self) -> None:
        """Note the end of the agent, and bury what this process has adopted."""
        try:
            while os.read(self._woken, CHUNK):
                pass
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.status = status

    # --- after it --------------------------------------------------------------------------------------------

    def _tidy(self) -> int:
        """End all that it started in sessions of their own, take what is still in the pipes; how many are left."""

        def find() -> set[int]:
            self._reap()
            self._drain()
            return strays.below(os.getpid()) | strays.marked(self.order["mark"])

        left = strays.end(find, self.order["grace_seconds"])
        self._drain()
        os.close(self.answer)
        return left

    def _drain(self) -> None:
        for end in (self.out, self.err):
            for _ in range(MOST_AT_ONCE):
                if not select.select([end], [], [], 0)[0] or not self._heard(end):
                    break


def _is_answered() -> bool:
    """Wait for the dispatcher to say so; False if it was killed before."""
    while True:
        word = os.read(0, 1)
        if word in (b"d", b""):
            return word == b"d"


def _give_back(order: dict[str, Any]) -> None:
    """Do what the dispatcher can no longer do: release the task, remove the folder of the run."""
    import shutil

    from agent_lanes.errors import AgentLanesError
    from agent_lanes.wiring import open_backend

    shutil.rmtree(order["run_path"], ignore_errors=True)
    task = order["task"]
    try:
        from agent_lanes.services.queue import QueueService

        QueueService(open_backend(task["store"])).release(task["id"], task["token"], reason="its dispatcher was killed")
    except AgentLanesError:
        pass  # answered, cancelled, somebody else's: what is to be done is done
    try:
        os.unlink(order["lock_path"])
    except OSError:
        pass


def _tell(what: dict[str, object]) -> None:
    try:
        os.write(1, json.dumps(what).encode() + b"\n")
    except OSError:
        pass  # nobody listens any more, which stdin will say, too


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _order() -> dict[str, Any] | None:
    """The first line of stdin; None where the dispatcher died while it wrote it."""
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = os.read(0, 1)
        if not chunk:
            return None
        line += chunk
    return dict(json.loads(line))


def main() -> int:
    """Guard one agent."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the thread that started us held some back, and the agent must not
    order = _order()
    if order is not None:
        fcntl.fcntl(
            order["folder_lock"], fcntl.F_SETFD, fcntl.FD_CLOEXEC
        )  # the lock of the run alone goes on to the agent
        Guard(order).run()
    return 0
