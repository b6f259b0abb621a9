"""The only print. Everything on stdout is UTF-8 and flushed here, so that a closed pipe or a full disk is noticed.

What a task holds never steers a terminal: whatever is written to one is escaped here (core.escapes), by `text` and all
that ends in it. Where stdout is no terminal, bytes stay as they are. Only `styled` writes colours, and those are put
around text that had been escaped.

A reader that went away raises NotWritten; app turns it into exit code 76 for a command that had changed something.

    with shielded():
        taken = claim()        SIGTERM, SIGINT and SIGHUP wait until the block is over
        print(taken.token)

keeps a signal from falling between a commit and the line that tells of it: a claim whose token nobody saw would keep
its task for a whole lease. `kill -9` cannot be held back: against that stand the lease itself and calls that can be
repeated.
"""

from __future__ import annotations

import os
import sys

from agent_lanes.core.escapes import harmless
from agent_lanes.core.escapes import one_line as one_line  # also the name under which commands know it
from agent_lanes.core.escapes import readable as readable
from agent_lanes.core.jsontext import dumps, dumps_line
from agent_lanes.errors import AgentLanesError, Damaged, StorageFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

PROGRAM = "agent-lanes"


class NotWritten(StorageFailed):
    """stdout is closed, or what it leads to is full."""


class ReaderGone(NotWritten):
    """The program that read our stdout has ended, as `head` does: not worth a line on stderr."""


def reserve_descriptors() -> None:
    """Occupy stdin, stdout, stderr where the caller closed them, so that no file of a store gets their numbers.

    What stands in for them refuses every read and write, as the closed one would.
    """
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        for descriptor in (0, 1, 2):
            try:
                os.fstat(descriptor)
            except OSError:  # the lowest free number is this one: open takes it
                os.open(os.devnull, os.O_WRONLY if descriptor == 0 else os.O_RDONLY)


def text(content: str) -> None:
    """Write to stdout: as it is, or to a terminal what people can read of it. Raises NotWritten."""
    styled(readable(content) if on_terminal(1) else content)


def body(content: str) -> None:
    """Write a request or an answer: byte for byte, or to a terminal as whole lines. Raises NotWritten."""
    text(content + "\n" if on_terminal(1) and not content.endswith("\n") else content)


def styled(content: str) -> None:
    """Write text in which everything has been escaped that is not a colour of ours. Raises NotWritten."""
    try:
        sys.stdout.flush()
        view = memoryview(content.encode("utf-8", "backslashreplace"))
        while view:
            view = view[os.write(1, view) :]
    except BrokenPipeError:
        raise ReaderGone("cannot write to stdout: its reader is gone") from None
    except OSError as wrong:
        raise NotWritten(f"cannot write to stdout: {wrong.strerror}") from None
    except (ValueError, AttributeError):  # sys.stdout was closed, or is None
        raise NotWritten("cannot write to stdout: it is closed") from None


def line(content: str) -> None:
    """Write one line to stdout."""
    text(content + "\n")


def values(**pairs: object) -> None:
    """Write `key=value` lines: for shells. None is an empty value; control characters are escaped."""
    styled("".join(f"{key}={one_line('' if value is None else str(value))}\n" for key, value in pairs.items()))


def json(value: object) -> None:
    """Write one JSON object."""
    styled(harmless(dumps(value)))


def json_line(value: object) -> str:
    """A JSON value on one line of its own."""
    return harmless(dumps_line(value)) + "\n"


def note(content: str) -> None:
    """Write a line to stderr: progress, warnings. Nobody listening is no error."""
    try:
        os.write(2, (one_line(content) + "\n").encode("utf-8", "backslashreplace"))
    except OSError:
        pass


def over(content: str) -> None:
    """Write over the current line of the terminal on stderr."""
    try:
        os.write(2, ("\r" + one_line(content) + "\r").encode("utf-8", "backslashreplace"))
    except OSError:
        pass


def warning(content: str) -> None:
    """Write a warning to stderr."""
    note(f"{PROGRAM}: warning: {content}")


def failure(error: AgentLanesError, *, as_json: bool) -> None:
    """Write an error: one line on stderr, and with --json an object on stdout too."""
    hint = f" ({error.hint})" if error.hint else ""
    note(f"{PROGRAM}: {error.message}{hint}")
    if as_json:
        try:
            json(as_object(error))
        except NotWritten:
            pass


def as_object(error: AgentLanesError) -> dict[str, object]:
    """An error as JSON."""
    return {
        "status": "error",
        "code": error.code,
        "message": one_line(error.message),
        "hint": one_line(error.hint),
        "retryable": error.retryable,
    }


def on_terminal(descriptor: int) -> bool:
    """Whether a person looks at it."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def agreed(question: str) -> bool:
    """Ask a person, who is at the terminal on stdin; anything but yes is no."""
    note(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def damaged_list(bad: list[Damaged]) -> dict[str, object]:
    """The `damaged` part of a list: nothing where nothing is damaged."""
    return {"damaged": [{"message": wrong.message, "hint": wrong.hint} for wrong in bad]} if bad else {}


class shielded:
    """Holds the signals back inside the block; they arrive at its end. Blocks may be nested."""

    def __enter__(self) -> None:
        """Hold them back."""
        self._signal = _signals()
        held = (self._signal.SIGTERM, self._signal.SIGINT, self._signal.SIGHUP)
        self._before = self._signal.pthread_sigmask(self._signal.SIG_BLOCK, held)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let them come."""
        self._signal.pthread_sigmask(self._signal.SIG_SETMASK, self._before)


def _signals() -> Any:
    """`_signal`, which is `signal` without its enums and their cost; where there is none, `signal` itself."""
    try:
        import _signal  # type: ignore[import-not-found]

        return _signal
    except ImportError:
        import signal

        return signal
