"""Telling people of transitions: what `notify` of handoff.yaml asks for is started by whoever made the transition.

A program is started without a shell, in a session of its own, and not waited for: whatever becomes of it, the change
is done. It gets the facts on stdin, from a file that has no name, so nobody waits for it to read; what it says goes
into a log.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile

from agent_lanes.core.jsontext import dumps_line
from agent_lanes.core.notices import headline, public_notice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_lanes.core.jsontext import JsonObject
    from agent_lanes.core.notices import Notice
    from agent_lanes.core.task import Event, Snapshot

MOST_AT_ONCE = 64
DEEPEST = 3  # a command that submits a task, of which a command is told, which submits a task
DEPTH = "AGENT_LANES_NOTIFY_DEPTH"
LOG_BYTES = 1 << 20
LOG_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
BANNER = (
    "-e",
    "on run argv",
    "-e",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "-e",
    "end run",
)

_running: list[subprocess.Popen[bytes]] = []  # of this process, so that those that have ended are waited for


class Teller:
    """Starts what rules ask for. `variables` are set for each command; `folder` is where it runs."""

    def __init__(
        self,
        record: Callable[[Snapshot], JsonObject],
        *,
        variables: dict[str, str],
        folder: str,
        log_path: str | None,
        warn: Callable[[str], None],
    ) -> None:
        self._record, self._variables = record, variables
        self._folder, self._log_path, self._warn = folder, log_path, warn
        self._depth = _depth()

    def tell(self, snapshot: Snapshot, event: Event, met: Sequence[tuple[Notice, tuple[str, ...]]]) -> None:
        """A transition took place that met these rules. Never raises: what cannot be started is a warning."""
        for rule, words in met:
            command = rule.command or _desktop(*headline(snapshot, event, words))
            if not command or self._depth >= DEEPEST:
                continue
            _running[:] = [one for one in _running if one.poll() is None]
            if len(_running) >= MOST_AT_ONCE:
                self._warn(f"notify: {MOST_AT_ONCE} commands still run; none was started for task {snapshot.id}")
                continue
            try:
                self._start(command, snapshot, event, words)
            except (OSError, ValueError) as wrong:
                why = wrong.strerror if isinstance(wrong, OSError) else wrong
                self._warn(f"notify: {command[0]} could not be started: {why}; the change itself is done")

    def _start(self, command: Sequence[str], snapshot: Snapshot, event: Event, words: tuple[str, ...]) -> None:
        facts = {
            **public_notice(snapshot, event, words, self._record(snapshot)),
            "store": self._variables["AGENT_LANES_STORE"],
        }
        variables = {
            **os.environ,
            **self._variables,
            "AGENT_LANES_TASK_ID": snapshot.id,
            "AGENT_LANES_LANE": snapshot.task.lane,
            "AGENT_LANES_STATE": snapshot.state,
            "AGENT_LANES_ON": " ".join(words),
            DEPTH: str(self._depth + 1),
        }
        said = self._log()
        try:
            with tempfile.TemporaryFile() as told:
                told.write(dumps_line(facts).encode() + b"\n")
                told.seek(0)
                _running.append(
                    subprocess.Popen(  # noqa: S603 - what the user's handoff.yaml names
                        command,
                        stdin=told,
                        stdout=said,
                        stderr=said,
                        cwd=self._folder,
                        env=variables,
                        start_new_session=True,
                        preexec_fn=_unblocked if signal.pthread_sigmask(signal.SIG_BLOCK, ()) else None,
                    )
                )
        finally:
            if said != subprocess.DEVNULL:
                os.close(said)

    def _log(self) -> int:
        """Where the command's words go. One that has grown large is begun anew."""
        if self._log_path is None:
            return subprocess.DEVNULL
        try:
            descriptor = os.open(self._log_path, LOG_FLAGS, 0o600)
        except OSError:
            return subprocess.DEVNULL
        if os.fstat(descriptor).st_size > LOG_BYTES:
            os.ftruncate(descriptor, 0)
        return descriptor


def _unblocked() -> None:
    """A command that is shielded from signals would hand that on to what it starts, which could not be ended."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _depth() -> int:
    """How many commands stand between this process and a person."""
    stated = os.environ.get(DEPTH, "")
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 5 else 0


def _desktop(title: str, text: str) -> tuple[str, ...]:
    """What shows a notification here; empty where there is nothing that could."""
    from shutil import which

    if which("notify-send"):
        plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return ("notify-send", "--app-name=agent-lanes", "--", title, plain)
    if which("terminal-notifier"):
        return ("terminal-notifier", "-title", title, "-message", text)
    return ("osascript", *BANNER, title, text) if which("osascript") else ()
