"""The only print. Everything on stdout is UTF-8 and flushed here, so that a closed pipe or a full disk is noticed.

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
    """Write to stdout, as it is."""
    raw(content.encode("utf-8", "backslashreplace"))


def raw(content: bytes) -> None:
    """Write bytes to stdout. Raises NotWritten."""
    try:
        sys.stdout.flush()
        view = memoryview(content)
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
    text("".join(f"{key}={one_line('' if value is None else str(value))}\n" for key, value in pairs.items()))


def json(value: object) -> None:
    """Write one JSON object."""
    text(harmless(dumps(value)))


def json_line(value: object) -> str:
    """A JSON value on one line of its own."""
    return harmless(dumps_line(value)) + "\n"


def harmless(content: str) -> str:
    """JSON in which everything is escaped that a terminal could mistake for a command; it means the same."""
    odd = {char for char in set(content) if not char.isprintable() and char != "\n"}
    return content.translate({ord(char): _json_escape(char) for char in odd}) if odd else content


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


def one_line(content: str) -> str:
    """The text with its control characters escaped, so that it stays one line and cannot steer a terminal."""
    if content.isprintable():
        return content
    return content.translate(_escapes(content, ""))


def readable(content: str) -> str:
    """The text for a terminal: lines and tabs stay, other control characters are escaped."""
    content = content.replace("\r\n", "\n")
    return content.translate(_escapes(content, "\n\t"))


def _escapes(content: str, kept: str) -> dict[int, str]:
    """A table of the few characters that need it: one by one, 32 MiB would take minutes."""
    odd = (char for char in set(content) if not char.isprintable() and char not in kept)
    return {ord(char): char.encode("unicode_escape", "surrogatepass").decode() for char in odd}


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def on_terminal(descriptor: int) -> bool:
    """Whether a person looks at it."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


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
